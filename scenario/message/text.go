package message

import "strings"

// text is a string with templates in it.
type text struct {
	pieces []piece
	alone  expression // of a string that is one template and nothing else
	rows   []*rowField
}

// piece is a part of a text: literal where it has no expression.
type piece struct {
	literal string
	of      expression
}

// fault is a mistake in a template, by where it stands in the string.
type fault struct {
	at, width int
	text      string
}

const (
	opening = "{{"
	closing = "}}"
)

// parseText reads the templates of a string. ordinal counts the expressions of a
// message. A string whose templates are all literals comes back as plain, with no
// text; so does one with faults.
func parseText(s string, ordinal *uint64) (plain string, out *text, faults []fault) {
	t := &text{}
	constants := true
	at := 0
	for {
		begin := strings.Index(s[at:], opening)
		if begin < 0 {
			break
		}
		begin += at
		p := &templateParser{s: s, at: begin + len(opening), begin: begin, ordinal: ordinal}
		e, f := p.expression()
		if f != nil {
			faults = append(faults, *f)
			if p.end() < 0 {
				break
			}
			at = p.end()
			continue
		}
		if begin > at {
			t.pieces = append(t.pieces, piece{literal: s[at:begin]})
		}
		t.pieces = append(t.pieces, piece{of: e})
		if row, ok := e.(*rowField); ok {
			t.rows = append(t.rows, row)
		}
		if _, ok := e.(constant); !ok {
			constants = false
		}
		at = p.at
	}
	if len(faults) > 0 {
		return s, nil, faults
	}
	if at < len(s) {
		t.pieces = append(t.pieces, piece{literal: s[at:]})
	}
	if constants {
		whole, _ := t.appendText(nil, nil) // constants cannot fail
		return string(whole), nil, nil
	}
	if len(t.pieces) == 1 {
		t.alone = t.pieces[0].of
	}
	return s, t, nil
}

// appendText renders the text.
func (t *text) appendText(dst []byte, e *Env) ([]byte, error) {
	var err error
	for i := range t.pieces {
		if p := &t.pieces[i]; p.of == nil {
			dst = append(dst, p.literal...)
		} else if dst, err = p.of.appendText(dst, e); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// value is what the text stands for: what its template gives where that is alone,
// else text.
func (t *text) value(e *Env) (value, error) {
	if t.alone != nil {
		return t.alone.value(e)
	}
	text, err := t.appendText(e.scratch[:0], e)
	e.scratch = text
	return textValue(string(text)), err
}

// appendJSON renders the text as a value of JSON.
func (t *text) appendJSON(dst []byte, e *Env) ([]byte, error) {
	v, err := t.value(e)
	return v.appendJSON(dst), err
}

// samples are values that the text may take, all of which must fit; none where only
// a row tells.
func (t *text) samples() []value {
	if t.alone != nil {
		return t.alone.samples()
	}
	var sample []byte
	for _, p := range t.pieces {
		if p.of == nil {
			sample = append(sample, p.literal...)
			continue
		}
		some := p.of.samples()
		if len(some) == 0 {
			return nil
		}
		sample = some[0].appendText(sample)
	}
	return []value{textValue(string(sample))}
}
