package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// shape is the kind of a JSON value.
type shape uint8

const (
	aNull shape = iota
	aBool
	aNumber
	aString
	anObject
	anArray
)

// node is one JSON value and the place where it was written, whether that is a
// file of JSON or a YAML document.
type node struct {
	shape   shape
	text    string // aBool, aNumber: as JSON writes it; aString: what it says
	members []member
	items   []*node
	mark    mark
	end     int // anObject, anArray of a source: where it ends

	// template is set where a string holds one; dynamic where the value or
	// anything below it does. free is that a template gave the value; broken that
	// the template is wrong, so that nothing else is said of it.
	template *text
	dynamic  bool
	free     bool
	broken   bool
}

// member is one key of an object with its value.
type member struct {
	name  string
	mark  mark
	value *node
}

// got describes a value in a message.
func got(n *node) string {
	switch n.shape {
	case aNull:
		return "null"
	case anObject:
		return "an object"
	case anArray:
		return "a list"
	case aString:
		return quoted(n.text)
	default:
		return clip(n.text)
	}
}

// longestShown is how much of a value is shown in a message, in characters.
const longestShown = 40

// clip shortens a text.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= longestShown {
		return s
	}
	n := 0
	for i := range s {
		if n == longestShown-1 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// quoted is a shortened text in quotes, on one line.
func quoted(s string) string { return strconv.Quote(clip(s)) }

// appendJSON appends the value as JSON. Templates are rendered by r; without an r
// there must be none.
func (n *node) appendJSON(dst []byte, r *Env) ([]byte, error) {
	var err error
	switch n.shape {
	case aNull:
		return append(dst, "null"...), nil
	case aBool, aNumber:
		return append(dst, n.text...), nil
	case aString:
		if n.template != nil {
			return n.template.appendJSON(dst, r)
		}
		return appendQuoted(dst, n.text), nil
	case anArray:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = item.appendJSON(dst, r); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	default:
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, m.name), ':')
			if dst, err = m.value.appendJSON(dst, r); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
}

// appendQuoted appends a string as JSON. The text is UTF-8.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	begin := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[begin:i]...)
		begin = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
	}
	dst = append(dst, s[begin:]...)
	return append(dst, '"')
}

// childPath is the path of a member or of a map's entry.
func childPath(path, name string) string {
	if !plainName(name) {
		return path + "[" + quoted(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func itemPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// plainName reports a name that needs no quotes in a path.
func plainName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) < 0
}
