package result

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Read reads a result as Write writes it. A document of another schema
// version, or one that is cut short or goes on, is an error.
func Read(r io.Reader) (*Result, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	// The version decides what the rest means, so it is read first.
	var header struct {
		SchemaVersion *int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return nil, fmt.Errorf("not a result: %w", describeJSON(text, err))
	}
	switch {
	case header.SchemaVersion == nil:
		return nil, errors.New("not a result: it has no schema_version")
	case *header.SchemaVersion > SchemaVersion:
		return nil, fmt.Errorf("the result has schema_version %d and this grpcbench reads %d: use a newer one",
			*header.SchemaVersion, SchemaVersion)
	case *header.SchemaVersion != SchemaVersion:
		return nil, fmt.Errorf("the result has schema_version %d; this grpcbench reads %d", *header.SchemaVersion, SchemaVersion)
	}
	res := new(Result)
	if err := json.Unmarshal(text, res); err != nil {
		return nil, fmt.Errorf("not a result: %w", describeJSON(text, err))
	}
	return res, nil
}

// describeJSON adds to a JSON error the line it occurred on.
func describeJSON(text []byte, err error) error {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = wrong.Offset
	}
	if len(text) == 0 {
		return errors.New("it is empty")
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	line := 1
	for _, b := range text[:offset] {
		if b == '\n' {
			line++
		}
	}
	return fmt.Errorf("line %d: %w", line, err)
}

// Write writes the result as indented JSON with a newline at its end.
func Write(w io.Writer, r *Result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// Save writes the result to a file: whole or not at all. It replaces a file of
// that name; on an error the old one is untouched and nothing else is left.
func (r *Result) Save(path string) error {
	return WriteFile(path, func(w io.Writer) error { return Write(w, r) })
}

// WriteFile writes a file whole or not at all: a temporary one beside path is
// forced to disk and renamed. On an error the old file is untouched and nothing
// else is left.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	// Unlike os.CreateTemp's files, this one has the mode that the umask asks for.
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("saving %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("saving %s: %w", path, err)
			_ = f.Close()
			_ = os.Remove(temp)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
