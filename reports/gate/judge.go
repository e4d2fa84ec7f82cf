package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Stored finds the result that @name names.
type Stored func(name string) (*result.Result, error)

// Options say how results are judged.
type Options struct {
	// Stored is nil where no gate names a stored result.
	Stored Stored
	// Force compares with a stored result even where that compares apples with
	// oranges: see Differences.
	Force bool
}

// Judge judges the gates on a result, each of their cases on its own. Gates of an
// INVALID result are not judged. The error is that of a selector that names
// nothing, or of a stored result that cannot be had; it is a *GateError.
func Judge(r *result.Result, gates []Gate, o Options) ([]result.Gate, error) {
	subject := SubjectOf(r)
	out := make([]result.Gate, 0, len(gates))
	for _, g := range gates {
		picks, err := g.picks(subject)
		if err != nil {
			return nil, &GateError{Gate: g, Err: err}
		}
		j := judging{gate: g, result: r, subject: subject, picks: picks, force: o.Force}
		if g.Stored() {
			if j.stored, err = o.Stored(g.Bound.Reference); err != nil {
				return nil, &GateError{Gate: g, Err: err}
			}
		}
		out = append(out, j.judge())
	}
	return out, nil
}

// GateError is an error with the gate that it is about.
type GateError struct {
	Gate Gate
	Err  error
}

func (e *GateError) Error() string { return e.Gate.Text + ": " + e.Err.Error() }
func (e *GateError) Unwrap() error { return e.Err }

// Stored says whether the gate compares with a stored result.
func (g Gate) Stored() bool { return g.Bound.Reference != "" && g.Bound.Reference != BaselineReference }

// scale is how the figure is compared with the reference's: a percentage of it is
// a ratio, a delta in units is a difference, and so are shares. Without a delta it is
// a ratio, but for recovery, which may take no time at all.
func (g Gate) scale() stats.Scale {
	if g.Bound.Relative || g.Bound.Value == 0 && g.Metric.Unit() != Share && g.Metric.Kind != Recovery {
		return stats.Ratio
	}
	return stats.Points
}

// limit is the condition on the figure, or on how it differs.
func (g Gate) limit() stats.Limit {
	l := stats.Limit{Above: g.Op.Above(), Inclusive: g.Op.Inclusive(), Value: g.Bound.Value}
	if g.Bound.Reference != "" && g.scale() == stats.Ratio {
		l.Value++
	}
	return l
}

// judging is one gate being judged.
type judging struct {
	gate    Gate
	result  *result.Result
	subject Subject
	picks   []pick
	stored  *result.Result
	force   bool
}

func (j judging) judge() result.Gate {
	g := j.gate
	out := result.Gate{
		Text: g.Text, Outcome: result.GatePassed, Metric: g.Metric.String(), Unit: g.Metric.Unit().String(), Op: string(g.Op),
		Reference: g.Bound.Reference, Limit: g.limit().Value, Cases: []result.GateCase{},
	}
	if g.Bound.Reference != "" {
		out.Compared, out.Comparisons = result.GateDifference, len(j.picks)
		if g.scale() == stats.Ratio {
			out.Compared = result.GateRatio
		}
	}
	if result.Worst(j.result.Validity.Verdict, result.Suspect) == result.Invalid {
		out.Outcome, out.Reason = result.GateNotJudged, "the measurement is INVALID"
		return out
	}
	if j.stored != nil {
		if reason := j.incomparable(); reason != "" {
			out.Outcome, out.Reason = result.GateInconclusive, reason
			return out
		}
	}
	for _, p := range j.picks {
		c := j.one(p)
		out.Cases = append(out.Cases, c)
		out.Outcome = worse(out.Outcome, c.Outcome)
	}
	return out
}

// String is the unit as results write it.
func (u Unit) String() string {
	switch u {
	case Duration:
		return "ns"
	case Share:
		return "share"
	case PerSecond:
		return "per_s"
	}
	return "number"
}

// worse is the outcome that decides.
func worse(a, b result.GateOutcome) result.GateOutcome {
	for _, o := range []result.GateOutcome{result.GateFailed, result.GateNotJudged, result.GateInconclusive} {
		if a == o || b == o {
			return o
		}
	}
	return result.GatePassed
}

// Worst is the outcome of all of the gates together; GatePassed of none.
func Worst(gates []result.Gate) result.GateOutcome {
	all := result.GatePassed
	for _, g := range gates {
		all = worse(all, g.Outcome)
	}
	return all
}

// one judges one case.
func (j judging) one(p pick) result.GateCase {
	v := &j.result.Variants[p.variant]
	c := result.GateCase{Variant: v.Name, Load: p.load, Outcome: result.GateInconclusive}
	mine := readAll(j.gate, v, p.load)
	if reason := mine.unfit(j.gate); reason != "" {
		c.Reason = reason
		return c
	}
	c.Trials = len(mine.values)
	switch {
	case j.gate.Bound.Reference == "":
		j.alone(&c, mine)
	case j.stored != nil:
		j.elsewhere(&c, p, mine)
	default:
		j.paired(&c, p, mine)
	}
	return c
}

// readings is what the trials of a variant have read.
type readings struct {
	samples []stats.Sample // those that have a say
	values  []reading
	few     int
	unknown string
	// idle is that there are trials, and no call was due in any.
	idle bool
}

