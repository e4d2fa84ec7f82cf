package strict

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Position is a place in a source. Lines and columns count from 1; columns
// count characters, not bytes. The zero Position is no place at all.
type Position struct {
	Source string // the file as given, or "--set client.pool.size=4"
	Line   int
	Column int
}

const setPrefix = "--set "

// String is file:line:column; a --set text stands for itself.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.Source
	case isSet(p.Source):
		first, _, cut := strings.Cut(p.Source, "\n")
		if cut {
			first += "…"
		}
		return clip(first, 80)
	default:
		return fmt.Sprintf("%s:%d:%d", p.Source, p.Line, p.Column)
	}
}

func isSet(source string) bool { return strings.HasPrefix(source, setPrefix) }

// source is a text that errors quote lines of.
type source struct {
	name  string
	lines []string
	// offsets are those of the characters of a line, in bytes, the end
	// included; nil where each is one byte. Documents may be one long line.
	offsets [][]int
}

func newSource(name, text string) *source {
	s := &source{name: name, lines: strings.Split(text, "\n")}
	s.offsets = make([][]int, len(s.lines))
	for i, line := range s.lines {
		if utf8.RuneCountInString(line) == len(line) {
			continue
		}
		for at := range line {
			s.offsets[i] = append(s.offsets[i], at)
		}
		s.offsets[i] = append(s.offsets[i], len(line))
	}
	return s
}

// columns is the last column of a line, counting its end.
func (s *source) columns(line int) int {
	if offsets := s.offsets[line-1]; offsets != nil {
		return len(offsets)
	}
	return len(s.lines[line-1]) + 1
}

// place is a Position inside the text, whatever the parser claims.
func (s *source) place(line, column int) Position {
	line = min(max(line, 1), len(s.lines))
	return Position{Source: s.name, Line: line, Column: min(max(column, 1), s.columns(line))}
}

// from is the rest of a line from a place on.
func (s *source) from(p Position) string {
	at := p.Column - 1
	if offsets := s.offsets[p.Line-1]; offsets != nil {
		at = offsets[at]
	}
	return s.lines[p.Line-1][at:]
}
