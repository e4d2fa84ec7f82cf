package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// actionEntry is one line of github-action-benchmark's custom JSON.
type actionEntry struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
	Range string  `json:"range,omitempty"`
	Extra string  `json:"extra,omitempty"`
}

// ActionBenchmark is two files of JSON for github-action-benchmark, because
// its tool is either customSmallerIsBetter or customBiggerIsBetter. A quantile
// that lands on a failed call is no number and has no entry: failed % has.
func ActionBenchmark(r *result.Result, _ Options) ([]Part, error) {
	smaller, bigger := actionEntries(r)
	part := func(name, tool string, entries []actionEntry) Part {
		return Part{Name: name, Doc: "for tool: " + tool, Write: func(w io.Writer) error {
			text, err := json.MarshalIndent(entries, "", "  ")
			if err != nil {
				return fmt.Errorf("encoding the entries: %w", err)
			}
			if _, err := w.Write(append(text, '\n')); err != nil {
				return fmt.Errorf("writing the entries: %w", err)
			}
			return nil
		}}
	}
	return []Part{
		part("smaller-is-better", "customSmallerIsBetter", smaller),
		part("bigger-is-better", "customBiggerIsBetter", bigger),
	}, nil
}

func actionEntries(r *result.Result) (smaller, bigger []actionEntry) {
	smaller, bigger = []actionEntry{}, []actionEntry{}
	verdict, _ := judged(r)
	extra := "measurement " + verdict + ", " + source(r.Scenario)
	for _, line := range banner(r) {
		extra += ", " + line
	}
	for _, entry := range entries(r) {
		for i := range r.Variants {
			v := &r.Variants[i]
			samples := stats.Samples(v, entry)
			if len(samples) == 0 {
				continue
			}
			each := func(of func(*result.Series) float64) (low, high float64) {
				low, high = math.Inf(1), math.Inf(-1)
				for _, s := range samples {
					value := of(s.Series)
					low, high = min(low, value), max(high, value)
				}
				return low, high
			}
			make := func(what, unit string, value float64, of func(*result.Series) float64) actionEntry {
				e := actionEntry{Name: clean(scenarioName(r)) + " / " + clean(entry) + " / " + clean(v.Name) + " / " + what, Unit: unit, Value: value, Extra: extra}
				if low, high := each(of); low < high && !math.IsInf(high, 1) {
					e.Range = trimmed(low) + "–" + trimmed(high)
				}
				return e
			}
			for _, q := range []struct {
				name string
				q    stats.Quantile
			}{{"p50", stats.P50}, {"p90", stats.P90}, {"p99", stats.P99}, {"p99.9", stats.P999}} {
				if l := stats.Response(samples, q.q); l.Known() {
					smaller = append(smaller, make(q.name, "ms", l.NS/1e6, func(s *result.Series) float64 {
						if ns := q.q.Of(s.Latency[result.Response]); ns != nil {
							return ms(*ns)
						}
						return math.Inf(1)
					}))
				}
			}
			f := stats.Aggregate(samples)
			smaller = append(smaller, make("failed", "%", 100*f.Failed, func(s *result.Series) float64 { return 100 * float64(s.Failed()) / float64(s.Planned) }))
			if f.AttemptsPerCall > 0 {
				smaller = append(smaller, make("attempts per call", "attempts", f.AttemptsPerCall, func(s *result.Series) float64 {
					return float64(s.Attempts) / float64(max(1, s.Calls))
				}))
			}
			bigger = append(bigger,
				make("in SLO", "%", 100*f.InSLO, func(s *result.Series) float64 { return 100 * s.InSLO }),
				make("OK calls", "calls/s", f.AchievedPerS, func(s *result.Series) float64 { return s.AchievedPerS }))
		}
	}
	return smaller, bigger
}
