package fault

import "fmt"

// Disconnect closes every connection of a backend, once: calls on them fail,
// and the backend listens all the while.
type Disconnect struct {
	With Ending `yaml:"with" json:",omitempty" doc:"how: rst, at once and whatever is on the way is lost (when left out), or fin, after what was written"`
}

// Ending is how a TCP connection ends.
type Ending int

// The endings.
const (
	RST Ending = iota
	FIN
)

var endings = [...]string{RST: "rst", FIN: "fin"}

// Words are the endings as users write them.
func (*Ending) Words() []string { return endings[:] }

// UnmarshalText reads an ending.
func (e *Ending) UnmarshalText(text []byte) error {
	for i, word := range endings {
		if word == string(text) {
			*e = Ending(i)
			return nil
		}
	}
	return fmt.Errorf("must be rst or fin (got %q)", text)
}

// MarshalText is the word.
func (e Ending) MarshalText() ([]byte, error) {
	if e < 0 || int(e) >= len(endings) {
		return nil, fmt.Errorf("must be rst or fin (got %d)", int(e))
	}
	return []byte(endings[e]), nil
}

// Begin implements OnBackend.
func (d *Disconnect) Begin(h Host) { h.Disconnect(d.With == FIN) }

// End implements OnBackend.
func (d *Disconnect) End(Host) error { return nil }

// Momentary implements Momentary.
func (*Disconnect) Momentary() {}

// Validate implements Fault.
func (*Disconnect) Validate() error { return nil }
