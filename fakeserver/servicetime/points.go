package servicetime

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Point is one quantile of a file.
type Point struct {
	P    float64 // 0 < P < 1
	Time time.Duration
}

func (p Point) name() string { return "p" + strconv.FormatFloat(100*p.P, 'g', 8, 64) }

// load implements filed.
func (q *Quantiles) load(folder string) error {
	if q.File == "" {
		return nil
	}
	name := q.File
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	file, err := os.Open(name)
	if err != nil {
		return field.New("file", "%v", err)
	}
	defer file.Close()
	if q.Points, err = ReadPoints(file); err != nil {
		return field.New("file", "%s: %v", q.File, err)
	}
	return q.Validate()
}

// unread implements filed.
func (q *Quantiles) unread() bool { return q.File != "" && len(q.Points) == 0 }

// maxPoints is more than any dashboard shows.
const maxPoints = 1000

// ReadPoints reads a table of quantiles, as copied from a dashboard: two columns
// with a comma, semicolon or tab between them, the quantile (p99, 99%, 99 or
// 0.99) and the time (40ms; a bare number is in the unit of the first line,
// such as `quantile,ms`, and seconds without one). They must rise. Empty lines
// and those that begin with # are skipped.
func ReadPoints(r io.Reader) ([]Point, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return nil, err
	}
	table := csv.NewReader(strings.NewReader(string(text)))
	table.Comment, table.TrimLeadingSpace, table.FieldsPerRecord = '#', true, -1
	for _, comma := range "\t;" {
		if strings.ContainsRune(string(text), comma) {
			table.Comma = comma
			break
		}
	}
	var points []Point
	unit := "s"
	for first := true; ; first = false {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := table.FieldPos(0)
		if len(row) != 2 {
			return nil, fmt.Errorf("line %d: must have two columns, such as p99,40ms (got %d)", line, len(row))
		}
		quantile, value := strings.TrimSpace(row[0]), strings.TrimSpace(row[1])
		p, err := readQuantile(quantile)
		if err != nil {
			if first { // the heading
				unit = headingUnit(value)
				continue
			}
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		d, err := readTime(value, unit)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if n := len(points); n > 0 && p <= points[n-1].P {
			return nil, fmt.Errorf("line %d: quantiles must rise, %s comes after %s", line, quantile, points[n-1].name())
		}
		if points = append(points, Point{P: p, Time: d}); len(points) > maxPoints {
			return nil, fmt.Errorf("line %d: must be at most %d quantiles", line, maxPoints)
		}
	}
	if len(points) < 2 {
		return nil, fmt.Errorf("must give at least two quantiles, in lines such as p99,40ms (got %d)", len(points))
	}
	return points, nil
}

// readQuantile reads p99.9, 99.9%, 99.9 or 0.999.
func readQuantile(text string) (float64, error) {
	number := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(text), "p"), "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err == nil && (number != strings.ToLower(text) || p >= 1) {
		p /= 100
	}
	if err != nil || !(p > 0 && p < 1) {
		return 0, fmt.Errorf("must be a quantile between 0 and 1, such as p99, 99%% or 0.99 (got %q)", text)
	}
	return p, nil
}

func readTime(text, unit string) (time.Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += unit
	}
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("must be a time > 0, such as 40ms (got %q)", text)
	}
	return d, nil
}

// unitWord is a unit that stands as a word of its own, or behind an underscore.
var unitWord = regexp.MustCompile(`(?:^|[^a-zµ])(ns|us|µs|ms|s|seconds|milliseconds)(?:$|[^a-z])`)

// headingUnit is the unit that a heading such as `latency (ms)` names.
func headingUnit(heading string) string {
	m := unitWord.FindStringSubmatch(strings.ToLower(heading))
	switch {
	case m == nil, m[1] == "seconds":
		return "s"
	case m[1] == "milliseconds":
		return "ms"
	default:
		return m[1]
	}
}
