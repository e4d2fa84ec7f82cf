package strict

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a document.
type Error struct {
	Pos     Position
	Path    string // client.retry.base; empty where no key is at fault
	Message string // what is wrong and what is allowed, without the path
	Excerpt string // the source line; empty when there is none
	Width   int    // characters of the line at fault, from Pos.Column on
}

// Head is the first line of the error: position, path and message.
func (e *Error) Head() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{e.Pos.String(), clip(e.Path, 160), oneLine(e.Message)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Error is the head, the source line and a caret below the fault.
func (e *Error) Error() string {
	if e.Excerpt == "" {
		return e.Head()
	}
	return e.Head() + "\n" + excerpt(e)
}

// Errors is every mistake found, in the order of the document.
type Errors []*Error

// shownErrors is how many errors are written out: more are no help.
const shownErrors = 100

// Error is all of them, one after the other; of very many the first.
func (es Errors) Error() string {
	var texts []string
	for i, e := range es {
		if i == shownErrors {
			texts = append(texts, fmt.Sprintf("and %d more errors", len(es)-i))
			break
		}
		texts = append(texts, e.Error())
	}
	return strings.Join(texts, "\n")
}

// Unwrap lets errors.As find an *Error.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// Join puts errors of this package together: sorted by position, each once.
// Nil errors are left out, other errors become an Error without a position.
// It returns nil when nothing is left, else Errors.
func Join(errs ...error) error {
	var all Errors
	for _, err := range errs {
		var many Errors
		var one *Error
		switch {
		case err == nil:
		case errors.As(err, &many):
			all = append(all, many...)
		case errors.As(err, &one):
			all = append(all, one)
		default:
			all = append(all, &Error{Message: err.Error()})
		}
	}
	return all.sorted()
}

// sorted orders by position, files before --set, drops repetitions, and
// returns an untyped nil when there is nothing.
func (es Errors) sorted() error {
	if len(es) == 0 {
		return nil
	}
	es = slices.Clone(es)
	rank := func(e *Error) int {
		if isSet(e.Pos.Source) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Pos.Source, b.Pos.Source),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	seen := make(map[Error]bool, len(es))
	kept := es[:0]
	for _, e := range es {
		if !seen[*e] {
			seen[*e] = true
			kept = append(kept, e)
		}
	}
	return kept
}

// errorAt is an error in a source.
func (s *source) errorAt(at span, path, format string, args ...any) *Error {
	e := &Error{Pos: at.pos, Path: path, Message: fmt.Sprintf(format, args...), Width: max(at.width, 1)}
	if s != nil && at.pos.Line >= 1 && at.pos.Line <= len(s.lines) {
		e.Excerpt = s.lines[at.pos.Line-1]
	}
	return e
}
