// Package secret puts secrets in the place of their names, at the last moment:
// a document, what is printed of it and a result hold the names only.
package secret

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// reference is ${NAME} or ${file:PATH}.
var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// name is what an environment variable is called.
var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Part is a stretch of a text: itself, or a reference.
type Part struct {
	Text     string
	Variable string // the name, or file:PATH, of a reference; else ""
}

// Split is the parts of a text, in order.
func Split(text string) []Part {
	var parts []Part
	end := 0
	for _, at := range reference.FindAllStringSubmatchIndex(text, -1) {
		if at[0] > end {
			parts = append(parts, Part{Text: text[end:at[0]]})
		}
		parts = append(parts, Part{Text: text[at[0]:at[1]], Variable: text[at[2]:at[3]]})
		end = at[1]
	}
	if end < len(text) {
		parts = append(parts, Part{Text: text[end:]})
	}
	return parts
}

// Expand is text with the value of the environment variable in place of each
// ${NAME}, and with the file's content, less the white space at its end, in place
// of each ${file:PATH}. Any other dollar sign is itself. values are what was put
// in, for Mask. It fails where a variable is not set or a file cannot be read; the
// error holds no secret.
func Expand(text string) (out string, values []string, err error) {
	out = reference.ReplaceAllStringFunc(text, func(ref string) string {
		v, failed := value(ref[2 : len(ref)-1])
		if failed != nil && err == nil {
			err = failed
		}
		values = append(values, v)
		return v
	})
	if err != nil {
		return "", nil, err
	}
	return out, values, nil
}

// shortest is how long a value must be to be masked: a shorter one is in many a
// word, and no secret.
const shortest = 4

// Mask is text, as a server sent it, with *** in place of each of values.
func Mask(text string, values []string) string {
	for _, v := range values {
		if len(v) >= shortest {
			text = strings.ReplaceAll(text, v, "***")
		}
	}
	return text
}

func value(ref string) (string, error) {
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("${%s}: %w", ref, err)
		}
		return strings.TrimRight(string(text), " \t\r\n"), nil
	}
	if !name.MatchString(ref) {
		return "", fmt.Errorf("${%s} must name an environment variable, or a file as ${file:PATH}", ref)
	}
	text, set := os.LookupEnv(ref)
	if !set {
		return "", fmt.Errorf("${%s}: the environment variable %s is not set", ref, ref)
	}
	return text, nil
}
