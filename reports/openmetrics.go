package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/exposition"
	"github.com/grpcbench/grpcbench/reports/result"
)

// OpenMetrics writes OpenMetrics 1.0 text, every figure at the time its trial
// ended, labelled with scenario, variant, load entry, trial and the compared
// settings. Histograms are classic ones: this text format has no native
// histograms, which travel in protobuf only (see Metrics). All else is gauges,
// since a trial that is over counts nothing any more.
func OpenMetrics(w io.Writer, results []*result.Result, _ Options) error {
	f := families{}
	for _, r := range results {
		if err := f.result(r); err != nil {
			return err
		}
		f.partial(r)
	}
	for name, samples := range f {
		f[name] = inOrder(samples)
	}
	return exposition.Text(w, f.list(), true)
}

// inOrder puts samples with the same labels, as several results of one scenario have
// them, behind each other and by time, as OpenMetrics wants them; of two at one time
// the first stands.
func inOrder(samples []exposition.Sample) []exposition.Sample {
	series := map[string][]exposition.Sample{}
	var order []string
	for _, s := range samples {
		var key strings.Builder
		for _, l := range s.Labels {
			fmt.Fprintf(&key, "%q=%q,", l.Name, l.Value)
		}
		if series[key.String()] == nil {
			order = append(order, key.String())
		}
		series[key.String()] = append(series[key.String()], s)
	}
	out := samples[:0:0]
	for _, key := range order {
		all := series[key]
		slices.SortStableFunc(all, func(a, b exposition.Sample) int { return a.At.Compare(b.At) })
		out = append(out, slices.CompactFunc(all, func(a, b exposition.Sample) bool { return a.At.Unix() == b.At.Unix() })...)
	}
	return out
}

// Metrics is all that is known of a run: of its finished trials as OpenMetrics
// has it, and of the one under way, in the same families, as far as it has come.
type Metrics struct {
	result   *result.Result
	keys     []string
	finished families
}

// NewMetrics has read no trial yet.
func NewMetrics(r *result.Result) *Metrics {
	return &Metrics{result: r, keys: labelKeys(r.Scenario.Dimensions), finished: families{}}
}

// Read takes in a finished trial.
func (m *Metrics) Read(v *result.Variant, t *result.Trial) error {
	return m.finished.trial(m.result, v, t, m.keys)
}

// ReadAll takes in all finished trials.
func (m *Metrics) ReadAll() error { return m.finished.result(m.result) }

// At is the metrics of what was read, and of the trial under way. Each sample
// has the times between which it counted.
func (m *Metrics) At(now *Moment) []exposition.Family {
	f := families{}
	for name, samples := range m.finished {
		f[name] = slices.Clip(samples)
	}
	f.running(m.result, m.keys, now)
	return f.list()
}

// families is the samples of each metric family: OpenMetrics wants them
// together.
type families map[string][]exposition.Sample

// metricFamilies are the families in the order of the text.
var metricFamilies = []exposition.Family{
	{Name: "grpcbench_response_seconds", Kind: exposition.Durations, Unit: "seconds", Help: "Response time of OK calls, from when a call was due."},
	{Name: "grpcbench_response_quantile_seconds", Kind: exposition.Gauge, Unit: "seconds", Help: "Quantile of response over all planned calls: +Inf where it lands on a call that failed."},
	{Name: "grpcbench_in_slo_ratio", Kind: exposition.Gauge, Unit: "ratio", Help: "Share of planned calls that ended OK within the SLO."},
	{Name: "grpcbench_calls", Kind: exposition.Count, Help: "Calls by gRPC code; also unfinished and dropped ones."},
	{Name: "grpcbench_attempts", Kind: exposition.Count, Help: "Attempts of all calls."},
	{Name: "grpcbench_offered_rate", Kind: exposition.Gauge, Help: "Calls that were due, per second."},
	{Name: "grpcbench_achieved_rate", Kind: exposition.Gauge, Help: "Calls that ended OK in time, per second."},
	{Name: "grpcbench_picks", Kind: exposition.Count, Help: "Attempts by backend."},
	{Name: "grpcbench_trial_valid", Kind: exposition.Gauge, Help: "1 where the measurement is fit to act on, 0 where it is INVALID."},
	{Name: "grpcbench_partial", Kind: exposition.Gauge, Help: "1 where the run ended before its plan was done."},
	{Name: "grpcbench_gate", Kind: exposition.Gauge, Help: "How a gate turned out for a variant and load entry: 1 with its outcome."},
	{Name: "grpcbench_gate_figure", Kind: exposition.Gauge, Help: "What a gate judged, in its unit: how it differs where it is compared."},
	{Name: "grpcbench_in_flight", Kind: exposition.Gauge, Help: "Calls under way when the last second ended, of the trial under way."},
	{Name: "grpcbench_trial_running", Kind: exposition.Gauge, Help: "1 for the trial under way."},
	{Name: "grpcbench_trials", Kind: exposition.Gauge, Help: "Trials of the run: ended, and planned in all."},
	{Name: "grpcbench_remaining_seconds", Kind: exposition.Gauge, Unit: "seconds", Help: "Planned time until the run ends, without drains."},
}

