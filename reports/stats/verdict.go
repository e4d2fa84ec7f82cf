package stats

// Verdict says whether a condition holds, as far as what was measured can
// tell.
type Verdict int

// The three verdicts. Inconclusive is the zero value: nothing was shown.
const (
	// Inconclusive: the interval lies on both sides of the limit.
	Inconclusive Verdict = iota
	// Pass: the whole interval meets the condition.
	Pass
	// Fail: no part of the interval meets it.
	Fail
)

// String is how a verdict is shown: passed, failed, inconclusive.
func (v Verdict) String() string {
	switch v {
	case Pass:
		return "passed"
	case Fail:
		return "failed"
	}
	return "inconclusive"
}

// Limit is a condition on a figure: below a value or above it. Inclusive takes
// the value itself in.
type Limit struct {
	Above     bool
	Value     float64
	Inclusive bool
}

// Meets says whether one value meets the condition.
func (l Limit) Meets(v float64) bool {
	switch {
	case l.Inclusive && v == l.Value:
		return true
	case l.Above:
		return v > l.Value
	}
	return v < l.Value
}

// Judge judges a figure of which only an interval is known. A bound at
// infinity (too few samples, or a failed call) is judged like any other value.
func (l Limit) Judge(i Interval) Verdict {
	low, high := l.Meets(i.Low), l.Meets(i.High)
	switch {
	case low && high:
		return Pass
	case !low && !high:
		return Fail
	}
	return Inconclusive
}

// Observed judges a figure that is known, such as a count.
func (l Limit) Observed(v float64) Verdict { return l.Judge(Interval{Low: v, High: v}) }
