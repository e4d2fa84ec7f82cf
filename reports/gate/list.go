package gate

import "errors"

// ParseAll reads conditions that commas separate: p99 < 20ms, errors < 0.1%. A
// comma between braces or quotes is the condition's own. The error is an *Error,
// with its place in the whole text.
func ParseAll(text string) ([]Gate, error) {
	var all []Gate
	for _, part := range parts(text) {
		g, err := Parse(text[part[0]:part[1]])
		if err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				err = &Error{At: part[0] + e.At, Message: e.Message}
			}
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// parts is where each condition begins and ends.
func parts(text string) [][2]int {
	var out [][2]int
	begin, braces, quoted := 0, false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && braces:
			quoted = !quoted
		case quoted:
		case c == '{':
			braces = true
		case c == '}':
			braces = false
		case c == ',' && !braces:
			out = append(out, [2]int{begin, i})
			begin = i + 1
		}
	}
	return append(out, [2]int{begin, len(text)})
}