func (f families) list() []exposition.Family {
	var out []exposition.Family
	for _, family := range metricFamilies {
		if family.Samples = f[family.Name]; len(family.Samples) > 0 {
			out = append(out, family)
		}
	}
	return out
}

func (f families) result(r *result.Result) error {
	keys := labelKeys(r.Scenario.Dimensions)
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			if err := f.trial(r, v, &v.Trials[j], keys); err != nil {
				return err
			}
		}
	}
	f.gates(r)
	return nil
}

// end is when the run ended.
func end(r *result.Result) time.Time {
	at := r.Started.Add(time.Duration(max(0, r.ElapsedNS)))
	if at.Unix() < 0 {
		at = time.Unix(0, 0) // as in trial
	}
	return at
}

// partial adds whether the run was interrupted.
func (f families) partial(r *result.Result) {
	to := sampler{families: f, labels: []exposition.Label{label("scenario", scenarioName(r))}, at: end(r)}
	value := 0.0
	if r.Partial {
		value = 1
	}
	to.add("grpcbench_partial", value)
}

// gates adds each case of each gate, at the time the run ended.
func (f families) gates(r *result.Result) {
	for _, g := range gateRows(r) {
		to := sampler{families: f, at: end(r)}
		for _, l := range []exposition.Label{label("scenario", scenarioName(r)), label("gate", g.text), label("variant", g.variant), label("load", g.load)} {
			if l.Value != "" {
				to.labels = append(to.labels, l)
			}
		}
		to.add("grpcbench_gate", 1, label("outcome", string(g.outcome)))
		if g.unit != "" && !math.IsNaN(g.figure) {
			to.add("grpcbench_gate_figure", g.figure, label("unit", g.unit))
		}
	}
}

// labelsOf are the labels of a trial.
func labelsOf(r *result.Result, v *result.Variant, trial int, keys []string) []exposition.Label {
	labels := []exposition.Label{label("scenario", scenarioName(r)), label("variant", v.Name), label("trial", strconv.Itoa(trial))}
	for i, d := range r.Scenario.Dimensions {
		if value, set := v.Settings[d.Name]; set {
			labels = append(labels, label(keys[i], value))
		}
	}
	return labels
}

// label is one with its value clean.
func label(name, value string) exposition.Label {
	return exposition.Label{Name: name, Value: clean(value)}
}

// sampler adds samples with the same labels and times.
type sampler struct {
	families
	labels []exposition.Label
	start  time.Time
	at     time.Time
}

func (s *sampler) add(family string, value float64, more ...exposition.Label) {
	s.families[family] = append(s.families[family], exposition.Sample{Labels: s.with(more), Value: value, Start: s.start, At: s.at})
}

func (s *sampler) durations(family string, h *exposition.Histogram, more ...exposition.Label) {
	s.families[family] = append(s.families[family], exposition.Sample{Labels: s.with(more), Histogram: h, Start: s.start, At: s.at})
}

func (s *sampler) with(more []exposition.Label) []exposition.Label {
	return append(s.labels[:len(s.labels):len(s.labels)], more...)
}

