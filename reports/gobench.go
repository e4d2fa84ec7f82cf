package reports

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/reports/result"
)

// GoBench writes Go benchmark text: a line for each trial and load entry, with
// the compared dimensions as parts of the name, so that
// `benchstat -col /policy` compares them. What differs from run to run stands
// in comments, because benchstat would split its tables by it. A quantile is
// left out of all lines of a variant where one of its trials has none: what is
// left would look better than it was.
func GoBench(w io.Writer, results []*result.Result, _ Options) error {
	var b strings.Builder
	for i, r := range results {
		if i > 0 {
			b.WriteByte('\n')
		}
		goBench(&b, r)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the benchmark text: %w", err)
	}
	return nil
}

// benchUnits are the units of the lines, and which way is better.
var benchUnits = []struct{ name, better string }{
	{"p50-ns", "lower"}, {"p90-ns", "lower"}, {"p99-ns", "lower"}, {"p99.9-ns", "lower"},
	{"in-slo-%", "higher"}, {"failed-%", "lower"}, {"attempts/call", "lower"}, {"OK/s", "higher"},
}

func goBench(b *strings.Builder, r *result.Result) {
	comment := func(parts ...string) {
		b.WriteString("# " + clean(strings.Join(parts, " ")) + "\n")
	}
	comment("grpcbench", source(r.Scenario), "started", r.Started.UTC().Format("2006-01-02T15:04:05Z"), "seed", strconv.FormatUint(r.Seed, 10))
	for _, line := range banner(r) {
		comment(line)
	}
	verdict, _ := judged(r)
	comment("measurement", verdict)
	for _, reason := range r.Validity.Reasons {
		comment(reasonText(reason))
	}
	for _, key := range []struct{ name, value string }{
		{"goos", r.Environment.OS}, {"goarch", r.Environment.Arch}, {"cpu", r.Environment.CPUModel},
	} {
		if value := strings.TrimSpace(clean(key.value)); value != "" {
			b.WriteString(key.name + ": " + value + "\n")
		}
	}
	for _, u := range benchUnits {
		fmt.Fprintf(b, "Unit %s better=%s\n", u.name, u.better)
	}
	keys := benchKeys(r.Scenario.Dimensions)
	values := benchValues(r)
	for _, entry := range entries(r) {
		for i := range r.Variants {
			v := &r.Variants[i]
			name := "Benchmark" + camel(scenarioName(r)) + "/load=" + safe(entry)
			for j, d := range r.Scenario.Dimensions {
				if value, set := v.Settings[d.Name]; set {
					name += "/" + keys[j] + "=" + values[d.Name][value]
				}
			}
			// The suffix is what Go's own benchmarks have; without it one that
			// ends in a dash and a number would be taken for it.
			benchLines(b, v, entry, name+"-"+strconv.Itoa(max(1, r.Environment.GOMAXPROCS)), comment)
		}
	}
}

// benchKeys is the dimensions as keys of a benchmark's name: short where that
// is clear.
func benchKeys(dimensions []result.Dimension) []string {
	out := make([]string, len(dimensions))
	n := map[string]int{"load": 1}
	for i, d := range dimensions {
		out[i] = benchKey(shortName(d.Name))
		n[out[i]]++
	}
	names := unique{"load": 1}
	for i, d := range dimensions {
		if n[out[i]] > 1 {
			out[i] = benchKey(d.Name)
		}
		out[i] = names.name(out[i])
	}
	return out
}

// benchValues names each dimension's values: what differs, differs in its name.
func benchValues(r *result.Result) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, d := range r.Scenario.Dimensions {
		names, taken := map[string]string{}, unique{}
		for i := range r.Variants {
			if value, set := r.Variants[i].Settings[d.Name]; set && names[value] == "" {
				names[value] = taken.name(safe(value))
			}
		}
		out[d.Name] = names
	}
	return out
}

func benchKey(s string) string { return strings.ReplaceAll(safe(s), "=", "_") }

// benchLines writes the variant's trials of one load entry.
func benchLines(b *strings.Builder, v *result.Variant, entry, name string, comment func(...string)) {
	var series []*result.Series
	for i := range v.Trials {
		if v.Trials[i].Partial {
			continue
		}
		for j := range v.Trials[i].Series {
			if s := &v.Trials[i].Series[j]; s.Name == entry && s.Planned > 0 {
				series = append(series, s)
			}
		}
	}
	if len(series) == 0 {
		return
	}
	left := map[string]bool{}
	for _, q := range quantiles {
		for _, s := range series {
			if l := quantileMS(s, result.Response, q.q, q.of); math.IsInf(l, 1) || math.IsNaN(l) {
				left[q.name] = true
			}
		}
		if left[q.name] && q.name != "p95" {
			comment("no", q.name, "of", v.Name+",", entry+": in some trial it lands on a failed call, or has too few samples")
		}
	}
	for _, s := range series {
		planned := float64(s.Planned)
		fmt.Fprintf(b, "%s %d", name, s.Planned)
		for _, q := range quantiles {
			if q.name != "p95" && !left[q.name] {
				fmt.Fprintf(b, " %d %s-ns", *q.of(s.Latency[result.Response]), q.name)
			}
		}
		fmt.Fprintf(b, " %s in-slo-%% %s failed-%%", benchNumber(100*s.InSLO), benchNumber(100*float64(s.Failed())/planned))
		if s.Calls > 0 {
			fmt.Fprintf(b, " %s attempts/call", benchNumber(float64(s.Attempts)/float64(s.Calls)))
		}
		fmt.Fprintf(b, " %s OK/s\n", benchNumber(s.AchievedPerS))
	}
}

// benchNumber is short and keeps what is measured: 9 digits.
func benchNumber(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }

// camel makes a scenario's name the name of a benchmark: pool-sizes becomes
// PoolSizes.
func camel(s string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(safe(s), func(r rune) bool { return strings.ContainsRune("._=-", r) }) {
		r, size := utf8.DecodeRuneInString(word)
		b.WriteString(string(unicode.ToUpper(r)) + word[size:])
	}
	if b.Len() == 0 {
		return "Result"
	}
	return b.String()
}
