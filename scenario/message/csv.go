package message

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// readCSV reads RFC 4180: the first line names the columns, every other has as
// many. Each value is text, and becomes what its field needs.
func (f *Feed) readCSV(src *source, p *problems) {
	reader := csv.NewReader(strings.NewReader(src.text))
	reader.ReuseRecord = true
	header := true
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			p.add(src.csvFault(err))
			return
		}
		line, _ := reader.FieldPos(0)
		if header {
			f.header(src, reader, record, p)
			header = false
			if len(p.errs) > 0 {
				return
			}
			continue
		}
		if err != nil {
			p.add(src.lineFault(line, "must have %s, as the first line (got %s)", count(len(f.paths), "value"), count(len(record), "value")))
			if p.full {
				return
			}
			continue
		}
		if what := f.full(len(record)); what != "" {
			p.add(src.lineFault(line, "%s", what))
			return
		}
		for i, text := range record {
			f.cells = append(f.cells, cell{column: int32(i), shape: aString, text: text})
		}
		f.endRow(line)
	}
}

// header takes in the names of the columns.
func (f *Feed) header(src *source, reader *csv.Reader, record []string, p *problems) {
	for i, name := range record {
		line, _ := reader.FieldPos(i)
		name = strings.Clone(strings.TrimSpace(name))
		_, taken := f.ids[name]
		switch {
		case name == "":
			p.add(src.lineFault(line, "column %d has no name: the first line names the columns", i+1))
		case strings.Contains(name, "\x00"):
			p.add(src.lineFault(line, "column %d has a NUL in its name", i+1))
		case taken:
			p.add(src.lineFault(line, "two columns have the name %s", quoted(name)))
		default:
			f.column(name)
		}
	}
}

// csvFault is what the reader of CSV found, in our words.
func (s *source) csvFault(err error) *strict.Error {
	var at *csv.ParseError
	switch {
	case !errors.As(err, &at):
		return s.lineFault(s.line, "%v", err)
	case errors.Is(err, csv.ErrQuote) && at.StartLine < at.Line:
		return s.lineFault(at.StartLine, "a value in quotes begins here that does not end before line %d", at.Line)
	case errors.Is(err, csv.ErrQuote):
		return s.lineFault(at.Line, "a quote in a quoted value is written twice, and a comma or the end of the line follows the last")
	case errors.Is(err, csv.ErrBareQuote):
		return s.lineFault(at.Line, "a value with a quote in it must be in quotes, and the quote in it twice")
	default:
		return s.lineFault(at.Line, "%v", at.Err)
	}
}

// count is "1 value" or "3 values".
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
