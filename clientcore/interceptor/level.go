package interceptor

import "fmt"

// Level is which calls Logging writes a line for.
type Level int

// The levels.
const (
	Off      Level = iota // none
	Failures              // those that end with an error
	Calls                 // all
)

// ParseLevel is the level of a name: off, failures or calls. The empty name is
// Off.
func ParseLevel(name string) (Level, error) {
	switch name {
	case "", "off":
		return Off, nil
	case "failures":
		return Failures, nil
	case "calls":
		return Calls, nil
	}
	return Off, fmt.Errorf("must be off, failures or calls (got %q)", name)
}

// String is the name that ParseLevel reads.
func (l Level) String() string {
	switch l {
	case Off:
		return "off"
	case Failures:
		return "failures"
	case Calls:
		return "calls"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}
