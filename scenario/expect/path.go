package expect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// step is one part of a path: a name, or what stands between brackets.
type step struct {
	name string // "" for brackets
	// key is the text between brackets, quotes taken off.
	key    string
	quoted bool
}

func (s step) String() string {
	switch {
	case s.name != "":
		return s.name
	case s.quoted:
		return "[" + strconv.Quote(s.key) + "]"
	}
	return "[" + s.key + "]"
}

// spell is a path as it is written.
func spell(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		if i > 0 && s.name != "" {
			b.WriteByte('.')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// parsePath takes a path apart: names with dots between them, each followed by an
// index of a list or a key of a map in brackets, if any. items[0].price,
// labels["a.b"].
func parsePath(text string) ([]step, error) {
	if text == "" {
		return nil, errors.New("must name a field, such as status or items[0].price")
	}
	var steps []step
	rest := text
	for first := true; rest != ""; first = false {
		switch {
		case rest[0] == '[':
			if first {
				return nil, fmt.Errorf("must begin with a field's name (got %q)", text)
			}
			s, after, err := bracket(rest)
			if err != nil {
				return nil, fmt.Errorf("%w (got %q)", err, text)
			}
			steps, rest = append(steps, s), after
			continue
		case rest[0] == '.' && !first:
			rest = rest[1:]
		case !first:
			return nil, fmt.Errorf("must have a . or a [ after a ] (got %q)", text)
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		name := rest[:end]
		if name == "" {
			return nil, fmt.Errorf("must have a name before and after each dot (got %q)", text)
		}
		if i := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`]"'`, r) }); i >= 0 {
			return nil, fmt.Errorf("must have names of letters, digits and _ (got %q): other keys of a map stand in brackets, labels[\"a b\"]", text)
		}
		steps, rest = append(steps, step{name: name}), rest[end:]
	}
	return steps, nil
}

// bracket takes [0], [key] or ["key"] off the front.
func bracket(text string) (s step, rest string, err error) {
	if strings.HasPrefix(text, `["`) {
		quoted, err := strconv.QuotedPrefix(text[1:])
		if err != nil || !strings.HasPrefix(text[1+len(quoted):], "]") {
			return s, "", errors.New(`must have a closing "]`)
		}
		key, err := strconv.Unquote(quoted)
		if err != nil {
			return s, "", errors.New("must have a key in brackets that can be read")
		}
		return step{key: key, quoted: true}, text[len(quoted)+2:], nil
	}
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return s, "", errors.New("must have a closing ]")
	}
	key := text[1:end]
	if key == "" || strings.ContainsAny(key, ` ["`) {
		return s, "", errors.New("must have a number or a key in brackets, such as [0]")
	}
	return step{key: key}, text[end+1:], nil
}
