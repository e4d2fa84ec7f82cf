package reports

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// metricBuckets are the upper edges of the classic buckets, in seconds: three
// for each factor of ten, from 100 µs to a minute.
var metricBuckets = []float64{
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60,
}

// OpenMetrics writes OpenMetrics 1.0 text, every figure at the time its trial
// ended, labelled with scenario, variant, load entry, trial and the compared
// settings. Histograms are classic ones: this text format has no native
// histograms, which travel in protobuf only. All else is gauges, since a trial
// that is over counts nothing any more.
func OpenMetrics(w io.Writer, results []*result.Result, _ Options) error {
	f := families{}
	for _, r := range results {
		keys := labelKeys(r.Scenario.Dimensions)
		for i := range r.Variants {
			v := &r.Variants[i]
			for j := range v.Trials {
				if err := f.trial(r, v, &v.Trials[j], keys); err != nil {
					return err
				}
			}
		}
	}
	if _, err := io.WriteString(w, f.text()); err != nil {
		return fmt.Errorf("writing the metrics: %w", err)
	}
	return nil
}

// families is the samples of each metric family: OpenMetrics wants them
// together.
type families map[string]*strings.Builder

// metricFamilies are the families in the order of the text.
var metricFamilies = []struct{ name, kind, unit, help string }{
	{"grpcbench_response_seconds", "histogram", "seconds", "Response time of OK calls, from when a call was due."},
	{"grpcbench_response_quantile_seconds", "gauge", "seconds", "Quantile of response over all planned calls: +Inf where it lands on a call that failed."},
	{"grpcbench_in_slo_ratio", "gauge", "ratio", "Share of planned calls that ended OK within the SLO."},
	{"grpcbench_calls", "gauge", "", "Calls by gRPC code; also unfinished and dropped ones."},
	{"grpcbench_attempts", "gauge", "", "Attempts of all calls."},
	{"grpcbench_offered_rate", "gauge", "", "Calls that were due, per second."},
	{"grpcbench_achieved_rate", "gauge", "", "Calls that ended OK in time, per second."},
	{"grpcbench_picks", "gauge", "", "Attempts by backend."},
	{"grpcbench_trial_valid", "gauge", "", "1 where the measurement is fit to act on, 0 where it is INVALID."},
}

func (f families) add(family, suffix string, labels []string, value float64, at string) {
	b := f[family]
	if b == nil {
		b = &strings.Builder{}
		f[family] = b
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if math.IsInf(value, 1) {
		text = "+Inf"
	}
	b.WriteString(family + suffix + "{" + strings.Join(labels, ",") + "} " + text + " " + at + "\n")
}

func (f families) text() string {
	var b strings.Builder
	for _, family := range metricFamilies {
		samples := f[family.name]
		if samples == nil {
			continue
		}
		b.WriteString("# HELP " + family.name + " " + family.help + "\n# TYPE " + family.name + " " + family.kind + "\n")
		if family.unit != "" {
			b.WriteString("# UNIT " + family.name + " " + family.unit + "\n")
		}
		b.WriteString(samples.String())
	}
	b.WriteString("# EOF\n")
	return b.String()
}

func (f families) trial(r *result.Result, v *result.Variant, t *result.Trial, keys []string) error {
	// Whole seconds: there are readers that take a fraction for an error.
	at := strconv.FormatInt(max(0, t.Started.Add(time.Duration(t.MeasuredNS)).Unix()), 10)
	base := []string{label("scenario", scenarioName(r)), label("variant", v.Name), label("trial", strconv.Itoa(t.Index))}
	for i, d := range r.Scenario.Dimensions {
		if value, set := v.Settings[d.Name]; set {
			base = append(base, label(keys[i], value))
		}
	}
	with := func(labels ...string) []string { return append(base[:len(base):len(base)], labels...) }
	for i := range t.Series {
		s := &t.Series[i]
		load := label("load", s.Name)
		if err := f.histogram(s, with(load), at); err != nil {
			return fmt.Errorf("%s, trial %d, %s: %w", clean(v.Name), t.Index, clean(s.Name), err)
		}
		for _, q := range quantiles {
			if value := quantileMS(s, result.Response, q.q, q.of); !math.IsNaN(value) {
				f.add("grpcbench_response_quantile_seconds", "", with(load, label("q", strconv.FormatFloat(q.q, 'g', -1, 64))), value/1e3, at)
			}
		}
		f.add("grpcbench_in_slo_ratio", "", with(load), s.InSLO, at)
		codes := map[string]int64{"unfinished": s.Unfinished, "dropped": s.Dropped}
		for code, n := range s.Codes {
			codes[clean(code)] += n
		}
		for _, code := range sorted(codes) {
			f.add("grpcbench_calls", "", with(load, label("code", code)), float64(codes[code]), at)
		}
		f.add("grpcbench_attempts", "", with(load), float64(s.Attempts), at)
		f.add("grpcbench_offered_rate", "", with(load), s.OfferedPerS, at)
		f.add("grpcbench_achieved_rate", "", with(load), s.AchievedPerS, at)
	}
	picks := map[string]int64{}
	for _, p := range t.Client.Picks {
		picks[clean(p.Backend)] += p.Picks
	}
	for _, backend := range sorted(picks) {
		f.add("grpcbench_picks", "", with(label("backend", backend)), float64(picks[backend]), at)
	}
	valid := 1.0
	if result.Worst(t.Validity.Verdict, result.Suspect) == result.Invalid {
		valid = 0
	}
	f.add("grpcbench_trial_valid", "", with(), valid, at)
	return nil
}

// histogram adds the response's classic buckets, sum and count.
func (f families) histogram(s *result.Series, labels []string, at string) error {
	const family = "grpcbench_response_seconds"
	l := s.Latency[result.Response]
	h, err := l.Histogram()
	if err != nil {
		return err
	}
	below := h.CountsUpTo(edgesNS(metricBuckets))
	for i, edge := range metricBuckets {
		f.add(family, "_bucket", append(labels[:len(labels):len(labels)], label("le", strconv.FormatFloat(edge, 'g', -1, 64))), float64(below[i]), at)
	}
	f.add(family, "_bucket", append(labels[:len(labels):len(labels)], label("le", "+Inf")), float64(l.Count), at)
	f.add(family, "_sum", labels, float64(l.MeanNS)/1e9*float64(l.Count), at)
	f.add(family, "_count", labels, float64(l.Count), at)
	return nil
}

func edgesNS(seconds []float64) []int64 {
	out := make([]int64, len(seconds))
	for i, s := range seconds {
		out[i] = int64(math.Round(s * 1e9))
	}
	return out
}

// label writes a label with its value escaped.
func label(key, value string) string {
	value = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(clean(value))
	return key + `="` + value + `"`
}

// labelKeys names the dimensions as labels: client.pool.size is
// setting_client_pool_size.
func labelKeys(dimensions []result.Dimension) []string {
	names := unique{}
	out := make([]string, len(dimensions))
	for i, d := range dimensions {
		out[i] = strings.ReplaceAll(names.name("setting_"+strings.Map(func(r rune) rune {
			if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
				return r
			}
			return '_'
		}, d.Name)), "-", "_")
	}
	return out
}
