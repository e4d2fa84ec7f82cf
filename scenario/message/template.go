package message

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// templateParser reads one template.
type templateParser struct {
	s         string
	at, begin int
	ordinal   *uint64
}

// end is behind the template's closing braces, as far as they can be found; or -1.
func (p *templateParser) end() int {
	if i := strings.Index(p.s[p.at:], closing); i >= 0 {
		return p.at + i + len(closing)
	}
	return -1
}

func (p *templateParser) fail(at, width int, format string, args ...any) *fault {
	return &fault{at: at, width: max(width, 1), text: fmt.Sprintf(format, args...)}
}

func (p *templateParser) blank() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

func (p *templateParser) word() string {
	begin := p.at
	for p.at < len(p.s) && plainName(p.s[p.at:p.at+1]) {
		p.at++
	}
	return p.s[begin:p.at]
}

// closed consumes the closing braces.
func (p *templateParser) closed() *fault {
	p.blank()
	rest := p.s[p.at:]
	switch {
	case strings.HasPrefix(rest, closing):
		p.at += len(closing)
		return nil
	case rest == "":
		return p.fail(p.begin, len(opening), "a template begins here that is not closed: }} is missing; a plain {{ is written {{ \"{{\" }}")
	case rest[0] == '|':
		return p.fail(p.at, 1, "templates have no pipes")
	default:
		return p.fail(p.at, 1, "}} must follow here (got %s)", quoted(firstRune(rest)))
	}
}

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

// expression reads what is between the braces, and the closing ones.
func (p *templateParser) expression() (expression, *fault) {
	p.blank()
	begin := p.at
	rest := p.s[p.at:]
	switch {
	case rest == "":
		return nil, p.closed()
	case strings.HasPrefix(rest, closing):
		return nil, p.fail(p.begin, p.at+len(closing)-p.begin, "the template is empty")
	case rest[0] == '.':
		e, f := p.field()
		if f == nil {
			f = p.closed()
		}
		return e, f
	}
	if v, ok, f := p.literal(); f != nil {
		return nil, f
	} else if ok {
		return constant{v}, p.closed()
	}
	name := p.word()
	if name == "" {
		return nil, p.fail(begin, len(firstRune(rest)), "there must be a function, .row, .call or text in quotes here (got %s)", quoted(firstRune(rest)))
	}
	of, f := p.function(name, begin)
	if f != nil {
		return nil, f
	}
	var args []value
	for {
		p.blank()
		at := p.at
		if rest := p.s[p.at:]; rest == "" || strings.HasPrefix(rest, closing) || rest[0] == '|' {
			break
		}
		v, ok, f := p.literal()
		switch {
		case f != nil:
			return nil, f
		case !ok && p.s[at] == '.':
			return nil, p.fail(at, 1, "an argument of %s is a number or text in quotes, and nothing of the call", name)
		case !ok:
			return nil, p.fail(at, max(len(p.word()), 1), "an argument is a number, or text in quotes")
		}
		args = append(args, v)
	}
	stop := p.at
	if f := p.closed(); f != nil {
		return nil, f
	}
	*p.ordinal++
	e, err := of.make(args, *p.ordinal)
	if err != nil {
		return nil, p.fail(begin, len(strings.TrimRight(p.s[begin:stop], " \t\r\n")), "%s %s", name, err)
	}
	return e, nil
}

// literal reads a number, true, false or text in quotes of any kind.
func (p *templateParser) literal() (v value, ok bool, f *fault) {
	rest := p.s[p.at:]
	begin := p.at
	switch rest[0] {
	case '"', '`':
		written, err := strconv.QuotedPrefix(rest)
		text := ""
		if err == nil {
			text, err = strconv.Unquote(written)
		}
		if err != nil || !utf8.ValidString(text) {
			return v, false, p.fail(begin, 1, "this text has no closing quote, or an escape that is none")
		}
		p.at += len(written)
		return textValue(text), true, nil
	case '\'':
		end := strings.IndexByte(rest[1:], '\'')
		if end < 0 {
			return v, false, p.fail(begin, 1, "this text has no closing quote")
		}
		p.at += end + 2
		return textValue(rest[1 : 1+end]), true, nil
	}
	if c := rest[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
		end := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) })
		if end < 0 {
			end = len(rest)
		}
		number := rest[:end]
		p.at += len(number)
		if number == "-" && strings.HasPrefix(p.s[begin:], "-"+closing) || number == "-" && begin == p.begin+len(opening) {
			return v, false, p.fail(begin, 1, "{{- and -}} are not supported: a template takes no white space away")
		}
		if !isNumber(number) {
			return v, false, p.fail(begin, len(number), "this is no number (got %s)", clip(number))
		}
		return value{shape: aNumber, text: number}, true, nil
	}
	for _, word := range [...]string{"true", "false"} {
		if after, is := strings.CutPrefix(rest, word); is && (after == "" || !plainName(after[:1])) {
			p.at += len(word)
			return value{shape: aBool, text: word}, true, nil
		}
	}
	return v, false, nil
}

