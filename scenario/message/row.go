package message

import (
	"fmt"
	"strings"
)

// Row is one row of a feed. The zero Row is none.
type Row struct {
	feed *Feed
	n    int
}

// place says where the row was read: users.csv:13.
func (r Row) place() string {
	return fmt.Sprintf("%s:%d", r.feed.name, r.feed.lines[r.n])
}

// value is the row's value by its path; see pathKey.
func (r Row) value(key string) (value, bool) {
	column, ok := r.feed.ids[key]
	if !ok {
		return value{}, false
	}
	cells := r.feed.cells[r.feed.begins[r.n]:r.feed.begins[r.n+1]]
	// Where every row has the same columns, they are in the same order.
	if i := int(column); i < len(cells) && cells[i].column == column {
		return value{shape: cells[i].shape, text: cells[i].text}, true
	}
	for i := range cells {
		if cells[i].column == column {
			return value{shape: cells[i].shape, text: cells[i].text}, true
		}
	}
	return value{}, false
}

// pathKey is a path into a row as one string. No name has a NUL.
func pathKey(names []string) string { return strings.Join(names, "\x00") }

// pathName is a key as it is shown and suggested.
func pathName(key string) string {
	path := ""
	for name := range strings.SplitSeq(key, "\x00") {
		path = childPath(path, name)
	}
	return path
}

// rowName is a key as a template writes it.
func rowName(key string) string {
	if name := pathName(key); name[0] != '[' {
		return ".row." + name
	}
	return ".row" + pathName(key)
}

// rowField is .row.name.
type rowField struct {
	key       string
	at, width int // in its text
}

func (f *rowField) value(e *Env) (value, error) {
	if e.Row.feed == nil {
		return value{}, fmt.Errorf("there is no row: .row needs a feed")
	}
	v, ok := e.Row.value(f.key)
	if !ok {
		return value{}, fmt.Errorf("the row has no %s", clip(pathName(f.key)))
	}
	return v, nil
}

func (f *rowField) appendText(dst []byte, e *Env) ([]byte, error) {
	v, err := f.value(e)
	if err == nil && v.shape == aNull {
		err = fmt.Errorf("%s is null, which is no text", clip(pathName(f.key)))
	}
	return v.appendText(dst), err
}

// Only the feed tells.
func (*rowField) samples() []value { return nil }
