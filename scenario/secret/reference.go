package secret

import "fmt"

// Reference is a setting that is a secret as a whole: ${NAME} or ${file:PATH}, and
// printed and stored so.
type Reference string

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Reference) UnmarshalText(text []byte) error {
	parts := Split(string(text))
	if len(parts) != 1 || !parts[0].IsReference() {
		// Not with what was written: that may be the secret.
		return fmt.Errorf("must name the environment variable that has it, as ${TOKEN}, or a file, as ${file:PATH}")
	}
	*r = Reference(text)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r), nil }

// Reveal is the secret, which must not be empty.
func (r Reference) Reveal() (string, error) {
	value, _, err := Expand(string(r))
	if err == nil && value == "" {
		err = fmt.Errorf("%s: is empty", string(r))
	}
	return value, err
}
