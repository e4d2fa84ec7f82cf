package gate

import (
	"math"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// recovery is the longest after any window of the fault, by the phases that tables
// show: what other faults did that can touch these calls is neither the fault's own
// harm nor what was usual before it.
func (rd reader) recovery(s stats.Sample) reading {
	var faults []result.FaultWindow
	for _, f := range rd.all {
		if f.Touches(s.Series.Method) || f.Name == rd.gate.Select.During {
			faults = append(faults, f)
		}
	}
	longest, judged := 0.0, false
	for _, p := range stats.Phases(s.Trial, s.Series.Name, faults...) {
		switch {
		case !p.Window.Names(rd.gate.Select.During):
		case p.Recovered:
			longest, judged = max(longest, float64(p.Recovery)), true
		case p.Judged:
			return rd.notRecovered(p)
		}
	}
	if !judged {
		return notKnown("%s does not end early enough before the next fault, or the end of a trial, to see a recovery", rd.gate.Select.During)
	}
	return exactly(longest)
}

// notRecovered is the reading of a recovery that did not come: beyond any limit, but
// where goodput was back before the limit, and nobody saw whether for good.
func (rd reader) notRecovered(p stats.Phase) reading {
	if p.Back && (rd.gate.Bound.Reference != "" || float64(p.BackAt) < rd.gate.Bound.Value) {
		return notKnown("goodput was back at the end of a trial, for less than the %v that make a recovery: measure for longer", stats.RecoveryWindow)
	}
	return exactly(math.Inf(1))
}
