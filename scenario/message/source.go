package message

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// source is a text that JSON is read from, and where it stands.
type source struct {
	name         string
	line, column int // of its first byte, from 1
	text         string
}

// mark is where a value or a key was written: a stretch of a source, or a part of
// a document, which knows that itself.
type mark struct {
	src       *source
	at, width int // bytes
	entry     strict.Entry
	key       bool // of the entry
}

// longestExcerpt is the longest line that is shown with a mistake, in bytes: a file
// may be one line of many megabytes.
const longestExcerpt = 16 << 10

// maxBytes bounds a text of messages or rows.
const maxBytes = 64 << 20

// newSource takes in a text: without the mark by which some editors begin one.
func newSource(text Text) *source {
	s := &source{name: text.Name, line: max(text.Line, 1), column: max(text.Column, 1)}
	s.text = strings.TrimPrefix(string(text.JSON), "\uFEFF")
	return s
}

// errorf is a mistake at a place of a source or a document.
func (m mark) errorf(path, format string, args ...any) *strict.Error {
	switch {
	case m.src != nil:
		return m.src.errorf(m.at, m.width, path, format, args...)
	case m.entry.Value == nil:
		return &strict.Error{Path: path, Message: fmt.Sprintf(format, args...)}
	case m.key:
		return m.entry.Errorf(path, format, args...)
	default:
		return m.entry.Value.Errorf(path, format, args...)
	}
}

func (s *source) errorf(at, width int, path, format string, args ...any) *strict.Error {
	at = min(at, len(s.text))
	begin := strings.LastIndexByte(s.text[:at], '\n') + 1
	end := strings.IndexByte(s.text[begin:], '\n')
	if end < 0 {
		end = len(s.text)
	} else {
		end += begin
	}
	line := strings.TrimSuffix(s.text[begin:end], "\r")
	at = min(at, begin+len(line))
	before := s.text[begin:at]
	e := &strict.Error{
		Pos:     strict.Position{Source: s.name, Line: s.line + strings.Count(s.text[:begin], "\n"), Column: 1 + utf8.RuneCountInString(before)},
		Path:    path,
		Message: fmt.Sprintf(format, args...),
		Width:   1,
	}
	if stop := min(at+width, begin+len(line)); stop > at {
		e.Width = utf8.RuneCountInString(s.text[at:stop])
	}
	switch {
	case begin == 0 && s.column > 1:
		e.Pos.Column += s.column - 1 // the line does not begin here: it cannot be shown
	case len(line) <= longestExcerpt:
		e.Excerpt = line
	}
	return e
}

// inside is the place of the i-th byte of a string's text, which differs from that
// in the source by the escapes before it.
func (m mark) inside(i, width int) mark {
	if m.src == nil {
		return m
	}
	raw := m.src.text[m.at:min(m.at+m.width, len(m.src.text))]
	from, to := rawOffset(raw, i), rawOffset(raw, i+width)
	return mark{src: m.src, at: m.at + from, width: max(to-from, 1)}
}

// rawOffset is where the i-th byte of a string's text stands in the literal.
func rawOffset(literal string, i int) int {
	at := 1 // after the quote
	for n := 0; n < i && at < len(literal); {
		if literal[at] != '\\' {
			n, at = n+1, at+1
			continue
		}
		text, size, _ := unescape(literal[at:])
		n, at = n+len(text), at+size
	}
	return min(at, len(literal))
}

// tooLarge refuses a text beyond the bound.
func tooLarge(name string, size int) error {
	if size <= maxBytes {
		return nil
	}
	return strict.Errors{{
		Pos:     strict.Position{Source: name, Line: 1, Column: 1},
		Message: fmt.Sprintf("the file is too large: at most %d MiB (got %d MiB)", maxBytes>>20, int(math.Ceil(float64(size)/(1<<20)))),
	}}
}

// stretch is a line that is not blank, without its end.
type stretch struct{ line, from, to int }

// lines yields the lines that are not blank.
func (s *source) lines(yield func(stretch) bool) {
	line := s.line
	for from := 0; from < len(s.text); line++ {
		to := strings.IndexByte(s.text[from:], '\n')
		if to < 0 {
			to = len(s.text)
		} else {
			to += from
		}
		if strings.Trim(s.text[from:to], " \t\r") != "" && !yield(stretch{line, from, to}) {
			return
		}
		from = to + 1
	}
}

// lineFault is a mistake in a whole line.
func (s *source) lineFault(line int, format string, args ...any) *strict.Error {
	return &strict.Error{
		Pos:     strict.Position{Source: s.name, Line: line, Column: 1},
		Message: fmt.Sprintf(format, args...),
	}
}
