package stats

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// The rules of recovery.
const (
	// recoveredShare of the goodput per planned call from before the fault must
	// be back, over RecoveryWindow.
	recoveredShare = 0.95
	// RecoveryWindow is how long goodput must be back for, in whole seconds.
	RecoveryWindow = 5 * time.Second
	recoveryWindow = int(RecoveryWindow / time.Second)
	// leastWindow is how many whole seconds there must be at least to say that
	// goodput was not back by the end of the measurement.
	leastWindow = 2
	// Metastable is only what has not come back in ten times the fault's own
	// length, and in a minute at least.
	metastableFactor = 10
	metastableLeast  = time.Minute

	mostWindows = 10_000
)

// Window is one time that a fault was on, counted from t0.
type Window struct {
	Name     string
	Kind     string
	From, To time.Duration
	// Earlier is how long it had been on at t0, where it began before.
	Earlier time.Duration
}

// Windows is when a fault was on within a measurement, in order: once, or with
// each repetition. A window that was over before the measurement is left out; one
// that reaches beyond an end of it is cut. A fault that repeats more often than
// anything could show is a damaged result's, and has none.
func Windows(f result.FaultWindow, measured time.Duration) []Window {
	var all []Window
	at, period := time.Duration(f.AtNS), time.Duration(f.EveryNS)
	if period > 0 && measured/period > mostWindows {
		return nil
	}
	if period > 0 && at < 0 {
		at += -at / period * period
	}
	for ; at < measured; at += period {
		to := measured
		if !f.Lasts() {
			to = min(at+time.Duration(f.ForNS), measured)
		}
		if to > 0 || f.Moment && at == 0 {
			all = append(all, Window{Name: f.Name, Kind: f.Kind, From: max(at, 0), To: to, Earlier: max(-at, 0)})
		}
		if period <= 0 {
			break
		}
	}
	return all
}

// Events is when any of several faults was on, in order. Windows that overlap or
// touch are one, under the names of all of them: goodput tells not apart which of
// them did the harm. A fault that was on throughout the measurement is a condition
// of it, and no event: it neither begins nor ends, and hides nothing that does.
func Events(faults []result.FaultWindow, measured time.Duration) []Window {
	var each []Window
	for _, f := range faults {
		own := merged(Windows(f, measured))
		if len(own) == 1 && own[0].From == 0 && own[0].To == measured {
			continue
		}
		each = append(each, own...)
	}
	slices.SortStableFunc(each, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	return merged(each)
}

// merged makes one of windows, in order, that overlap or touch.
func merged(windows []Window) []Window {
	var all []Window
	for _, w := range windows {
		if n := len(all); n > 0 && w.From <= all[n-1].To {
			all[n-1].join(w)
			continue
		}
		all = append(all, w)
	}
	return all
}

// join makes two windows one.
func (w *Window) join(other Window) {
	w.To, w.Earlier = max(w.To, other.To), max(w.Earlier, other.Earlier)
	w.Name, w.Kind = bothNames(w.Name, other.Name), bothNames(w.Kind, other.Kind)
}

// and is between the names of faults that share a window.
const and = " + "

// Names says whether the window is one of the fault's of that name, alone or among
// others.
func (w Window) Names(fault string) bool {
	return w.Name == fault || slices.Contains(strings.Split(w.Name, and), fault)
}

func bothNames(names, name string) string {
	if slices.Contains(strings.Split(names, and), name) {
		return names
	}
	return names + and + name
}

// seconds is the window's seconds: from the one it begins in to before the one
// that it does not touch. What happens at a moment has the second it happens in.
func (w Window) seconds() (from, to int) {
	from = floor(w.From)
	return from, max(ceil(w.To), from+1)
}

// Phase is what one load entry of one trial went through around one window of its
// faults. It is read off one-second intervals: seconds that a window's edge cuts
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
	// first fault, in the window, and from its end until recovery; NaN where no
	// call ended.
	Before, During, After float64
	// WastedNS is the fleet's work for callers that were gone, of whatever load
	// entry, that ended from the fault's begin until recovery (or the end); NaN
	// where the result does not say when it ended.
	WastedNS float64
	// Recovered is whether goodput came back, Recovery how long after the
	// fault's end, to the second: the first time from which five seconds have 95 %
	// of the goodput per planned call that there was before the fault. Fewer
	// seconds may be luck.
	Recovered bool
	Recovery  time.Duration
	// Back is whether it has not recovered, but goodput was back at the end of what
	// was watched, for less than five seconds; since BackAt after the fault's end.
	Back   bool
	BackAt time.Duration
	// Watched is how long the measurement, or the time until the next window,
	// went on after the fault; where it has not recovered, with calls. Judged is
	// whether that was long enough to tell: five seconds, or two at the end of the
	// measurement, by which it has not recovered.
	Watched time.Duration
	Judged  bool
	// Metastable is that goodput had not come back in ten times the fault's
	// length, a minute at least, although the fault was over: the system holds
	// itself down.
	Metastable bool
}

