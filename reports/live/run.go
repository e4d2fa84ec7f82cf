// Package live serves a run while it is under way: a page that draws itself
// anew each second, and metrics. It knows of the run only what is told to Run.
//
// It must not disturb what is measured. To be told costs a few microseconds a
// second; rendering happens only while somebody watches, at most once a second
// and within a share of the time; and nobody who reads slowly is waited for.
package live

import (
	"maps"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/result"
)

// Step is a second of a trial, or the begin of one of its phases.
type Step struct {
	Variant            string
	Block, Blocks      int // from 1
	Trial, Trials      int // from 1, over the whole run
	Phase              string
	Measuring          bool      // or its drain
	T0                 time.Time // of the measurement; zero before
	Elapsed, Remaining time.Duration
	Interval           *result.Interval // nil at the begin of a phase
}

// Run is what is known of a run so far. Its methods may be called from any
// goroutine; the ones that tell it something return at once.
type Run struct {
	mu      sync.Mutex
	stamp   stamp
	result  *result.Result
	moment  reports.Moment
	changed chan struct{} // closed at the next change
}

// stamp counts the changes of what is known: of the finished trials, and of
// anything.
type stamp struct{ trials, all int }

// NewRun is a run of which nothing is known yet.
func NewRun() *Run { return &Run{changed: make(chan struct{})} }

func (r *Run) change(trials bool) {
	r.stamp.all++
	if trials {
		r.stamp.trials++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// Start tells what is going to be measured: a result without trials.
func (r *Run) Start(res *result.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result = res.Snapshot()
	r.result.Partial = true
	r.change(true)
}

// Step tells of a second, or of a phase's begin. It keeps the interval, but not
// the Responses in it.
func (r *Run) Step(s Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.moment
	if s.Trial != m.Trial {
		*m = reports.Moment{Responses: map[string]*result.Histogram{}}
	}
	m.Variant, m.Block, m.Blocks, m.Trial, m.Trials = s.Variant, s.Block, s.Blocks, s.Trial, s.Trials
	m.At = time.Now()
	switch {
	case !s.T0.IsZero():
		m.Began = s.T0
	case s.Measuring && m.Began.IsZero():
		m.Began = m.At // another build does not say
	}
	m.Phase, m.Measuring, m.Elapsed, m.Remaining = s.Phase, s.Measuring, s.Elapsed, s.Remaining
	if s.Interval != nil {
		r.second(s.Interval)
	}
	r.change(false)
}

func (r *Run) second(in *result.Interval) {
	m := &r.moment
	kept := *in
	kept.Series = append([]result.IntervalSeries(nil), in.Series...)
	for i := range kept.Series {
		s := &kept.Series[i]
		if s.Responses != nil && in.Second >= 0 {
			h := m.Responses[s.Name]
			if h == nil {
				h = result.NewHistogram()
				m.Responses[s.Name] = h
			}
			h.Merge(s.Responses)
		}
		s.Responses = nil
	}
	m.Second, m.Lasted, m.At = &kept, r.lasted(in.Second), time.Now()
	if in.Second >= 0 {
		r.total(&kept)
	}
	if in.Second >= 0 && m.Lasted == time.Second {
		m.Seconds = append(m.Seconds, kept)
	}
}

// total adds a second to what the trial has counted so far.
func (r *Run) total(in *result.Interval) {
	m := &r.moment
	// Those who read the totals have the old ones.
	totals, inTime := make([]result.IntervalSeries, len(in.Series)), make([]int64, len(in.Series))
	for i := range in.Series {
		s := &in.Series[i]
		t := result.IntervalSeries{Name: s.Name, Codes: map[string]int64{}}
		if i < len(m.Totals) {
			t = m.Totals[i]
			t.Codes = maps.Clone(t.Codes)
			inTime[i] = m.InTime[i]
		}
		if m.Lasted > 0 {
			inTime[i] += s.OK
		}
		t.Planned, t.Dropped, t.Dispatched = t.Planned+s.Planned, t.Dropped+s.Dropped, t.Dispatched+s.Dispatched
		t.OK, t.InSLO, t.Failed, t.Attempts = t.OK+s.OK, t.InSLO+s.InSLO, t.Failed+s.Failed, t.Attempts+s.Attempts
		t.InFlight = s.InFlight
		for code, n := range s.Codes {
			t.Codes[code] += n
		}
		totals[i] = t
	}
	m.Totals, m.InTime = totals, inTime
	m.Measured += m.Lasted
}

// lasted is how long calls were due in a second: the last one of a phase that
// is no whole number of them is shorter, and those of a drain have none.
func (r *Run) lasted(second int) time.Duration {
	if r.result == nil {
		return time.Second
	}
	phase, before := time.Duration(r.result.Scenario.MeasureNS), time.Duration(second)*time.Second
	if second < 0 {
		phase = time.Duration(r.result.Scenario.WarmupNS)
		before = ((phase+time.Second-1)/time.Second + time.Duration(second)) * time.Second
	}
	return max(0, min(phase-before, time.Second))
}

// Trial tells of the result after a trial.
func (r *Run) Trial(res *result.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result = res.Snapshot()
	r.trialEnded()
	r.change(true)
}

// trialEnded: what was under way is among the result's trials now.
func (r *Run) trialEnded() {
	m := &r.moment
	*m = reports.Moment{Block: m.Block, Blocks: m.Blocks, Trial: m.Trial, Trials: m.Trials, Elapsed: m.Elapsed, Remaining: m.Remaining, At: time.Now()}
}

// End tells of the whole result, nil where there is none, and where its report is.
func (r *Run) End(res *result.Result, where string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if res != nil {
		r.result = res.Snapshot()
	}
	r.trialEnded()
	r.moment.Ended, r.moment.Where, r.moment.Remaining = true, where, 0
	r.change(true)
}

// now is all that is known, for one to read at leisure, and a channel that is
// closed at the next change. The result is nil before Start.
func (r *Run) now() (*result.Result, *reports.Moment, stamp) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.moment
	m.Responses = make(map[string]*result.Histogram, len(r.moment.Responses))
	for name, h := range r.moment.Responses {
		m.Responses[name] = h.Clone()
	}
	m.Seconds = m.Seconds[:len(m.Seconds):len(m.Seconds)]
	return r.result, &m, r.stamp
}

// watch is how much is known, and a channel that is closed when there is more.
func (r *Run) watch() (stamp, bool, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stamp, r.moment.Ended, r.changed
}
