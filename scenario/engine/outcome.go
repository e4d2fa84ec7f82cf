package engine

import (
	"fmt"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// interval is a second that collect has returned, as the last of total.
func (r *recorder) interval(s *second) result.Interval {
	interval := result.Interval{Series: make([]result.IntervalSeries, len(r.entries))}
	for i := range r.entries {
		e, total := &s.entries[i], &r.total.entries[i]
		series := result.IntervalSeries{
			Name: r.entries[i].Name, Planned: e.arrivals, Dropped: e.dropped, Dispatched: e.started,
			OK: e.codes.ok(), InSLO: e.withinSLO, Failed: e.codes.sum() - e.codes.ok(),
			Codes: e.codes.byName(), Attempts: e.picks,
			// Started and ended by then, not now: the same in every run of a
			// virtual clock.
			InFlight: total.started - total.codes.sum(),
		}
		if e.codes.ok() > 0 {
			q := e.response.Quantiles(e.codes.ok(), 0.5, 0.99)
			series.P50NS, series.P99NS = *q[0], *q[1]
			series.Spread = e.response.Spread()
			series.Responses = e.response
		}
		interval.Series[i] = series
	}
	return interval
}

// outcome sums up a measurement whose books are settled.
func (t *trial) outcome(p *phase) (*Outcome, error) {
	o := &Outcome{
		T0: p.start, Measured: p.measured, Partial: p.interrupted, SentShare: 1,
		Intervals: t.seconds.list(), Exemplars: t.recorder.exemplars.list(p.start),
	}
	lag := result.NewHistogram()
	for i := range t.plan.Entries {
		series, err := t.series(p, i)
		if err != nil {
			return nil, fmt.Errorf("load entry %s: %w", series.Name, err)
		}
		o.Series = append(o.Series, series)
		if series.Loop == result.Open && series.Planned > 0 {
			sent := series.Planned - series.Dropped - p.undispatched[i]
			o.SentShare = min(o.SentShare, float64(sent)/float64(series.Planned))
		}
		t.recorder.kept(lag, i, keptLag)
	}
	if q := lag.Quantiles(lag.Count(), 0.99)[0]; q != nil {
		o.LagP99 = time.Duration(*q)
	}
	return o, nil
}

// series sums up one entry. Its books hold by construction: every arrival was
// started, dropped or never dispatched, and what was started and has no code
// is unfinished.
func (t *trial) series(p *phase, entry int) (result.Series, error) {
	e, total, failures := &t.plan.Entries[entry], &t.recorder.total.entries[entry], &t.recorder.failures[entry]
	calls := total.started + p.undispatched[entry]
	s := result.Series{
		Name: e.Name, Method: e.Method, Kind: e.Kind, Loop: result.Closed,
		Planned: calls + total.dropped, Dropped: total.dropped,
		Calls: calls, Unfinished: calls - total.codes.sum(), Attempts: total.picks,
		Held: total.held, HeldNS: int64(total.heldFor),
		Codes: total.codes.byName(), Origins: failures.byOrigin(), Errors: failures.list(),
		Latency: make(map[result.Measure]result.Summary),
	}
	seconds := p.measured.Seconds()
	s.OfferedPerS = float64(s.Calls) / seconds
	if e.open() {
		s.Loop = result.Open
		s.OfferedPerS = float64(s.Planned) / seconds
	}
	// What ends in the drain is no throughput that was kept up.
	s.AchievedPerS = float64(total.inTime) / seconds
	s.GoodputPerS = float64(total.withinSLO) / seconds
	if s.Planned > 0 {
		s.InSLO = float64(total.withinSLO) / float64(s.Planned)
	}

	response := total.response
	if response == nil || total.codes.ok() == 0 {
		response = result.NewHistogram()
	}
	summary, err := response.Summarize(s.Planned)
	if err != nil {
		return s, err
	}
	s.Latency[result.Response] = summary
	h := result.NewHistogram()
	for i, measure := range keptMeasures {
		h.Reset()
		t.recorder.kept(h, entry, i)
		if summary, err = h.Summarize(h.Count()); err != nil {
			return s, err
		}
		s.Latency[measure] = summary
	}
	return s, nil
}