// Phases is the phases of one load entry, or of all together where load is "",
// around the Events of the faults, in order. It is the one definition of recovery:
// the state of a trial, tables and gates all read it. Faults that were on from
// the start leave nothing to compare with but goodput in full.
func Phases(t *result.Trial, load string, faults ...result.FaultWindow) []Phase {
	measured := time.Duration(t.MeasuredNS)
	seconds := secondsOf(t, load, measured)
	windows := Events(faults, measured)
	if len(windows) == 0 || len(seconds) == 0 {
		return nil
	}
	before := total(span(seconds, 0, floor(windows[0].From)))
	usual := usualShare(t, load, floor(windows[0].From))
	wasted := wastedBy(t.Fleet)
	var phases []Phase
	for i, w := range windows {
		until := measured
		if i+1 < len(windows) {
			until = windows[i+1].From
		}
		p := Phase{Window: w, Before: before.attemptsPerCall(), Watched: until - w.To}
		from, to := w.seconds()
		during := total(span(seconds, from, to))
		p.Planned, p.Failed, p.During = during.planned, during.failed, during.attemptsPerCall()
		end := p.recover(seconds, usual, until, measured)
		p.After = total(span(seconds, to, end)).attemptsPerCall()
		all := total(span(seconds, from, max(to, end)))
		p.Lost = max(0, usual*float64(all.planned)-float64(all.good))
		p.PeakP99NS = all.peak
		p.WastedNS = wasted.between(from, max(to, end))
		phases = append(phases, p)
	}
	return phases
}