func (f families) trial(r *result.Result, v *result.Variant, t *result.Trial, keys []string) error {
	to := sampler{families: f, labels: labelsOf(r, v, t.Index, keys), start: t.Started, at: t.Started.Add(time.Duration(t.MeasuredNS))}
	if to.at.Unix() < 0 {
		to.at = time.Unix(0, 0) // a damaged result's, or one of no trial
	}
	for i := range t.Series {
		s := &t.Series[i]
		load := label("load", s.Name)
		responses, err := s.Latency[result.Response].Histogram()
		if err != nil {
			return fmt.Errorf("%s, trial %d, %s: %w", clean(v.Name), t.Index, clean(s.Name), err)
		}
		to.durations("grpcbench_response_seconds", exposition.NewHistogram(responses), load)
		for _, q := range quantiles {
			if value := quantileMS(s, result.Response, q.q, q.of); !math.IsNaN(value) {
				to.add("grpcbench_response_quantile_seconds", value/1e3, load, label("q", strconv.FormatFloat(q.q, 'g', -1, 64)))
			}
		}
		if s.Planned > 0 {
			to.add("grpcbench_in_slo_ratio", s.InSLO, load)
		}
		codes := map[string]int64{"unfinished": s.Unfinished, "dropped": s.Dropped}
		for code, n := range s.Codes {
			codes[clean(code)] += n
		}
		for _, code := range sorted(codes) {
			to.add("grpcbench_calls", float64(codes[code]), load, label("code", code))
		}
		to.add("grpcbench_attempts", float64(s.Attempts), load)
		to.add("grpcbench_offered_rate", s.OfferedPerS, load)
		to.add("grpcbench_achieved_rate", s.AchievedPerS, load)
	}
	picks := map[string]int64{}
	for _, p := range t.Client.Picks {
		picks[clean(p.Backend)] += p.Picks
	}
	for _, backend := range sorted(picks) {
		to.add("grpcbench_picks", float64(picks[backend]), label("backend", backend))
	}
	valid := 1.0
	if result.Worst(t.Validity.Verdict, result.Suspect) == result.Invalid {
		valid = 0
	}
	to.add("grpcbench_trial_valid", valid)
	return nil
}

// running adds what is known of the trial under way, and of the run.
func (f families) running(r *result.Result, keys []string, now *Moment) {
	run := sampler{families: f, labels: []exposition.Label{label("scenario", scenarioName(r))}, at: now.At}
	ended := 0
	eachTrial(r, func(*result.Trial) { ended++ })
	run.add("grpcbench_trials", float64(ended), label("state", "ended"))
	run.add("grpcbench_trials", float64(max(now.Trials, ended)), label("state", "planned"))
	run.add("grpcbench_remaining_seconds", now.Remaining.Seconds())
	at := slices.IndexFunc(r.Variants, func(v result.Variant) bool { return v.Name == now.Variant })
	if at < 0 || now.Ended {
		return
	}
	v := &r.Variants[at]
	to := sampler{families: f, labels: labelsOf(r, v, len(v.Trials), keys), start: now.Began, at: now.At}
	to.add("grpcbench_trial_running", 1)
	for i := range now.Totals {
		s := &now.Totals[i]
		load := label("load", s.Name)
		switch responses := now.Responses[s.Name]; {
		case responses != nil:
			to.durations("grpcbench_response_seconds", exposition.NewHistogram(responses), load)
		case s.OK == 0:
			to.durations("grpcbench_response_seconds", exposition.NewHistogram(result.NewHistogram()), load)
		}
		done := s.OK + s.Failed + s.Dropped
		if done > 0 {
			to.add("grpcbench_in_slo_ratio", float64(s.InSLO)/float64(done), load)
		}
		codes := map[string]int64{"dropped": s.Dropped}
		for code, n := range s.Codes {
			codes[clean(code)] += n
		}
		for _, code := range sorted(codes) {
			to.add("grpcbench_calls", float64(codes[code]), load, label("code", code))
		}
		to.add("grpcbench_attempts", float64(s.Attempts), load)
		if measured := now.Measured.Seconds(); measured > 0 {
			to.add("grpcbench_offered_rate", float64(s.Planned)/measured, load)
			to.add("grpcbench_achieved_rate", float64(now.InTime[i])/measured, load)
		}
		to.add("grpcbench_in_flight", float64(s.InFlight), load)
	}
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
