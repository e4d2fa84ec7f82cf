package message

import (
	"errors"
	"fmt"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Bounds on a feed, beside maxBytes: it is kept in memory.
const (
	maxRows  = 1_000_000
	maxCells = 10_000_000
)

// Feed is the rows of a file that calls take their data from. It is read once and
// not changed: goroutines share it.
type Feed struct {
	name   string
	ids    map[string]int32 // by pathKey
	paths  []string         // by id
	cells  []cell
	begins []int32 // of the rows in cells, and the end
	lines  []int32 // of the rows in the file
}

// cell is one value of a row: a row has as many as it needs.
type cell struct {
	column int32
	shape  shape
	text   string // as in value
}

// ReadFeed reads a file of rows by the end of its name: .csv, whose first line
// names the columns, or .jsonl, an object on each line. The error is
// strict.Errors: everything that is wrong, with its line.
func ReadFeed(name string, contents []byte) (*Feed, error) {
	if err := tooLarge(name, len(contents)); err != nil {
		return nil, err
	}
	f := &Feed{name: name, ids: map[string]int32{}, begins: []int32{0}}
	src := newSource(Text{Name: name, JSON: contents})
	var p problems
	switch ext := strings.ToLower(filepath.Ext(name)); {
	case !utf8.ValidString(src.text):
		p.add(src.errorf(validLength(src.text), 1, "", "this is not UTF-8 text"))
	case ext == ".csv":
		f.readCSV(src, &p)
	case ext == ".jsonl" || ext == ".ndjson":
		f.readJSONL(src, &p)
	default:
		p.add(src.errorf(0, 0, "", "the name of a feed must end in .csv or .jsonl, which says what it holds"))
	}
	if f.Len() == 0 && len(p.errs) == 0 {
		p.add(src.lineFault(1, "there are no rows here"))
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// validLength is how far s is UTF-8, in bytes.
func validLength(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return len(s)
}

// Name is the file's.
func (f *Feed) Name() string { return f.name }

// Len is the number of rows.
func (f *Feed) Len() int { return len(f.lines) }

// Columns are what .row can name, as it is written, in the order of the file.
func (f *Feed) Columns() []string {
	out := make([]string, len(f.paths))
	for i, key := range f.paths {
		out[i] = pathName(key)
	}
	return out
}

// purposeRows keeps the choice of rows apart from other draws of a seed.
const purposeRows = 0x726f7773 // "rows"

// Row is the row of the call-th call, a pure function of its arguments. It is not ok
// where the order is Once and there are no more. An order of its own for every seed
// is Random's.
func (f *Feed) Row(order Order, call, seed uint64) (row Row, ok bool) {
	n := uint64(len(f.lines))
	switch order {
	case Random:
		// The bias is below n·2⁻⁶⁴.
		high, _ := bits.Mul64(load.Mix(seed, purposeRows, call), n)
		return Row{f, int(high)}, true
	case Once:
		if call >= n {
			return Row{}, false
		}
		return Row{f, int(call)}, true
	default:
		return Row{f, int(call % n)}, true
	}
}

// column is the id of a path, a new one where there is none.
func (f *Feed) column(key string) int32 {
	id, ok := f.ids[key]
	if !ok {
		id = int32(len(f.paths))
		f.ids[key] = id
		f.paths = append(f.paths, key)
	}
	return id
}

// full says what there is too much of.
func (f *Feed) full(more int) string {
	switch {
	case len(f.lines) == maxRows:
		return fmt.Sprintf("there are too many rows: at most %d", maxRows)
	case len(f.cells)+more > maxCells:
		return fmt.Sprintf("there are too many values: at most %d", maxCells)
	}
	return ""
}

// endRow makes a row of the cells since the last one.
func (f *Feed) endRow(line int) {
	f.begins = append(f.begins, int32(len(f.cells)))
	f.lines = append(f.lines, int32(line))
}

// missing is what is wrong with a path that no row has, or "".
func (f *Feed) missing(key string) string {
	if _, ok := f.ids[key]; ok {
		return ""
	}
	// The distance to very many names takes long, and a list of them is no help.
	const looked = 1000
	paths := f.paths[:min(len(f.paths), looked)]
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = pathName(path)
	}
	name := pathName(key)
	if near := strict.Suggest(name, names); near != "" {
		return fmt.Sprintf("%s has no column %s, did you mean %s?", f.name, clip(name), rowName(paths[slices.Index(names, near)]))
	}
	return fmt.Sprintf("%s has no column %s: there are %s", f.name, clip(name), and(names))
}

// rowFault is a row that does not fit.
func (f *Feed) rowFault(n int, path string, err error) *strict.Error {
	if of := (*renderError)(nil); errors.As(err, &of) {
		path, err = of.path, of.why
	}
	return &strict.Error{
		Pos:     strict.Position{Source: f.name, Line: int(f.lines[n]), Column: 1},
		Path:    path,
		Message: err.Error(),
	}
}