// usualShare is the goodput per planned call in the seconds before one, those of
// each load entry from the first in which any call of it ended: calls that take long
// had none to end before, and did not fail. It is 1 where no call was planned.
func usualShare(t *result.Trial, load string, before int) float64 {
	early := &result.Trial{}
	for _, i := range t.Intervals {
		if i.Second >= 0 && i.Second < before {
			early.Intervals = append(early.Intervals, i)
		}
	}
	var names []string
	for _, i := range early.Intervals {
		for j := range i.Series {
			if name := i.Series[j].Name; (load == "" || name == load) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	var good, planned int64
	for _, name := range names {
		own := secondsOf(early, name, time.Duration(before)*time.Second)
		if i := slices.IndexFunc(own, func(s second) bool { return s.ended+s.failed > 0 }); i > 0 {
			own = own[i:]
		}
		sum := total(own)
		good, planned = good+min(sum.good, sum.planned), planned+sum.planned
	}
	if planned == 0 {
		return 1
	}
	return float64(good) / float64(planned)
}

// recover finds when goodput was back, and returns the second at which the phase
// ends: then, or at the end of what was watched, which is that of the measurement
// or where the next window begins. Where nothing was good before, nothing can come
// back.
func (p *Phase) recover(seconds []second, usual float64, until, measured time.Duration) (end int) {
	first, last := ceil(p.Window.To), floor(until)
	p.Judged = last-first >= recoveryWindow || until == measured && last-first >= leastWindow
	for s := first; s+recoveryWindow <= last; s++ {
		if total(span(seconds, s, s+recoveryWindow)).back(usual) {
			p.Recovered, p.Recovery = true, max(0, time.Duration(s)*time.Second-p.Window.To)
			return s
		}
	}
	for s := max(first, last-recoveryWindow+1); s < last; s++ {
		if total(span(seconds, s, last)).back(usual) {
			p.Back, p.BackAt = true, max(0, time.Duration(s)*time.Second-p.Window.To)
			break
		}
	}
	// Of seconds in which nobody called nobody knows.
	watched := first
	for _, s := range span(seconds, first, last) {
		if s.planned+s.ended+s.failed+s.inFlight > 0 {
			watched = s.at + 1
		}
	}
	if watched < last {
		p.Judged = p.Judged && watched-first >= leastWindow
		p.Watched = max(0, time.Duration(watched)*time.Second-p.Window.To)
	}
	length := p.Window.To - p.Window.From + p.Window.Earlier
	p.Metastable = p.Judged && usual > 0 && p.Watched >= max(metastableFactor*length, metastableLeast)
	return last
}

// back is whether the goodput per planned call is what it was before, or nearly.
func (s second) back(usual float64) bool {
	return s.good > 0 && float64(s.good) >= recoveredShare*usual*float64(s.planned)
}

// Worst is several phases as one, where a fault comes again: failures, what was
// lost and what was wasted are summed, of the rest it is the worst. It has
// recovered where every window that was judged has.
func Worst(phases []Phase) Phase {
	worst := phases[0]
	higher := func(a, b float64) float64 {
		if math.IsNaN(a) || b > a {
			return b
		}
		return a
	}
	for _, p := range phases[1:] {
		worst.Planned, worst.Failed, worst.Lost = worst.Planned+p.Planned, worst.Failed+p.Failed, worst.Lost+p.Lost
		worst.WastedNS += p.WastedNS
		worst.PeakP99NS = max(worst.PeakP99NS, p.PeakP99NS)
		worst.During, worst.After = higher(worst.During, p.During), higher(worst.After, p.After)
		if worse(p, worst) {
			worst.Window, worst.Watched, worst.Judged = p.Window, p.Watched, p.Judged
			worst.Recovered, worst.Recovery, worst.Metastable = p.Recovered, p.Recovery, p.Metastable
			worst.Back, worst.BackAt = p.Back, p.BackAt
		}
	}
	return worst
}

// worse is whether the first phase's recovery is worse than the second's.
func worse(a, b Phase) bool {
	rank := func(p Phase) int {
		switch {
		case p.Metastable:
			return 3
		case p.Judged && !p.Recovered:
			return 2
		case p.Recovered:
			return 1
		}
		return 0
	}
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	if a.Recovered {
		return a.Recovery > b.Recovery
	}
	return a.Watched > b.Watched
}

// second is a second of one load entry, or of all.
type second struct {
	at                           int
	planned, good, failed, ended int64
	attempts, peak, inFlight     int64
}

// secondsOf is the whole seconds of a measurement that have the load entry, or
// any where it is "".
func secondsOf(t *result.Trial, load string, measured time.Duration) []second {
	var all []second
	for _, i := range t.Intervals {
		if i.Second < 0 || i.Second >= floor(measured) {
			continue
		}
		var of []second
		for j := range i.Series {
			if s := &i.Series[j]; load == "" || s.Name == load {
				of = append(of, second{
					planned: s.Planned, good: s.InSLO, failed: s.Failed + s.Dropped, ended: s.OK + s.Failed,
					attempts: s.Attempts, peak: s.P99NS, inFlight: s.InFlight,
				})
			}
		}
		if len(of) > 0 {
			sum := total(of)
			sum.at = i.Second
			all = append(all, sum)
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
		sum.inFlight += s.inFlight
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
