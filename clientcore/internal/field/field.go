// Package field is the error of a setting that is out of range: it keeps the
// setting's path apart from the message, so that whoever read the setting from
// a document can point at the place. It has the rules that the settings of
// several policies share, too.
package field

import (
	"errors"
	"fmt"
)

// Error is one wrong setting.
type Error struct {
	path    string
	message string
}

// Errorf is an error of the setting at path.
func Errorf(path, format string, args ...any) error {
	return &Error{path: path, message: fmt.Sprintf(format, args...)}
}

// Field is the setting's path, as `retry.base`.
func (e *Error) Field() string { return e.path }

// Error is what was wrong and what is allowed, without the path.
func (e *Error) Error() string { return e.message }

// Prefix is the errors in err, one by one, with prefix before the path of each
// that has one.
func Prefix(prefix string, err error) []error {
	return each(err, func(e *Error) error {
		path := prefix
		if e.path != "" {
			path += "." + e.path
		}
		return &Error{path: path, message: e.message}
	})
}

// Full makes errors that read well on their own: the path before the message.
func Full(err error) error {
	return errors.Join(each(err, func(e *Error) error { return fmt.Errorf("%s: %w", e.path, e) })...)
}

func each(err error, change func(*Error) error) []error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return []error{change(e)}
	case interface{ Unwrap() []error }:
		var out []error
		for _, one := range e.Unwrap() {
			out = append(out, each(one, change)...)
		}
		return out
	}
	return []error{err}
}
