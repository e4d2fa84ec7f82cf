package run

import (
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// Phase is what a trial is doing.
type Phase string

// The phases of a trial.
const (
	Preparing Phase = "preparing"
	WarmingUp Phase = "warming up"
	Measuring Phase = "measuring"
	Done      Phase = "done"
)

// Progress is one moment of a run, for a live display: each phase's begin and
// each second of a trial.
type Progress struct {
	Variant       string
	Block, Blocks int // from 1
	Trial, Trials int // from 1, over the whole run
	Phase         Phase
	// T0 is when the trial's measurement began; zero before.
	T0 time.Time
	// Elapsed and Remaining are of the whole run; Remaining is planned time,
	// without drains.
	Elapsed, Remaining time.Duration
	// Interval is the second that just ended; nil on a change of phase. The
	// Responses in it are lent until the receiver returns.
	Interval *result.Interval
}

type progress struct {
	report  func(Progress)
	started time.Time
	now     Progress
	each    time.Duration // planned length of a trial
}

func newProgress(plan *scenario.Plan, report func(Progress)) *progress {
	return &progress{
		report: report, started: time.Now(), each: plan.Warmup + plan.Measure,
		now: Progress{Blocks: plan.MostTrials(), Trials: plan.MostTrials() * len(plan.Variants)},
	}
}

func (p *progress) begin(variant string, block int) {
	p.now.Variant, p.now.Block, p.now.T0 = variant, block+1, time.Time{}
	p.now.Trial++
	p.phase(Preparing)
}

func (p *progress) phase(phase Phase) {
	p.now.Phase = phase
	p.send(nil, 0)
}

// measuring reports that the measurement begins at t0.
func (p *progress) measuring(t0 time.Time) {
	p.now.T0 = t0
	p.phase(Measuring)
}

// interval reports a second; into is how far the trial is, warm-up included.
func (p *progress) interval(i result.Interval, into time.Duration) { p.send(&i, into) }

func (p *progress) send(i *result.Interval, into time.Duration) {
	if p.report == nil {
		return
	}
	e := p.now
	e.Interval = i
	e.Elapsed = time.Since(p.started)
	e.Remaining = time.Duration(e.Trials-e.Trial+1)*p.each - min(into, p.each)
	p.report(e)
}
