package pool

import (
	"fmt"
	"time"
)

// Patience is a duration, or Off. Its text is as time.Duration's, or "off".
type Patience time.Duration

// Off is patience without an end.
const Off Patience = 0

const offText = "off"

// String is the text form.
func (p Patience) String() string {
	if p == Off {
		return offText
	}
	return time.Duration(p).String()
}

// MarshalText is the text form.
func (p Patience) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form.
func (p *Patience) UnmarshalText(text []byte) error {
	if string(text) == offText {
		*p = Off
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("must be a duration > 0, such as 30s, or off (got %s)", text)
	}
	*p = Patience(d)
	return nil
}
