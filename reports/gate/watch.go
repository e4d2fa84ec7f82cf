package gate

import (
	"fmt"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// watchFrom is how many whole seconds a trial must have been measured before
// anything is told of it.
const watchFrom = 3

// Watchable says why a condition cannot be judged second by second, as those that
// stop a run early are; nil where it can. The error is an *Error.
func (g Gate) Watchable() error {
	switch g.Metric.Kind {
	case Quantile, InSLO, Errors, Goodput, Rate, Attempts:
	default:
		return &Error{Message: fmt.Sprintf("%s is not known second by second: quantiles of response, in_slo, errors, goodput, rate and attempts are", g.Metric)}
	}
	switch {
	case g.Metric.Kind == Quantile && g.Metric.Measure != result.Response:
		return &Error{Message: fmt.Sprintf("%s is not known second by second: quantiles of response are", g.Metric)}
	case g.Bound.Reference != "":
		return &Error{Message: "must be against a value: a run that is under way has nothing to compare with"}
	case g.Select.Code == codeUnfinished:
		return &Error{Message: "code=unfinished is known at a trial's end only: a code of gRPC and dropped are known before"}
	case g.Select.During != "":
		return &Error{Message: "takes no during: it is about the trial so far"}
	}
	return nil
}

// Watcher follows one trial and says when a condition holds for what was measured
// so far.
type Watcher struct{ watches []watch }

type watch struct {
	gate Gate
	load string
	sum  seconds
}

// NewWatcher watches a trial of the variant with that number. The conditions must
// be Watchable and have passed Check.
func NewWatcher(conditions []Gate, s Subject, variant int) *Watcher {
	w := &Watcher{}
	for _, g := range conditions {
		picks, err := g.picks(s)
		if err != nil {
			continue // of another plan: nothing of this one is selected
		}
		for _, p := range picks {
			if p.variant == variant {
				w.watches = append(w.watches, watch{gate: g, load: p.load, sum: newSeconds()})
			}
		}
	}
	return w
}

// Add takes in a second of the trial. What it returns is not empty when a
// condition holds, and says which and of what.
func (w *Watcher) Add(i result.Interval) string {
	if i.Second < 0 {
		return ""
	}
	for k := range w.watches {
		one := &w.watches[k]
		one.sum.add(&i, one.load, one.gate.Select.Code)
		if one.sum.n >= watchFrom && one.holds() {
			return fmt.Sprintf("%s holds for %s after %d s", one.gate, one.load, one.sum.n)
		}
	}
	return ""
}

// holds says whether the condition holds for the calls that have ended so far. Of
// a quantile all of the class in which it lies must meet it.
func (w *watch) holds() bool {
	ended := w.sum.ended()
	if ended == 0 {
		return false
	}
	r := w.sum.figure(w.gate, ended)
	if r.few || r.unknown != "" {
		return false
	}
	return w.gate.limit().Judge(stats.Interval{Low: r.low, High: r.high}) == stats.Pass
}
