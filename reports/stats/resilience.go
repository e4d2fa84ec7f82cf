package stats

import (
	"math"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// The rules of recovery.
const (
	// recoveredShare of the goodput per planned call from before the fault must
	// be back, over recoveryWindow.
	recoveredShare = 0.95
	recoveryWindow = 5
	// leastWindow is how many whole seconds there must be at least, where the
	// measurement ends sooner.
	leastWindow = 2
	// Metastable is only what has not come back in ten times the fault's own
	// length, and in a minute at least.
	metastableFactor = 10
	metastableLeast  = time.Minute
)

// Window is one time that a fault was on, counted from t0.
type Window struct {
	Name     string
	Kind     string
	From, To time.Duration
}

// Windows is when a fault was on within a measurement, in order: once, or with
// each repetition. A window that was over before the measurement is left out; one
// that reaches beyond an end of it is cut.
func Windows(f result.FaultWindow, measured time.Duration) []Window {
	var all []Window
	at, period := time.Duration(f.AtNS), time.Duration(f.EveryNS)
	if period > 0 && at < 0 {
		at += -at / period * period
	}
	for ; at < measured; at += period {
		to := measured
		if !f.Lasts() {
			to = min(at+time.Duration(f.ForNS), measured)
		}
		if to > 0 || f.Moment && at == 0 {
			all = append(all, Window{Name: f.Name, Kind: f.Kind, From: max(at, 0), To: to})
		}
		if period <= 0 {
			break
		}
	}
	return all
}

// Phase is what one load entry of one trial went through around one window of a
// fault. It is read off one-second intervals: seconds that a window's edge cuts
// are taken whole into the window.
type Phase struct {
	Window Window
	// Planned and Failed are the calls of the window's seconds: those due, and
	// those that ended otherwise than OK or were dropped.
	Planned, Failed int64
	// Lost is the calls that missed their SLO, from the fault's begin until
	// recovery (or the end), beyond the share that missed it before.
	Lost float64
	// PeakP99NS is the highest p99 of a second, from the fault's begin until
	// recovery; 0 where no call of these seconds ended OK.
	PeakP99NS int64
	// Before, During and After are attempts per call that ended: before the
	// fault, in its window, and from its end until recovery; NaN where no call
	// ended.
	Before, During, After float64
	// Recovered is whether goodput came back, Recovery how long after the
	// fault's end, to the second: the first time from which five seconds (or what
	// is left of the measurement, but two at least) have 95 % of the goodput per
	// planned call that there was before the fault.
	Recovered bool
	Recovery  time.Duration
	// Watched is how long the measurement, or the time until the next window,
	// went on after the fault. Judged is whether that was long enough to see a
	// recovery at all.
	Watched time.Duration
	Judged  bool
	// Metastable is that goodput had not come back in ten times the fault's
	// length, a minute at least, although the fault was over: the system holds
	// itself down.
	Metastable bool
}

// Phases is the phases of one load entry around the windows of one fault, in
// order. A fault that was on from the start leaves nothing to compare with but
// goodput in full.
func Phases(t *result.Trial, load string, f result.FaultWindow) []Phase {
	measured := time.Duration(t.MeasuredNS)
	seconds := secondsOf(t, load, measured)
	windows := Windows(f, measured)
	if len(windows) == 0 || len(seconds) == 0 {
		return nil
	}
	before := total(span(seconds, 0, floor(windows[0].From)))
	usual := 1.0
	if before.planned > 0 {
		usual = float64(before.good) / float64(before.planned)
	}
	var phases []Phase
	for i, w := range windows {
		until := measured
		if i+1 < len(windows) {
			until = windows[i+1].From
		}
		p := Phase{Window: w, Before: before.attemptsPerCall(), Watched: until - w.To}
		during := total(span(seconds, floor(w.From), ceil(w.To)))
		p.Planned, p.Failed, p.During = during.planned, during.failed, during.attemptsPerCall()
		end := p.recover(seconds, usual, until)
		p.After = total(span(seconds, ceil(w.To), end)).attemptsPerCall()
		all := total(span(seconds, floor(w.From), end))
		p.Lost = max(0, usual*float64(all.planned)-float64(all.good))
		p.PeakP99NS = all.peak
		phases = append(phases, p)
	}
	return phases
}

// recover finds when goodput was back, and returns the second at which the phase
// ends: then, or at the end of what was watched.
func (p *Phase) recover(seconds []second, usual float64, until time.Duration) (end int) {
	last := floor(until)
	for s := ceil(p.Window.To); s < last; s++ {
		to := min(s+recoveryWindow, last)
		if to-s < leastWindow {
			break
		}
		p.Judged = true
		sum := total(span(seconds, s, to))
		if sum.planned > 0 && float64(sum.good) >= recoveredShare*usual*float64(sum.planned) {
			p.Recovered, p.Recovery = true, max(0, time.Duration(s)*time.Second-p.Window.To)
			return s
		}
	}
	length := p.Window.To - p.Window.From
	p.Metastable = p.Judged && p.Watched >= max(metastableFactor*length, metastableLeast)
	return last
}

// second is one load entry's second.
type second struct {
	at                           int
	planned, good, failed, ended int64
	attempts, peak               int64
}

// secondsOf is the whole seconds of a measurement.
func secondsOf(t *result.Trial, load string, measured time.Duration) []second {
	var all []second
	for _, i := range t.Intervals {
		if i.Second < 0 || i.Second >= floor(measured) {
			continue
		}
		for j := range i.Series {
			if s := &i.Series[j]; s.Name == load {
				all = append(all, second{
					at: i.Second, planned: s.Planned, good: s.InSLO, failed: s.Failed + s.Dropped, ended: s.OK + s.Failed,
					attempts: s.Attempts, peak: s.P99NS,
				})
			}
		}
	}
	return all
}

// span is the seconds from one to before another.
func span(seconds []second, from, to int) []second {
	var some []second
	for _, s := range seconds {
		if s.at >= from && s.at < to {
			some = append(some, s)
		}
	}
	return some
}

// total is the sum of seconds, with the highest peak.
func total(seconds []second) second {
	var sum second
	for _, s := range seconds {
		sum.planned += s.planned
		sum.good += s.good
		sum.failed += s.failed
		sum.ended += s.ended
		sum.attempts += s.attempts
		sum.peak = max(sum.peak, s.peak)
	}
	return sum
}

func (s second) attemptsPerCall() float64 {
	if s.ended == 0 {
		return math.NaN()
	}
	return float64(s.attempts) / float64(s.ended)
}

func floor(d time.Duration) int { return int(math.Floor(d.Seconds())) }
func ceil(d time.Duration) int  { return int(math.Ceil(d.Seconds())) }
