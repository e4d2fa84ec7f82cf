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
}

func newSource(name, text string) *source {
	return &source{name: name, lines: strings.Split(text, "\n")}
}

// place is a Position inside the text, whatever the parser claims.
func (s *source) place(line, column int) Position {
	line = min(max(line, 1), len(s.lines))
	column = min(max(column, 1), utf8.RuneCountInString(s.lines[line-1])+1)
	return Position{Source: s.name, Line: line, Column: column}
}

// from is the rest of a line from a position on.
func (s *source) from(p Position) string {
	if s == nil || p.Line < 1 || p.Line > len(s.lines) {
		return ""
	}
	rest := s.lines[p.Line-1]
	for range p.Column - 1 {
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
	}
	return rest
}
