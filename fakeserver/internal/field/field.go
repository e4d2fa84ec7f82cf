// Package field holds the error that a configuration's Validate returns: which
// field, what was wrong and what is allowed.
package field

import (
	"errors"
	"fmt"
	"strings"
)

// Error is one wrong field. Its message does not repeat the path, so that a
// reader who knows the file and line can put those in front.
type Error struct {
	path    string
	message string
}

// New makes the error of the field at path ("" is the value itself).
func New(path, format string, args ...any) error {
	return &Error{path: path, message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.message }

// Field is the path of the field, as the document writes it: faults[1].for.
func (e *Error) Field() string { return e.path }

// Under moves err, or each of the errors joined in it, below prefix. Errors
// that are not of a field become errors of prefix itself.
func Under(prefix string, err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var moved []error
		for _, e := range joined.Unwrap() {
			moved = append(moved, Under(prefix, e))
		}
		return errors.Join(moved...)
	}
	path := ""
	var e *Error
	if errors.As(err, &e) {
		path = e.path
	}
	return &Error{path: join(prefix, path), message: err.Error()}
}

// Full is err, or each of the errors joined in it, with its path before its message:
// for readers who see no document.
func Full(err error) error {
	switch e := err.(type) {
	case *Error:
		if e.path == "" {
			return e
		}
		return fmt.Errorf("%s: %w", e.path, e)
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, Full(one))
		}
		return errors.Join(all...)
	}
	return err
}

func join(prefix, path string) string {
	if prefix == "" || path == "" || strings.HasPrefix(path, "[") {
		return prefix + path
	}
	return prefix + "." + path
}
