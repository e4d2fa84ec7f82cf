package result

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Read reads a result as Write writes it. A document of another schema
// version, or one that is cut short or goes on, is an error.
func Read(r io.Reader) (*Result, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading a result: %w", err)
	}
	// The version decides what the rest means, so it is read first.
	if version, begins := firstVersion(text); !begins || version != SchemaVersion {
		if err := checkVersion(text); err != nil {
			return nil, err
		}
	}
	res := new(Result)
	if err := json.Unmarshal(text, res); err != nil {
		return nil, fmt.Errorf("not a result: %w", describeJSON(text, err))
	}
	if res.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("the result has schema_version %d as well as %d", res.SchemaVersion, SchemaVersion)
	}
	return res, nil
}

// readAll is io.ReadAll without growing a buffer, where a file's size is known:
// results can be large.
func readAll(r io.Reader) ([]byte, error) {
	var text bytes.Buffer
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			text.Grow(int(min(info.Size(), 1<<30)) + bytes.MinRead)
		}
	}
	_, err := text.ReadFrom(r)
	return text.Bytes(), err
}

// firstVersion is the document's schema_version if that is its first key, as
// Write has it: then the rest need not be read for it.
func firstVersion(text []byte) (version int, begins bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return 0, false
	}
	if key, err := decoder.Token(); err != nil || key != "schema_version" {
		return 0, false
	}
	return version, decoder.Decode(&version) == nil
}

// checkVersion says what is wrong with a document that does not begin with the
// right version.
func checkVersion(text []byte) error {
	var header struct {
		SchemaVersion *int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return fmt.Errorf("not a result: %w", describeJSON(text, err))
	}
	switch {
	case header.SchemaVersion == nil:
		return errors.New("not a result: it has no schema_version")
	case *header.SchemaVersion > SchemaVersion:
		return fmt.Errorf("the result has schema_version %d and this grpcbench reads %d: use a newer one",
			*header.SchemaVersion, SchemaVersion)
	case *header.SchemaVersion != SchemaVersion:
		return fmt.Errorf("the result has schema_version %d; this grpcbench reads %d", *header.SchemaVersion, SchemaVersion)
	}
	return nil
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

// Write writes the result as indented JSON with a newline at its end. It
// encodes one variant after the other, so that a large result takes little
// memory beside itself. On an error part of it may be written.
func Write(w io.Writer, r *Result) error {
	// Variants come last, so all else is what stands before them.
	head := *r
	head.Variants = nil
	const last = "null\n}"
	text, err := json.MarshalIndent(&head, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	before, ok := bytes.CutSuffix(text, []byte(last))
	switch {
	case r.Variants == nil:
		before = text
	case !ok:
		return errors.New("encoding the result: variants is not its last field")
	default:
		before = append(before, '[')
	}
	if _, err := w.Write(escapeUnprintable(before)); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	for i := range r.Variants {
		text, err := json.MarshalIndent(&r.Variants[i], "    ", "  ")
		if err != nil {
			return fmt.Errorf("encoding the result: %w", err)
		}
		separator := ",\n    "
		if i == 0 {
			separator = "\n    "
		}
		for _, part := range [][]byte{[]byte(separator), escapeUnprintable(text)} {
			if _, err := w.Write(part); err != nil {
				return fmt.Errorf("writing the result: %w", err)
			}
		}
	}
	end := "\n"
	switch {
	case len(r.Variants) > 0:
		end = "\n  ]\n}\n"
	case r.Variants != nil:
		end = "]\n}\n"
	}
	if _, err := io.WriteString(w, end); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// WriteJSON writes any document as indented JSON with a newline at its end, as fit
// for a terminal as a result.
func WriteJSON(w io.Writer, document any) error {
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding JSON: %w", err)
	}
	if _, err := w.Write(escapeUnprintable(append(text, '\n'))); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// escapeUnprintable writes what a terminal would obey, or what turns text
// around, as JSON's \u escapes: a result may be printed, and holds text from
// servers. In JSON such characters stand only within strings.
func escapeUnprintable(text []byte) []byte {
	var out []byte
	copied := 0
	for i := 0; i < len(text); {
		if text[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if r == 0x7f || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			out = append(out, text[copied:i]...)
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, "\\u%04x", unit)
			}
			copied = i + n
		}
		i += n
	}
	if copied == 0 {
		return text
	}
	return append(out, text[copied:]...)
}

// Save writes the result to a file: whole or not at all. It replaces a file of
// that name; on an error the old one is untouched and nothing else is left.
func (r *Result) Save(path string) error {
	return WriteFile(path, func(w io.Writer) error { return Write(w, r) })
}

// WriteFile writes a file whole or not at all: a temporary one beside path is
// forced to disk and renamed. On an error the old file is untouched and nothing
// else is left. A link stays one, and the file that it leads to is replaced. What is
// no file, such as /dev/null or /dev/stdout, is written to, for it must not be
// replaced.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("saving %s: %w", path, err)
		}
	}()
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return writeThrough(path, write)
	}
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return replace(to, write)
	}
	return replace(path, write) // it is not there yet
}

// writeThrough writes to a device or a pipe.
func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// replace writes a file in place of the one at path.
func replace(path string, write func(io.Writer) error) (err error) {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()[:8])
	// Unlike os.CreateTemp's files, this one has the mode that the umask asks for.
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
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
