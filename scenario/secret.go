package scenario

import (
	"fmt"
	"os"
	"strings"
)

// Secret is a value that must not stand in a document: it is written as the
// environment variable that has it, ${NAME}, and printed and stored so.
type Secret string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	name, opens := strings.CutPrefix(string(text), "${")
	name, closes := strings.CutSuffix(name, "}")
	if !opens || !closes || !isVariable(name) {
		// Not with what was written: that may be the secret.
		return fmt.Errorf("must name the environment variable that has it, as ${TOKEN}")
	}
	*s = Secret(text)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s), nil }

// Reveal reads the environment.
func (s Secret) Reveal() (string, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(string(s), "${"), "}")
	value := os.Getenv(name)
	if value == "" {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

// isVariable reports whether s can be the name of an environment variable.
func isVariable(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
