package message

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// Metadata is the value of one metadata key, which may have templates in it: that of
// a call is a text.
type Metadata struct {
	key  string
	text string // as it was written, or all there is to it
	of   *text
}

// purposeMetadata sets the draws of metadata apart from those of the message, and of
// each key from those of the others.
const purposeMetadata = 0x6d65746164617461 // "metadata"

// CompileMetadata reads the value of a key, which gRPC sends in lower case. Keys that
// end in -bin take any bytes, and gRPC encodes them; others printable ASCII.
func CompileMetadata(key, value string) (*Metadata, error) {
	key = strings.ToLower(key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	ordinal := load.MixString(purposeMetadata, key)
	plain, t, faults := parseText(value, &ordinal)
	var errs []error
	for _, f := range faults {
		errs = append(errs, fmt.Errorf("%s (at character %d)", f.text, 1+len([]rune(value[:f.at]))))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	m := &Metadata{key: key, text: plain, of: t}
	if t == nil {
		return m, m.checkValue(plain)
	}
	for _, p := range t.pieces {
		if err := m.checkValue(p.literal); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// checkKey refuses keys that gRPC would, and those that are its own or HTTP/2's.
func checkKey(key string) error {
	for _, r := range key {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return fmt.Errorf("a metadata key has a-z, 0-9, -, _ and . only (got %s)", quoted(key))
		}
	}
	switch key {
	case "":
		return errors.New("a metadata key cannot be empty")
	case "content-type", "user-agent", "te", "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return fmt.Errorf("the metadata key %s belongs to HTTP/2 or gRPC", key)
	}
	if strings.HasPrefix(key, "grpc-") {
		return fmt.Errorf("metadata keys that begin with grpc- belong to gRPC (got %s)", quoted(key))
	}
	return nil
}

// checkValue refuses what gRPC would. It never shows the value, which may be secret.
func (m *Metadata) checkValue(value string) error {
	if strings.HasSuffix(m.key, "-bin") {
		return nil
	}
	for i := range len(value) {
		if value[i] < 0x20 || value[i] > 0x7e {
			return fmt.Errorf("metadata values are printable ASCII, but for keys that end in -bin (byte %d is 0x%02x)", i+1, value[i])
		}
	}
	return nil
}

// Key is the metadata's.
func (m *Metadata) Key() string { return m.key }

// Static is the value where no template is in it.
func (m *Metadata) Static() (value string, ok bool) { return m.text, m.of == nil }

// Render is the value for one call.
func (m *Metadata) Render(e *Env) (string, error) {
	if m.of == nil {
		return m.text, nil
	}
	text, err := m.of.appendText(e.scratch[:0], e)
	e.scratch = text
	if err == nil {
		err = m.checkValue(string(text))
	}
	if err != nil {
		return "", &renderError{m.key, err, e.Row}
	}
	return string(text), nil
}

// NeedsRow reports a value that takes something from a row.
func (m *Metadata) NeedsRow() bool { return m.of != nil && len(m.of.rows) > 0 }

// Check finds columns that the feed, which may be nil, does not have, and rows whose
// value cannot be sent.
func (m *Metadata) Check(feed *Feed) error {
	if !m.NeedsRow() {
		return nil
	}
	for _, row := range m.of.rows {
		if what := feed.lacks(row); what != "" {
			return errors.New(what)
		}
	}
	e := &Env{}
	for i := range feed.Len() {
		e.Row = Row{feed, i}
		if _, err := m.Render(e); err != nil {
			return err
		}
	}
	return nil
}
