package fakeserver

import (
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"
)

// loadSlices is how many parts the window of a loadMeter has.
const loadSlices = 10

// loadMeter measures the load of one backend over a window that moves in
// slices. It measures while somebody watches; else it costs a call two loads
// of an atomic. Safe for concurrent use.
type loadMeter struct {
	underWay func() int64 // the calls under way now
	slots    float64      // calls that are full utilisation
	slice    time.Duration
	perCall  bool

	watchers atomic.Int64

	mu       sync.Mutex
	sum      tally // until sum.at
	level    int64 // calls under way since then
	marks    []tally
	trailer  metadata.MD // nobody writes to it
	composed time.Time   // when trailer was
}

// tally is what was counted until some time.
type tally struct {
	at            time.Time
	busy          time.Duration // Σ over calls of the time that each was under way
	calls, errors int64         // that have ended
}

// load is what a backend did over the window.
type load struct {
	utilisation, callsPerSecond, errorsPerSecond float64
}

func newLoadMeter(r LoadReport, slots int, underWay func() int64) *loadMeter {
	m := &loadMeter{underWay: underWay, slots: float64(max(slots, 1)), slice: r.Window / loadSlices, perCall: r.PerCall}
	if r.PerCall {
		m.watch()
	}
	return m
}

// watch begins to measure, unless somebody watches already. Each must be
// followed by one unwatch.
func (m *loadMeter) watch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watchers.Add(1) == 1 {
		m.sum = tally{at: time.Now()}
		m.level = m.underWay()
		m.marks = append(m.marks[:0], m.sum)
		m.trailer = nil
	}
}

func (m *loadMeter) unwatch() { m.watchers.Add(-1) }

// changed notes that the calls under way have become more, or fewer by one that
// has no answer.
func (m *loadMeter) changed() {
	if m.watchers.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(time.Now())
}

// ended notes that a call is not under way any more, and returns what is to go
// into its trailer.
func (m *loadMeter) ended(failed bool) metadata.MD {
	if m.watchers.Load() == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.advance(now)
	m.sum.calls++
	if failed {
		m.sum.errors++
	}
	if !m.perCall {
		return nil
	}
	if m.trailer == nil || now.Sub(m.composed) >= m.slice/loadSlices {
		m.trailer, m.composed = m.compute().trailer(), now
	}
	return m.trailer
}

// now is the load of the last window.
func (m *loadMeter) now() load {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(time.Now())
	return m.compute()
}

// advance brings the tally and its marks up to now. mu must be held.
func (m *loadMeter) advance(now time.Time) {
	next := m.marks[len(m.marks)-1].at.Add(m.slice)
	if late := now.Sub(next) - m.slice*loadSlices; late > 0 {
		next = next.Add(late.Truncate(m.slice)) // marks that have left the window already
	}
	for ; !next.After(now); next = next.Add(m.slice) {
		m.marks = append(m.marks, m.until(next))
	}
	if spare := len(m.marks) - (loadSlices + 1); spare > 0 {
		m.marks = append(m.marks[:0], m.marks[spare:]...)
	}
	m.sum = m.until(now)
	// Read, and not counted along, so that what was under way when measuring
	// began counts as well.
	m.level = m.underWay()
}

// until is the tally as it stands at a time since the last change. mu must be
// held.
func (m *loadMeter) until(at time.Time) tally {
	t := m.sum
	if since := at.Sub(t.at); since > 0 {
		t.at, t.busy = at, t.busy+since*time.Duration(m.level)
	}
	return t
}

// compute is the load since the oldest mark. mu must be held.
func (m *loadMeter) compute() load {
	oldest := m.marks[0]
	over := m.sum.at.Sub(oldest.at)
	if over <= 0 {
		return load{}
	}
	return load{
		utilisation:     float64(m.sum.busy-oldest.busy) / float64(over) / m.slots,
		callsPerSecond:  float64(m.sum.calls-oldest.calls) / over.Seconds(),
		errorsPerSecond: float64(m.sum.errors-oldest.errors) / over.Seconds(),
	}
}
