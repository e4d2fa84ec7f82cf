package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// maxDepth bounds how deeply JSON is nested. It is what protobuf implementations
// other than Go's accept of messages.
const maxDepth = 100

// parser reads JSON as RFC 8259 has it, and as protojson takes it: no comments, no
// comma at the end, no NaN outside of quotes, UTF-8 throughout.
type parser struct {
	src   *source
	at    int
	end   int
	depth int
}

// parseJSON reads one value from a stretch of a source, and nothing else may be
// there.
func parseJSON(src *source, from, to int) (*node, *strict.Error) {
	p := &parser{src: src, at: from, end: to}
	p.blank()
	if p.at == p.end {
		return nil, p.fault(p.at, 1, "there is no JSON here")
	}
	n, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.blank(); p.at < p.end {
		return nil, p.fault(p.at, 1, "nothing may follow the value (got %s)", p.seen())
	}
	return n, nil
}

func (p *parser) fault(at, width int, format string, args ...any) *strict.Error {
	return p.src.errorf(at, width, "", format, args...)
}

func (p *parser) blank() {
	for p.at < p.end {
		switch p.src.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at == p.end {
		return 0
	}
	return p.src.text[p.at]
}

// seen describes what stands at the parser's place.
func (p *parser) seen() string {
	if p.at == p.end {
		return "the end"
	}
	rest := p.src.text[p.at:p.end]
	r, size := utf8.DecodeRuneInString(rest)
	if r == utf8.RuneError && size == 1 {
		return "a byte that is not UTF-8"
	}
	if word := rest[:len(rest)-len(strings.TrimLeftFunc(rest, wordRune))]; word != "" {
		return clip(word)
	}
	if !strconv.IsPrint(r) {
		return strconv.QuoteRune(r)
	}
	return string(r)
}

func wordRune(r rune) bool {
	return r == '_' || r == '-' || r == '+' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (p *parser) value() (*node, *strict.Error) {
	begin := p.at
	switch c := p.peek(); {
	case strings.HasPrefix(p.src.text[begin:p.end], opening):
		return nil, p.fault(begin, len(opening), "a template stands in quotes: \"{{ … }}\"")
	case c == '{' || c == '[':
		if p.depth++; p.depth > maxDepth {
			return nil, p.fault(begin, 1, "this is nested too deeply: at most %d levels", maxDepth)
		}
		defer func() { p.depth-- }()
		if c == '{' {
			return p.object()
		}
		return p.array()
	case c == '"':
		text, err := p.string()
		if err != nil {
			return nil, err
		}
		return &node{shape: aString, text: text, mark: p.from(begin)}, nil
	case c == '\'':
		return nil, p.fault(begin, 1, "JSON puts text in double quotes")
	}
	rest := p.src.text[begin:p.end]
	word := rest[:len(rest)-len(strings.TrimLeftFunc(rest, wordRune))]
	p.at += len(word)
	n := &node{text: word, mark: p.from(begin)}
	switch {
	case word == "null":
		n.shape = aNull
	case word == "true" || word == "false":
		n.shape = aBool
	case isNumber(word):
		n.shape = aNumber
	default:
		p.at = begin
		switch {
		case word == "NaN" || word == "Infinity" || word == "-Infinity":
			return nil, p.fault(begin, len(word), "JSON has no %s: write it in quotes, %q", word, word)
		case strings.EqualFold(word, "true") || strings.EqualFold(word, "false") || strings.EqualFold(word, "null"):
			return nil, p.fault(begin, len(word), "this is no JSON (got %s), did you mean %s?", word, strings.ToLower(word))
		case word != "" && (word[0] >= '0' && word[0] <= '9' || strings.ContainsRune("-+.", rune(word[0]))):
			return nil, p.fault(begin, len(word), "this is no number as JSON writes it (got %s)", clip(word))
		case strings.HasPrefix(rest, "//") || strings.HasPrefix(rest, "/*"):
			return nil, p.fault(begin, 2, "JSON has no comments")
		default:
			return nil, p.fault(begin, max(len(word), 1), "there must be a value here: text in double quotes, a number, true, false, null, { or [ (got %s)", p.seen())
		}
	}
	return n, nil
}

// from is what was read since begin.
func (p *parser) from(begin int) mark { return mark{src: p.src, at: begin, width: p.at - begin} }

func (p *parser) object() (*node, *strict.Error) {
	n := &node{shape: anObject, mark: mark{src: p.src, at: p.at, width: 1}}
	p.at++
	if p.blank(); p.peek() == '}' {
		p.at++
		n.end = p.at
		return n, nil
	}
	for {
		begin := p.at
		switch {
		case p.at < p.end && p.peek() == '"':
		case p.peek() == '}':
			return nil, p.fault(begin, 1, "a key must follow the comma: JSON has no comma before }")
		case p.at == p.end:
			return nil, p.fault(n.mark.at, 1, "this { is not closed")
		case p.peek() == '\'':
			return nil, p.fault(begin, 1, "JSON puts keys in double quotes")
		default:
			return nil, p.fault(begin, 1, "there must be a key in double quotes here (got %s)", p.seen())
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		m := member{name: name, mark: p.from(begin)}
		if p.blank(); p.peek() != ':' {
			return nil, p.fault(p.at, 1, "a colon must follow the key %s (got %s)", quoted(name), p.seen())
		}
		p.at++
		p.blank()
		if p.at == p.end {
			return nil, p.fault(n.mark.at, 1, "this { is not closed")
		}
		if m.value, err = p.value(); err != nil {
			return nil, err
		}
		n.members = append(n.members, m)
		p.blank()
		switch p.peek() {
		case ',':
			p.at++
			p.blank()
		case '}':
			p.at++
			n.end = p.at
			return n, nil
		default:
			if p.at == p.end {
				return nil, p.fault(n.mark.at, 1, "this { is not closed")
			}
			return nil, p.fault(p.at, 1, "a comma or } must follow the value (got %s)", p.seen())
		}
	}
}

func (p *parser) array() (*node, *strict.Error) {
	n := &node{shape: anArray, mark: mark{src: p.src, at: p.at, width: 1}}
	p.at++
	if p.blank(); p.peek() == ']' {
		p.at++
		n.end = p.at
		return n, nil
	}
	for {
		if p.at == p.end {
			return nil, p.fault(n.mark.at, 1, "this [ is not closed")
		}
		if p.peek() == ']' {
			return nil, p.fault(p.at, 1, "a value must follow the comma: JSON has no comma before ]")
		}
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
		p.blank()
		switch p.peek() {
		case ',':
			p.at++
			p.blank()
		case ']':
			p.at++
			n.end = p.at
			return n, nil
		default:
			if p.at == p.end {
				return nil, p.fault(n.mark.at, 1, "this [ is not closed")
			}
			return nil, p.fault(p.at, 1, "a comma or ] must follow the value (got %s)", p.seen())
		}
	}
}

// string reads a string literal. One without escapes shares the source's memory.
func (p *parser) string() (string, *strict.Error) {
	begin := p.at
	p.at++
	var out []byte
	plain := p.at // where what was not copied yet begins
	for p.at < p.end {
		switch c := p.src.text[p.at]; {
		case c == '"':
			rest := p.src.text[plain:p.at]
			p.at++
			if out == nil {
				return rest, nil
			}
			return string(append(out, rest...)), nil
		case c == '\n' || c == '\r':
			return "", p.fault(begin, p.at-begin, "this text has no closing quote on its line")
		case c < 0x20:
			return "", p.fault(p.at, 1, "the character %U must be written as \\u%04x in JSON", c, c)
		case c == '\\':
			text, size, fault := unescape(p.src.text[p.at:p.end])
			if fault != "" {
				return "", p.fault(p.at, size, "%s", fault)
			}
			out = append(append(out, p.src.text[plain:p.at]...), text...)
			p.at += size
			plain = p.at
		case c < utf8.RuneSelf:
			p.at++
		default:
			r, size := utf8.DecodeRuneInString(p.src.text[p.at:p.end])
			if r == utf8.RuneError && size == 1 {
				return "", p.fault(p.at, 1, "this is not UTF-8 text")
			}
			p.at += size
		}
	}
	return "", p.fault(begin, 1, "this text has no closing quote")
}

// unescape reads one escape: what it stands for and how long it is.
func unescape(s string) (text string, size int, fault string) {
	if len(s) < 2 {
		return "", len(s), "this text has no closing quote"
	}
	switch s[1] {
	case '"', '\\', '/':
		return s[1:2], 2, ""
	case 'b':
		return "\b", 2, ""
	case 'f':
		return "\f", 2, ""
	case 'n':
		return "\n", 2, ""
	case 'r':
		return "\r", 2, ""
	case 't':
		return "\t", 2, ""
	case 'u':
		r, ok := unicodeEscape(s)
		if !ok {
			return "", 2, "four hexadecimal digits must follow \\u"
		}
		if !utf16.IsSurrogate(r) {
			return string(r), 6, ""
		}
		low, ok := unicodeEscape(s[6:])
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return "", 6, "this is half a character: the other half must follow as \\u"
		}
		return string(r), 12, ""
	}
	r, n := utf8.DecodeRuneInString(s[1:])
	return "", 1 + n, fmt.Sprintf("JSON has no escape \\%c: write \\\\ for a backslash", r)
}

func unicodeEscape(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(v), err == nil
}

// isNumber reports a number as JSON writes it.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if strings.HasPrefix(s, "0") {
		s = s[1:]
	} else if !digits() {
		return false
	}
	if strings.HasPrefix(s, ".") {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