func readAll(g Gate, v *result.Variant, load string) readings {
	all := readings{idle: len(v.Trials) > 0}
	rd := newReader(g, v)
	for _, s := range samples(v, load) {
		switch one := rd.read(s); {
		case one.unknown != "":
			all.unknown = one.unknown
		case one.few:
			all.few++
		default:
			all.samples, all.values = append(all.samples, s), append(all.values, one)
		}
	}
	return all
}

// unfit says why nothing can be said of the figure. As in tables, trials with too
// few samples have no say, and where that is half of them or more nobody has.
func (r readings) unfit(g Gate) string {
	switch {
	case r.unknown != "":
		return r.unknown
	case len(r.values)+r.few == 0 && r.idle:
		return "no call of it was due in any trial"
	case len(r.values)+r.few == 0:
		return "no trial of it was measured"
	case len(r.values) <= r.few && g.Metric.Kind == Quantile:
		return fmt.Sprintf("too few samples in %d of %d trials: %s needs %d in each", r.few, len(r.values)+r.few, g.Metric, stats.MinSamples(g.Metric.Quantile))
	}
	return ""
}

// lows, highs and failed are the bounds of the readings, and how many of them
// land on failed calls.
func (r readings) lows() (out []float64) {
	for _, v := range r.values {
		out = append(out, v.low)
	}
	return out
}

func (r readings) highs() (out []float64) {
	for _, v := range r.values {
		out = append(out, v.high)
	}
	return out
}

func (r readings) failed() (n int) {
	for _, v := range r.values {
		if math.IsInf(v.high, 1) {
			n++
		}
	}
	return n
}

// open is that calls which ended later could change some of the readings.
func (r readings) open() bool {
	return slices.ContainsFunc(r.values, func(v reading) bool { return v.open })
}

// alone judges the figure against a fixed limit. What is counted is known, or known
// within bounds: the mean over the trials is judged as it was observed. A latency
// varies from trial to trial: the exact interval of the signed rank, on
// logarithms, is judged, or the median of so few trials that they give none.
func (j judging) alone(c *result.GateCase, r readings) {
	limit := j.gate.limit()
	if !j.gate.varies() {
		i := stats.Interval{Low: settled(stats.Mean(r.lows()), meanDigits), High: settled(stats.Mean(r.highs()), meanDigits)}
		setFigure(c, i.High)
		if c.Outcome = outcome(limit.Judge(i)); r.open() {
			setInterval(c, i)
			c.Reason = endedLater
		}
		return
	}
	low, high := stats.Median(r.lows()), stats.Median(r.highs())
	if !r.open() || !math.IsInf(high, 1) {
		setFigure(c, high) // that it lands on failed calls is not known of an open one
	}
	i := stats.Interval{Low: low, High: high}
	switch {
	case stats.SignedRankC(len(r.values), stats.Level) > 0:
		_, lows := stats.SignedRank(logs(r.lows()), stats.Level)
		_, highs := stats.SignedRank(logs(r.highs()), stats.Level)
		i = stats.Interval{Low: unlog(lows.Low), High: unlog(highs.High)}
		setInterval(c, i)
	default:
		if low != high {
			setInterval(c, i)
		}
		c.Reason = fmt.Sprintf("the median of %s was judged: %d give an interval", trials(len(r.values)), stats.TrialsNeeded(1))
	}
	if r.open() {
		c.Reason = endedLater
	}
	c.Outcome = outcome(limit.Judge(i))
}

// endedLater is why figures during a fault are known within bounds only.
const endedLater = "calls due in these seconds ended after them, and may be among those that failed later"

const (
	// meanDigits and differenceDigits are the significant digits of means and of how
	// figures differ. What subtracting leaves has fewer that mean anything; a call of
	// a thousand million is seen yet.
	meanDigits       = 12
	differenceDigits = 9
)

// settled is v without the noise of its arithmetic, in so many significant digits:
// the mean of 98 % six times is 98 % and no hair more, which a gate at 98 % would
// see.
func settled(v float64, digits int) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64) // cannot fail
	return v
}

// varies is whether the figure is one whose interval is judged.
func (g Gate) varies() bool {
	switch g.Metric.Kind {
	case Quantile, Max, Mean, Recovery:
		return true
	}
	return false
}

// logs is logarithms of nanoseconds. What takes none at all, as a recovery may,
// counts as one: that has a logarithm.
func logs(ns []float64) []float64 {
	out := make([]float64, len(ns))
	for i, v := range ns {
		out[i] = math.Log(max(1, v))
	}
	return out
}

// unlog is the inverse, in whole nanoseconds.
func unlog(v float64) float64 {
	if v == 0 {
		return 0
	}
	return math.Round(math.Exp(v))
}

func trials(n int) string {
	if n == 1 {
		return "1 trial"
	}
	return fmt.Sprintf("%d trials", n)
}

func outcome(v stats.Verdict) result.GateOutcome {
	switch v {
	case stats.Pass:
		return result.GatePassed
	case stats.Fail:
		return result.GateFailed
	}
	return result.GateInconclusive
}

// setFigure stores what was seen. JSON has no infinity.
func setFigure(c *result.GateCase, v float64) {
	c.Figure, c.OnFailed = finite(v), math.IsInf(v, 1)
}

func setInterval(c *result.GateCase, i stats.Interval) {
	c.Low, c.High = finite(i.Low), finite(i.High)
}

func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}
