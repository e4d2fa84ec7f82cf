package field

import (
	"fmt"
	"slices"
	"strings"
)

// None is the word for a policy that is off.
const None = "none"

// OneWord checks a policy that is written as text: it must be one of its words.
func OneWord(text []byte, words []string) error {
	if !slices.Contains(words, string(text)) {
		return fmt.Errorf("must be %s, or settings (got %q)", strings.Join(words, ", "), text)
	}
	return nil
}

// WordOf is the word by which a policy is written, "" when it takes settings.
func WordOf(off bool) string {
	if off {
		return None
	}
	return ""
}
