package stats

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
)

// wastedWork is what a fleet worked in each second of a measurement, in
// nanoseconds, for callers that were gone when it ended. Nil is that nobody knows.
type wastedWork map[int]int64

// wastedBy is the books of all backends together. Those of a result from before
// there were seconds in it say nothing, unless there was nothing to say.
func wastedBy(f *result.Fleet) wastedWork {
	if f == nil {
		return nil
	}
	all := wastedWork{}
	for i := range f.Backends {
		b := &f.Backends[i]
		if b.WastedNS > 0 && len(b.WastedSeconds) == 0 {
			return nil
		}
		for _, s := range b.WastedSeconds {
			all[s.Second] += s.NS
		}
	}
	return all
}

// between is the work that ended from one second to before another; NaN where
// nobody knows.
func (w wastedWork) between(from, to int) float64 {
	if w == nil {
		return math.NaN()
	}
	var sum int64
	for second, ns := range w {
		if second >= from && second < to {
			sum += ns
		}
	}
	return float64(sum)
}
