package gate

import (
	"fmt"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// reading is one trial's figure: at least low and at most high, which differ
// where only a coarse histogram is left. +Inf is a quantile that lands on a call
// that failed, and a recovery that did not come.
type reading struct {
	low, high float64
	// few is that too few calls were made for the figure: the trial has no say.
	few bool
	// open is that calls which ended after the seconds that the figure is of may
	// be why low and high differ.
	open bool
	// unknown says why there is no figure at all.
	unknown string
}

func exactly(v float64) reading                { return reading{low: v, high: v} }
func notKnown(format string, a ...any) reading { return reading{unknown: fmt.Sprintf(format, a...)} }

// reader reads the figures of one variant's trials.
type reader struct {
	gate   Gate
	all    []result.FaultWindow // the variant's
	faults []result.FaultWindow // those that during names
}

func newReader(g Gate, v *result.Variant) reader {
	rd := reader{gate: g, all: v.Faults}
	for _, f := range v.Faults {
		if g.Select.During != "" && f.Name == g.Select.During {
			rd.faults = append(rd.faults, f)
		}
	}
	return rd
}

// samples is the trials that a case is about. A figure of the whole trial has
// those of any load entry, with the first one's series.
func samples(v *result.Variant, load string) []stats.Sample {
	if load != "" {
		return stats.Samples(v, load)
	}
	return stats.WholeTrials(v)
}

// read reads the gate's figure off a trial.
func (rd reader) read(s stats.Sample) reading {
	if rd.gate.Select.During != "" {
		return rd.during(s)
	}
	series, m := s.Series, rd.gate.Metric
	switch m.Kind {
	case Quantile:
		return quantileOf(series, m)
	case Max, Mean:
		summary := series.Latency[m.Measure]
		switch {
		case summary.Count == 0 && m.Measure == result.Response:
			return exactly(math.Inf(1)) // every call failed, and ranks slower than any success
		case summary.Count == 0:
			return notKnown("a trial has no values of %s", m.Measure)
		}
		if m.Kind == Max {
			return exactly(float64(summary.MaxNS))
		}
		return exactly(float64(summary.MeanNS))
	case InSLO:
		return exactly(series.InSLO)
	case Errors:
		return exactly(errorsOf(series, rd.gate.Select.Code) / float64(series.Planned))
	case Goodput:
		return exactly(series.GoodputPerS)
	case Rate:
		return exactly(series.AchievedPerS)
	case Attempts:
		if series.Calls == 0 {
			return notKnown("no call was made in a trial")
		}
		return exactly(float64(series.Attempts) / float64(series.Calls))
	case Recovery:
		switch {
		case s.Trial.RecoveryNS != nil:
			return exactly(float64(*s.Trial.RecoveryNS))
		case s.Trial.State == result.NotRecovered, s.Trial.State == result.Metastable:
			if phases := stats.Phases(s.Trial, "", rd.all...); len(phases) > 0 {
				return rd.notRecovered(phases[len(phases)-1])
			}
			return exactly(math.Inf(1))
		}
		return notKnown("no fault ended early enough in a trial to see a recovery")
	case Imbalance:
		return positive(s.Trial.Client.Imbalance, "how backends were picked was not counted in a trial")
	case CPUPerCall:
		var calls int64
		for i := range s.Trial.Series {
			calls += s.Trial.Series[i].Calls
		}
		if calls == 0 {
			return notKnown("no call was made in a trial")
		}
		return positive(float64(s.Trial.Client.CPUNS)/float64(calls), "CPU time was not measured in a trial")
	case AllocsPerCall:
		return positive(s.Trial.Client.AllocsPerCall, "allocations were not counted in a trial")
	}
	return notKnown("%s is not read", m)
}

// positive is a figure that is 0 where it was not measured.
func positive(v float64, otherwise string) reading {
	if v <= 0 {
		return notKnown("%s", otherwise)
	}
	return exactly(v)
}

// What a call can come to beside a code of gRPC.
const (
	codeUnfinished = "unfinished"
	codeDropped    = "dropped"
)

// errorsOf is the calls that did not end OK: all, or those of a code, of
// unfinished or of dropped.
func errorsOf(s *result.Series, code string) float64 {
	switch code {
	case "":
		return float64(s.Failed())
	case codeUnfinished:
		return float64(s.Unfinished)
	case codeDropped:
		return float64(s.Dropped)
	}
	return float64(s.Codes[code])
}

// quantileOf ranks every planned call for response, and the recorded values for
// other measures.
func quantileOf(s *result.Series, m Metric) reading {
	summary := s.Latency[m.Measure]
	ranked := summary.Count
	if m.Measure == result.Response {
		ranked = s.Planned
	}
	switch {
	case m.Measure == result.Response && ranked > 0 && summary.Count == 0:
		return exactly(math.Inf(1)) // however few calls there were
	case ranked < stats.MinSamples(m.Quantile):
		return reading{few: true}
	}
	stored := map[float64]*int64{0.5: summary.P50NS, 0.9: summary.P90NS, 0.95: summary.P95NS, 0.99: summary.P99NS, 0.999: summary.P999NS}
	at, ok := stored[m.Quantile]
	if !ok {
		h, err := summary.Histogram()
		if err != nil {
			return notKnown("a trial's histogram cannot be read: %v", err)
		}
		at = h.Quantiles(ranked, m.Quantile)[0]
	}
	if at == nil {
		return exactly(math.Inf(1))
	}
	return exactly(float64(*at))
}

// seconds is the sums over some seconds of a trial.
type seconds struct {
	n                                                  int
	planned, good, ok, failed, dropped, attempts, code int64
	// later is the calls that failed, with the gate's code if it has one, after the
	// first of these seconds and in none of them.
	later      int64
	spread     map[int]int64 // by class
	spreadless bool
}

// during reads the figure off the one-second intervals of the fault's windows.
// Seconds that a window's edge cuts are taken whole.
func (rd reader) during(s stats.Sample) reading {
	if rd.gate.Metric.Kind == Recovery {
		return rd.recovery(s)
	}
	sum := rd.sum(s)
	if sum.n == 0 || sum.planned == 0 {
		return notKnown("no whole second of a trial has both calls and %s", rd.gate.Select.During)
	}
	if rd.gate.Metric.Kind == Errors {
		return sum.errors(rd.gate.Select.Code)
	}
	return sum.figure(rd.gate, sum.planned)
}

// ended is the calls that ended in these seconds, or were dropped.
func (sum seconds) ended() int64 { return sum.ok + sum.failed + sum.dropped }

// open is the calls that were due in these seconds and did not end in them, as those
// do that a fault lets hang.
func (sum seconds) open() int64 { return max(0, sum.planned-sum.ended()) }

// lost is the most of these that may have failed: as many as did later.
func (sum seconds) lost() int64 { return min(sum.open(), sum.later) }

// errors is the share of the calls of these seconds that did not end OK: at least
// those that are known, and at most those that may have been lost as well.
func (sum seconds) errors(code string) reading {
	if code == codeDropped {
		return exactly(float64(sum.dropped) / float64(sum.planned)) // when they were due
	}
	failed, calls := sum.errorsOf(code), float64(sum.ended()+sum.open())
	return reading{low: float64(failed) / calls, high: float64(failed+sum.lost()) / calls, open: sum.lost() > 0}
}

// errorsOf is the calls of these seconds that are known not to have ended OK: all,
// those that were dropped, or those of the code that was added up.
func (sum seconds) errorsOf(code string) int64 {
	switch code {
	case "":
		return sum.failed + sum.dropped
	case codeDropped:
		return sum.dropped
	}
	return sum.code
}

// figure reads the gate's figure off these seconds; shares are of so many calls.
func (sum seconds) figure(g Gate, calls int64) reading {
	share := func(n int64) reading { return exactly(min(1, float64(n)/float64(calls))) }
	switch g.Metric.Kind {
	case Quantile:
		return sum.quantile(g.Metric.Quantile)
	case InSLO:
		return share(sum.good)
	case Errors:
		return share(sum.errorsOf(g.Select.Code))
	case Goodput:
		return exactly(float64(sum.good) / float64(sum.n))
	case Rate:
		return exactly(float64(sum.ok) / float64(sum.n))
	case Attempts:
		if sum.ok+sum.failed == 0 {
			return notKnown("no call ended in these seconds of a trial")
		}
		return exactly(float64(sum.attempts) / float64(sum.ok+sum.failed))
	}
	return notKnown("%s is not known second by second", g.Metric)
}

func (rd reader) sum(s stats.Sample) seconds {
	sum := newSeconds()
	measured := time.Duration(s.Trial.MeasuredNS)
	in := map[int]bool{}
	for _, f := range rd.faults {
		for _, w := range stats.Windows(f, measured) {
			for second := int(w.From / time.Second); second < max(int(w.From/time.Second)+1, int((w.To+time.Second-1)/time.Second)); second++ {
				in[second] = time.Duration(second+1)*time.Second <= measured
			}
		}
	}
	code, before := rd.gate.Select.Code, int64(0)
	for i := range s.Trial.Intervals {
		switch interval := &s.Trial.Intervals[i]; {
		case in[interval.Second]:
			sum.add(interval, s.Series.Name, code)
		case interval.Second >= 0 && sum.n == 0:
			before += failedIn(interval, s.Series.Name, code)
		}
	}
	all, within := s.Series.Failed()-s.Series.Dropped, sum.failed
	if code != "" {
		all, within = s.Series.Codes[code], sum.code
	}
	sum.later = max(0, all-before-within)
	return sum
}

// failedIn is the calls of a load entry that failed in a second, with a code if
// one is given. What was dropped never began.
func failedIn(interval *result.Interval, load, code string) (n int64) {
	for i := range interval.Series {
		switch one := &interval.Series[i]; {
		case one.Name != load:
		case code == "":
			n += one.Failed
		default:
			n += one.Codes[code]
		}
	}
	return n
}

func newSeconds() seconds { return seconds{spread: map[int]int64{}} }

// add takes in a load entry's second.
func (sum *seconds) add(interval *result.Interval, load, code string) {
	sum.n++
	for i := range interval.Series {
		one := &interval.Series[i]
		if one.Name != load {
			continue
		}
		sum.planned += one.Planned
		sum.good += one.InSLO
		sum.ok += one.OK
		sum.failed += one.Failed
		sum.dropped += one.Dropped
		sum.attempts += one.Attempts
		sum.code += one.Codes[code]
		if one.Spread == nil {
			sum.spreadless = sum.spreadless || one.OK > 0
			continue
		}
		for j, n := range one.Spread.Counts {
			sum.spread[one.Spread.First+j] += n
		}
	}
}

// quantile is the class of the spread in which the rank lies, among the calls
// that ended or were dropped in these seconds, failed ones last; at most it is that
// among those and the ones that may have been lost.
func (sum seconds) quantile(q float64) reading {
	ended, lost := sum.ended(), sum.lost()
	switch {
	case sum.spreadless:
		return notKnown("a trial does not have its seconds' spread")
	case ended+lost < stats.MinSamples(q):
		return reading{few: true}
	}
	low, high := sum.class(q, ended)
	if lost == 0 {
		return reading{low: low, high: high}
	}
	if ended == 0 {
		low = 0 // not even one is known
	}
	_, high = sum.class(q, ended+lost)
	return reading{low: low, high: high, open: true}
}

// class is the edges of the class in which a quantile of so many calls lies, in
// nanoseconds; +Inf where it lies beyond all that ended OK.
func (sum seconds) class(q float64, calls int64) (low, high float64) {
	rank := max(1, int64(math.Ceil(q*float64(calls)-1e-9)))
	last := 0
	for class := range sum.spread {
		last = max(last, class)
	}
	var below int64
	for class := 0; class <= last; class++ {
		if below += sum.spread[class]; below >= rank {
			if class > 0 {
				low = float64(result.SpreadNS(class - 1))
			}
			return low, float64(result.SpreadNS(class))
		}
	}
	return math.Inf(1), math.Inf(1)
}
