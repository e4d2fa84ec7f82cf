package stats

import (
	"math"
	"slices"
	"strconv"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Quantile names one of the quantiles that a Summary holds.
type Quantile float64

// The quantiles that reports show.
const (
	P50  Quantile = 0.5
	P90  Quantile = 0.9
	P99  Quantile = 0.99
	P999 Quantile = 0.999
)

// String is p50, p99.9.
func (q Quantile) String() string { return "p" + strconv.FormatFloat(float64(q)*100, 'f', -1, 64) }

// Of is the quantile as the summary holds it; nil for null.
func (q Quantile) Of(s result.Summary) *int64 {
	switch q {
	case P50:
		return s.P50NS
	case P90:
		return s.P90NS
	case P99:
		return s.P99NS
	case P999:
		return s.P999NS
	}
	return nil
}

// Sample is one load entry's series in one trial.
type Sample struct {
	Block   int
	Verdict result.Verdict
	State   result.State
	Trial   *result.Trial
	Series  *result.Series
}

// Samples collects a variant's trials of one load entry, in order. Trials
// that planned no call of it are left out; INVALID ones are kept. One that was cut
// short met only a part of what the others of its block did, a fault or not: it is
// left out, too, unless the variant has no other.
func Samples(v *result.Variant, load string) []Sample {
	return samples(v, func(s *result.Series) bool { return s.Name == load })
}

// WholeTrials is likewise the trials of a variant, whatever load they had, with the
// first series of each.
func WholeTrials(v *result.Variant) []Sample {
	return samples(v, func(*result.Series) bool { return true })
}

// samples is the trials with a series of them that is meant.
func samples(v *result.Variant, meant func(*result.Series) bool) []Sample {
	var whole, cut []Sample
	for i := range v.Trials {
		t := &v.Trials[i]
		at := slices.IndexFunc(t.Series, func(s result.Series) bool { return s.Planned > 0 && meant(&s) })
		if at < 0 {
			continue
		}
		s := Sample{Block: t.Block, Verdict: t.Validity.Verdict, State: t.State, Trial: t, Series: &t.Series[at]}
		if t.Partial {
			cut = append(cut, s)
		} else {
			whole = append(whole, s)
		}
	}
	if len(whole) == 0 {
		return cut
	}
	return whole
}

// Latency is a variant's quantile: the median of its trials' quantiles.
type Latency struct {
	// NS is nanoseconds; +Inf when the median trial's rank lands on a call
	// that failed; NaN when there are too few samples.
	NS float64
}

// Failed says that the rank lands on a call that failed.
func (l Latency) Failed() bool { return math.IsInf(l.NS, 1) }

// TooFew says that there were too few samples to show this quantile.
func (l Latency) TooFew() bool { return math.IsNaN(l.NS) }

// Known says that NS is a time.
func (l Latency) Known() bool { return !l.Failed() && !l.TooFew() }

// Response is the variant's quantile q of response. Each trial ranks every
// planned call, and a null one ranks as +Inf. A trial of fewer planned calls
// than MinSamples(q), cut short perhaps, has no say; where that is half of
// them or more, the quantile is n/a.
func Response(samples []Sample, q Quantile) Latency {
	return medianOf(perTrial(samples, q), len(samples))
}

// Message is the variant's quantile q of paced messages' responses, by the same
// rules, among those that were answered.
func Message(samples []Sample, q Quantile) Latency {
	var values []float64
	for _, s := range samples {
		if l := s.Series.Latency[result.MessageResponse]; l.Count >= MinSamples(float64(q)) {
			values = append(values, orInf(q.Of(l)))
		}
	}
	slices.Sort(values)
	return medianOf(values, len(samples))
}

// medianOf is the median of the ascending quantiles of the trials that have a say.
func medianOf(values []float64, trials int) Latency {
	if 2*len(values) <= trials {
		return Latency{NS: math.NaN()}
	}
	return Latency{NS: middle(values)}
}

// perTrial is the quantile of each trial that has a say, ascending.
func perTrial(samples []Sample, q Quantile) []float64 {
	var values []float64
	for _, s := range samples {
		if s.Series.Planned < MinSamples(float64(q)) {
			continue
		}
		values = append(values, orInf(q.Of(s.Series.Latency[result.Response])))
	}
	slices.Sort(values)
	return values
}

func orInf(ns *int64) float64 {
	if ns == nil {
		return math.Inf(1)
	}
	return float64(*ns)
}

// Figures are a variant's figures over its trials, quantiles aside. Rates,
// shares and ratios are means of the trials', MaxNS the largest.
type Figures struct {
	// Invalid and Saturated are how many of the trials are.
	Trials, Invalid, Saturated int
	// Unfinished and Dropped are calls of all trials together.
	Unfinished, Dropped int64
	// OfferedPerS and AchievedPerS are calls per second.
	OfferedPerS, AchievedPerS float64
	// InSLO and Failed are shares of planned calls.
	InSLO, Failed float64
	// AttemptsPerCall is attempts ÷ calls; 0 where no call was made.
	AttemptsPerCall float64
	MaxNS           int64
	// Failures is the share of planned calls by code, with "unfinished" and
	// "dropped" beside the codes; what never occurred is absent.
	Failures map[string]float64
}

// Aggregate computes the figures. There must be at least one sample.
func Aggregate(samples []Sample) Figures {
	f := Figures{Trials: len(samples), Failures: map[string]float64{}}
	n := float64(len(samples))
	for _, sample := range samples {
		s := sample.Series
		if sample.Verdict == result.Invalid {
			f.Invalid++
		}
		if sample.State == result.Saturated {
			f.Saturated++
		}
		f.Unfinished += s.Unfinished
		f.Dropped += s.Dropped
		planned := float64(s.Planned)
		f.OfferedPerS += s.OfferedPerS
		f.AchievedPerS += s.AchievedPerS
		f.InSLO += s.InSLO
		f.Failed += float64(s.Failed()) / planned
		if s.Calls > 0 {
			f.AttemptsPerCall += float64(s.Attempts) / float64(s.Calls)
		}
		if l := s.Latency[result.Response]; l.Count > 0 {
			f.MaxNS = max(f.MaxNS, l.MaxNS)
		}
		for code, count := range s.Codes {
			if code != "OK" && count > 0 {
				f.Failures[code] += float64(count) / planned
			}
		}
		if s.Unfinished > 0 {
			f.Failures["unfinished"] += float64(s.Unfinished) / planned
		}
		if s.Dropped > 0 {
			f.Failures["dropped"] += float64(s.Dropped) / planned
		}
	}
	for _, sum := range []*float64{&f.OfferedPerS, &f.AchievedPerS, &f.InSLO, &f.Failed, &f.AttemptsPerCall} {
		*sum /= n
	}
	for code := range f.Failures {
		f.Failures[code] /= n
	}
	return f
}
