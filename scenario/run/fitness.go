package run

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
	"github.com/grpcbench/grpcbench/scenario"
)

// The limits beyond which what went on around a measurement is material.
const (
	// maxGCShare of the generator's CPU time: its own collections then delay
	// about as many calls as a p99 tells apart.
	maxGCShare = 0.15
	// maxThrottled is the share of the measurement for which the control group
	// was held back: each time, every call waits for tens of milliseconds.
	maxThrottled = 0.005
	// maxSteal is the share of the host's CPU time that its hypervisor took.
	maxSteal = 0.05
	// Service takes at least what was asked for, and timers are late by a
	// little.
	minServiceRatio, maxServiceRatio = 0.95, 1.10
	fewestServices                   = 100
	// falseAlarms is the chance that a statistical check speaks up in any trial
	// of a run in which nothing is wrong.
	falseAlarms = 0.001
	// Arrivals that are so far from their process are material: the ratio of
	// the variance of their counts to what it should be, less 1, or the share
	// of calls that came in the wrong second.
	maxDispersion = 0.5
	maxMisplaced  = 0.02
	// fewestExpected is the calls that a stretch of time must expect for its
	// count to be compared.
	fewestExpected = 20
	fewestWindows  = 5
	// A trial drifts when the p50 of its seconds grows or shrinks by this share
	// of its median from the begin to the end.
	maxDrift       = 0.20
	fewestForDrift = 8
)

// alpha is the significance at which one trial is checked, such that a run of
// so many trials has falseAlarms in all.
func alpha(plan *scenario.Plan) float64 {
	return falseAlarms / float64(max(1, plan.MostTrials()*len(plan.Variants)))
}

// judgeUsage adds what the process and its host did to the measurement.
func judgeUsage(v *result.Validity, before, after Usage, measured time.Duration) {
	if cpu := after.CPU - before.CPU; cpu > 0 {
		if share := float64(after.GC-before.GC) / float64(cpu); share > maxGCShare {
			v.Add(result.Reason{
				Code: "gc_share", Verdict: result.Suspect, Figure: share, Limit: maxGCShare,
				Detail: fmt.Sprintf("garbage collection took %.0f %% of the load generator's CPU time: raise GOGC or GOMEMLIMIT", 100*share),
			})
		}
	}
	if measured > 0 {
		if share := float64(after.host.Throttled-before.host.Throttled) / float64(measured); share > maxThrottled {
			v.Add(result.Reason{
				Code: "cpu_throttled", Verdict: result.Suspect, Figure: share, Limit: maxThrottled,
				Detail: fmt.Sprintf("the control group's CPU quota held the load generator back for %v", (after.host.Throttled - before.host.Throttled).Round(time.Millisecond)),
			})
		}
	}
	if ticks := after.host.Ticks - before.host.Ticks; ticks > 0 && after.host.Ticks > before.host.Ticks {
		if share := float64(after.host.Stolen-before.host.Stolen) / float64(ticks); share > maxSteal {
			v.Add(result.Reason{
				Code: "cpu_steal", Verdict: result.Suspect, Figure: share, Limit: maxSteal,
				Detail: fmt.Sprintf("the hypervisor gave %.1f %% of the CPU time to other machines", 100*share),
			})
		}
	}
}

// stretching are the faults that change how long the fleet's work takes: while
// one lasts, what was asked for is no measure of it.
func stretching() []string { return []string{"freeze", "slow", "restart", "overload"} }

// judgeServiceTime compares the time that the fleet took with what it was asked
// to take. services is how many calls that is the sum of.
func judgeServiceTime(v *result.Validity, f *result.Fleet, services int64, fleet *scenario.Fleet) {
	if f == nil || f.ActualOverAsked == 0 || services < fewestServices {
		return
	}
	for _, rule := range fleet.Faults {
		if slices.Contains(stretching(), rule.Inject.Kind()) {
			return
		}
	}
	limit := maxServiceRatio
	if f.ActualOverAsked < minServiceRatio {
		limit = minServiceRatio
	} else if f.ActualOverAsked <= maxServiceRatio {
		return
	}
	v.Add(result.Reason{
		Code: "service_time", Verdict: result.Suspect, Figure: f.ActualOverAsked, Limit: limit,
		Detail: fmt.Sprintf("the fleet took %.2f times the service time that it was asked to take: it may be short of CPU", f.ActualOverAsked),
	})
}

// expected is what is known of an open loop's arrivals: their mean number in
// [from, to), and the variance of a count over its mean: 1 for a Poisson
// process, the size of groups that come at once, 0 for what keeps time.
type expected struct {
	mean       func(from, to float64) float64
	dispersion float64
}

