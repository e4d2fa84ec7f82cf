package reports

import (
	"fmt"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
)

const (
	mostAttempts   = 6  // of a call that are shown
	longestMessage = 60 // columns of an error message
)

// remarks are lines of items about single calls: the slowest, with its
// attempts, and the commonest error.
func (t *table) remarks() [][]string {
	var out [][]string
	if line := t.slowest(); line != nil {
		out = append(out, line)
	}
	if line := t.commonestError(); line != nil {
		out = append(out, line)
	}
	return out
}

// slowest describes the slowest call of all that were kept in the trials that the
// figures are of.
func (t *table) slowest() []string {
	var worst *result.Exemplar
	var by *row
	for i := range t.rows {
		for _, trial := range t.rows[i].trials() {
			list := trial.Exemplars
			for k := range list {
				if e := &list[k]; e.Series == t.entry && (worst == nil || e.ResponseNS > worst.ResponseNS) {
					worst, by = e, &t.rows[i]
				}
			}
		}
	}
	if worst == nil {
		return nil
	}
	line := []string{"slowest call " + significant(ms(worst.ResponseNS)) + " ms"}
	if len(t.rows) > 1 {
		line = append(line, "of "+by.label)
	}
	// A wait that rounds to nothing beside the response is no part of the story.
	if worst.WaitNS > worst.ResponseNS/1000 {
		line = append(line, "wait "+short(worst.WaitNS))
	}
	for i, a := range worst.Attempts {
		if i == mostAttempts-1 && len(worst.Attempts) > mostAttempts {
			line = append(line, plural(len(worst.Attempts)-i, "more attempt"))
			break
		}
		backend := clean(a.Backend)
		if backend == "" {
			backend = "no backend"
		}
		line = append(line, fmt.Sprintf("%s %s %s", backend, clean(a.Code), short(a.DurationNS)))
		if a.DelayNS > 0 {
			line = append(line, "wait "+short(a.DelayNS))
		}
	}
	if n := len(worst.Attempts); worst.Code != "" && (n == 0 || worst.Attempts[n-1].Code != worst.Code) {
		line = append(line, "ended "+clean(worst.Code))
	}
	return line
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }

// short writes milliseconds without a unit: 0.3, 71, 1,204.
func short(ns int64) string {
	if ns < 10_000_000 {
		return separated(ms(ns), 1)
	}
	return separated(ms(ns), 0)
}

// mostlyFailed says that in some variant at least half of the calls failed.
func (t *table) mostlyFailed() bool {
	for _, r := range t.rows {
		if r.figures.Failed >= 0.5 {
			return true
		}
	}
	return false
}

// commonestError describes the error message that occurred most, over all
// trials of a variant.
func (t *table) commonestError() []string {
	type key struct {
		row     int
		code    string
		origin  result.Origin
		message string
	}
	n := map[key]int64{}
	var top key
	for i := range t.rows {
		for _, s := range t.rows[i].samples {
			for _, e := range s.Series.Errors {
				k := key{i, e.Code, e.Origin, e.Message}
				n[k] += e.Count
				// Counts only grow, and a tie keeps the first.
				if n[k] > n[top] {
					top = k
				}
			}
		}
	}
	if n[top] == 0 {
		return nil
	}
	text := "commonest error " + count(n[top]) + " × " + clean(top.code)
	if top.origin != "" {
		text += " (" + clean(string(top.origin)) + ")"
	}
	line := []string{text}
	if len(t.rows) > 1 {
		line = append(line, "of "+t.rows[top.row].label)
	}
	if top.message != "" {
		// What went wrong stands at the end of grpc-go's messages.
		line = append(line, "“"+shorten.Middle(clean(top.message), longestMessage)+"”")
	}
	return line
}
