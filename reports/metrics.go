package reports

import (
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// metric is one figure of one trial, for formats that machines read. Times are
// in milliseconds. NaN is a figure that is not known; +Inf a quantile that
// lands on a call that failed.
type metric struct {
	name  string
	unit  string
	value float64
}

// quantiles are those that a Summary holds, as machines call them.
var quantiles = []struct {
	name string
	q    float64
	of   func(result.Summary) *int64
}{
	{"p50", 0.5, func(s result.Summary) *int64 { return s.P50NS }},
	{"p90", 0.9, func(s result.Summary) *int64 { return s.P90NS }},
	{"p95", 0.95, func(s result.Summary) *int64 { return s.P95NS }},
	{"p99", 0.99, func(s result.Summary) *int64 { return s.P99NS }},
	{"p99.9", 0.999, func(s result.Summary) *int64 { return s.P999NS }},
}

// quantile is one quantile of a measure in milliseconds: NaN where there are
// too few samples to show it, +Inf where its rank lands on a call that failed.
func quantileMS(s *result.Series, m result.Measure, q float64, of func(result.Summary) *int64) float64 {
	l := s.Latency[m]
	n := l.Count
	if m == result.Response {
		n = s.Planned
	}
	if n < stats.MinSamples(q) {
		return math.NaN()
	}
	if v := of(l); v != nil {
		return ms(*v)
	}
	return math.Inf(1)
}

// seriesMetrics is all figures of one load entry in one trial, in a stable
// order.
func seriesMetrics(s *result.Series) []metric {
	inSLO, failed := math.NaN(), math.NaN() // of no calls there is no share
	if s.Planned > 0 {
		inSLO, failed = s.InSLO, float64(s.Failed())/float64(s.Planned)
	}
	out := []metric{
		{"offered", "calls/s", s.OfferedPerS},
		{"achieved", "calls/s", s.AchievedPerS},
		{"goodput", "calls/s", s.GoodputPerS},
		{"in_slo", "share", inSLO},
		{"failed", "share", failed},
		{"planned", "calls", float64(s.Planned)},
		{"dropped", "calls", float64(s.Dropped)},
		{"calls", "calls", float64(s.Calls)},
		{"unfinished", "calls", float64(s.Unfinished)},
		{"attempts", "attempts", float64(s.Attempts)},
	}
	for _, code := range sorted(s.Codes) {
		out = append(out, metric{"code." + code, "calls", float64(s.Codes[code])})
	}
	for _, origin := range sorted(s.Origins) {
		out = append(out, metric{"origin." + string(origin), "calls", float64(s.Origins[origin])})
	}
	for _, m := range result.Measures() {
		l := s.Latency[m]
		if l.Count == 0 && m != result.Response {
			continue
		}
		name := string(m) + "."
		for _, q := range quantiles {
			out = append(out, metric{name + q.name, "ms", quantileMS(s, m, q.q, q.of)})
		}
		if l.Count > 0 {
			out = append(out, metric{name + "min", "ms", ms(l.MinNS)}, metric{name + "max", "ms", ms(l.MaxNS)}, metric{name + "mean", "ms", ms(l.MeanNS)})
		}
		out = append(out, metric{name + "count", "values", float64(l.Count)})
	}
	return out
}

// trialMetrics is the figures of a trial that belong to no load entry.
func trialMetrics(t *result.Trial) []metric {
	out := []metric{
		{"measured", "s", float64(t.MeasuredNS) / 1e9},
		{"client.cpu", "s", float64(t.Client.CPUNS) / 1e9},
		{"client.channels", "channels", float64(t.Client.Channels)},
		{"client.connections", "connections", float64(t.Client.Connections)},
	}
	for _, m := range []metric{
		{"client.allocs_per_call", "allocations", t.Client.AllocsPerCall},
		{"imbalance", "ratio", t.Client.Imbalance},
		{"breaker.opened", "times", float64(t.Client.Breaker.Opened)},
		{"breaker.rejected", "attempts", float64(t.Client.Breaker.Rejected)},
		{"retry.refused", "attempts", float64(t.Client.Retry.Refused)},
	} {
		if m.value != 0 {
			out = append(out, m)
		}
	}
	for _, p := range t.Client.Picks {
		out = append(out, metric{"picks." + p.Backend, "attempts", float64(p.Picks)})
	}
	if t.Fleet != nil && t.Fleet.ActualOverAsked > 0 {
		out = append(out, metric{"service_time.actual_over_asked", "ratio", t.Fleet.ActualOverAsked})
	}
	return out
}

// sorted is the keys of a map in order.
func sorted[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// dimensionNames is the compared dimensions of all results, each once.
func dimensionNames(results []*result.Result) []string {
	var out []string
	for _, r := range results {
		for _, d := range r.Scenario.Dimensions {
			if !slices.Contains(out, d.Name) {
				out = append(out, d.Name)
			}
		}
	}
	return out
}

// scenarioName is what the scenario is called, or the file it was read from.
func scenarioName(r *result.Result) string {
	if r.Scenario.Name != "" {
		return r.Scenario.Name
	}
	if r.Scenario.File != "" {
		return r.Scenario.File
	}
	return "result"
}

// safe makes text a name of letters, digits and . _ = - only, for places that
// allow no more: names of files, tags and benchmarks. Runs of anything else
// become one underscore.
func safe(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._=-", r)) {
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	if b.Len() == 0 {
		return "unnamed"
	}
	return b.String()
}

// fileName is safe and at most n bytes long, with both ends: no file's name may be
// longer than 255 in all.
func fileName(s string, n int) string {
	s = safe(s)
	if len(s) <= n {
		return s
	}
	return s[:n/2] + "_" + s[len(s)-(n-n/2-1):]
}

// unique makes names differ, by a number after those that came before.
type unique map[string]int

func (u unique) name(s string) string {
	u[s]++
	if n := u[s]; n > 1 {
		return u.name(s + "-" + count(int64(n)))
	}
	return s
}