// expectedOf is that of a load entry; ok is false where nothing is known: of a
// closed loop, replayed arrivals and sessions, whose calls go by the answers.
func expectedOf(l *scenario.Load) (e expected, ok bool) {
	if !l.Open() || l.Arrivals.Replay != nil || l.Sessions != nil {
		return e, false
	}
	profile := l.Shape.Profile()
	e.mean = func(from, to float64) float64 { return l.Rate * (to - from) }
	if profile != nil {
		e.mean = func(from, to float64) float64 { return l.Rate * (profile.Area(to) - profile.Area(from)) }
	}
	switch a := l.Arrivals; {
	case a.Poisson != nil:
		e.dispersion = 1
	case a.Bursts != nil:
		e.dispersion = float64(a.Bursts.Size)
	}
	if part := l.Part; part != nil {
		// Of a process with dispersion D a share p keeps 1 + p(D − 1).
		total := 0.0
		for _, w := range part.Weights {
			total += w
		}
		e.dispersion = 1 + part.Weights[part.Kind]/total*(e.dispersion-1)
	}
	return e, true
}

// judgeArrivals compares when the calls of an open loop left with the process
// that they were to follow, by their counts in stretches of whole seconds that
// each expect at least fewestExpected. Of a random process the dispersion test
// is made (Cox and Lewis 1966, 6.2): Σ(n−m)²/m over its own dispersion is χ²
// with as many degrees of freedom, which also tells a wrong rate. One that
// keeps time may be off by two calls at the edges of each.
func judgeArrivals(v *result.Validity, t *result.Trial, l *scenario.Load, alpha float64) {
	e, ok := expectedOf(l)
	if !ok {
		return
	}
	var counts, means []float64
	var count, from, made float64
	most := float64(mostCalls(l))
	for _, i := range t.Intervals {
		if i.Second < 0 || int64(i.Second+1)*int64(time.Second) > t.MeasuredNS {
			continue
		}
		for _, s := range i.Series {
			if s.Name == l.Name {
				// What was dropped was due, and could not leave.
				count += float64(s.Dispatched + s.Dropped)
				made += float64(s.Dispatched + s.Dropped)
			}
		}
		if most > 0 && made >= most {
			break // its data has come to an end, as planned
		}
		to := float64(i.Second + 1)
		if mean := e.mean(from, to); mean >= fewestExpected*max(1, e.dispersion) {
			counts, means = append(counts, count), append(means, mean)
			count, from = 0, to
		}
	}
	if len(counts) < fewestWindows {
		return
	}
	reason := result.Reason{Code: "arrivals", Verdict: result.Suspect}
	if e.dispersion > 0 {
		var chi float64
		for i, n := range counts {
			chi += (n - means[i]) * (n - means[i]) / (means[i] * e.dispersion)
		}
		df := float64(len(counts))
		above := stats.ChiSquareAbove(chi, df)
		if p := 2 * min(above, 1-above); p >= alpha || math.Abs(chi/df-1) <= maxDispersion {
			return
		}
		reason.Figure, reason.Limit = chi/df, 1+maxDispersion
		if chi < df {
			reason.Limit = 1 - maxDispersion
		}
		reason.Detail = fmt.Sprintf("%s: calls did not leave as %s arrivals do: their counts vary %.2f times as much", l.Name, l.Arrivals.Name(), chi/df)
	} else {
		var off, all float64
		for i, n := range counts {
			off += max(0, math.Abs(n-means[i])-2)
			all += means[i]
		}
		if off/all <= maxMisplaced {
			return
		}
		reason.Figure, reason.Limit = off/all, maxMisplaced
		reason.Detail = fmt.Sprintf("%s: %.1f %% of the calls left in another second than their %s arrivals say", l.Name, 100*off/all, l.Arrivals.Name())
	}
	v.Add(reason)
}

// drifting says whether the responses of some load entry grew or shrank over
// the whole measurement: the Mann–Kendall test on the p50 of its seconds, and a
// Theil–Sen slope that comes to a material change. Load that changes by plan
// says nothing, and so do sessions as long as they become more: a measurement
// begins with none.
func drifting(t *result.Trial, fleet *scenario.Fleet, loads []scenario.Load, alpha float64) bool {
	for i := range loads {
		l := &loads[i]
		if l.Shape.Profile() != nil || l.Arrivals.Replay != nil || l.Sessions != nil && l.Takes(fleet) > time.Duration(t.MeasuredNS)/4 {
			continue
		}
		var p50 []float64
		for _, interval := range t.Intervals {
			if interval.Second < 0 || int64(interval.Second+1)*int64(time.Second) > t.MeasuredNS {
				continue
			}
			for _, s := range interval.Series {
				if s.Name == l.Name && s.OK > 0 {
					p50 = append(p50, float64(s.P50NS))
				}
			}
		}
		if len(p50) < fewestForDrift {
			continue
		}
		slope, p := stats.DependentTrend(p50)
		if p < alpha && math.Abs(slope)*float64(len(p50)-1) > maxDrift*stats.Median(p50) {
			return true
		}
	}
	return false
}