// elsewhere is what other tools call it.
var elsewhere = map[string]string{
	"newUUID": "uuid", "randomUUID": "uuid", "RequestNumber": ".call", "CallNumber": ".call", "InputName": ".row",
}

// noClock is why the time is not to be had.
const noClock = "there is no clock in a request, for every variant and every run sends the same: take times from a feed"

func clock(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "timestamp") || name == "now" || name == "date" || name == "time"
}

// function finds one by its name.
func (p *templateParser) function(name string, at int) (Function, *fault) {
	var names []string
	for _, f := range Functions() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	switch other := elsewhere[name]; {
	case other != "":
		return Function{}, p.fail(at, len(name), "there is no function %s, did you mean %s?", name, other)
	case clock(name):
		return Function{}, p.fail(at, len(name), "%s", noClock)
	case name == "row" || name == "call" || name == "message":
		return Function{}, p.fail(at, len(name), "there is no function %s, did you mean .%s?", name, name)
	}
	if hint := near(name, names); hint != "" {
		return Function{}, p.fail(at, len(name), "there is no function %s%s", clip(name), hint)
	}
	return Function{}, p.fail(at, len(name), "there is no function %s: there are %s", clip(name), and(names))
}

// field reads .row.name, .call or .message.
func (p *templateParser) field() (expression, *fault) {
	begin := p.at
	p.at++
	switch name := p.word(); {
	case name == "call":
		return callOrdinal{}, nil
	case name == "message":
		return messageOrdinal{}, nil
	case name == "row":
		return p.row(begin)
	case elsewhere[name] != "":
		return nil, p.fail(begin, 1+len(name), "there is no .%s, did you mean %s?", name, elsewhere[name])
	case clock(name):
		return nil, p.fail(begin, 1+len(name), "%s", noClock)
	default:
		if hint := near(name, []string{"row", "call", "message"}); hint != "" {
			return nil, p.fail(begin, 1+len(name), "there is no .%s%s", clip(name), strings.Replace(hint, "mean ", "mean .", 1))
		}
		return nil, p.fail(begin, 1+len(name), "there is no .%s: there are .row, .call and .message", clip(name))
	}
}

// row reads what follows .row.
func (p *templateParser) row(begin int) (expression, *fault) {
	var names []string
	for p.at < len(p.s) {
		switch rest := p.s[p.at:]; {
		case rest[0] == '.':
			p.at++
			name := p.word()
			if name == "" {
				return nil, p.fail(begin, p.at-begin, "a column must follow the point, as .row.id")
			}
			names = append(names, name)
			continue
		case rest[0] == '[':
			p.at++
			if p.at == len(p.s) {
				return nil, p.fail(begin, p.at-begin, "a column in quotes must follow, as .row[\"first name\"]")
			}
			v, ok, f := p.literal()
			if f != nil {
				return nil, f
			}
			if !ok || v.shape != aString || !strings.HasPrefix(p.s[p.at:], "]") {
				return nil, p.fail(begin, p.at-begin, "a column in quotes must stand in the brackets, as .row[\"first name\"]")
			}
			p.at++
			names = append(names, v.text)
			continue
		}
		break
	}
	if len(names) == 0 {
		return nil, p.fail(begin, p.at-begin, "the row has columns: name one, as .row.id")
	}
	return &rowField{key: pathKey(names), at: begin, width: p.at - begin}, nil
}
