package fakeserver

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// WastedSecond is the time of the services that ended in one second of the fleet's
// clock, for callers that were gone.
type WastedSecond struct {
	// Second counts from t0. BeforeStart is all that ended before it, and what
	// ends more than a day after it is in that day's last second.
	Second int
	Time   time.Duration
}

// BeforeStart is the second that stands for all time before t0.
const BeforeStart = -1

// lastSecond bounds the seconds that are kept apart, and with them a backend's
// memory: 16 bytes for each second in which work was wasted.
const lastSecond = 24*60*60 - 1

// waste is the work of one backend for callers that were gone when it ended. The
// total is the sum of the seconds whenever it is read, which takes a lock: it is
// held for some additions, and never by a call whose caller is there.
type waste struct {
	clock *clock // nil never starts

	mu       sync.Mutex
	services int64
	time     time.Duration
	seconds  []WastedSecond // those that have some, in order
}

// add counts a service that ends now and took d.
func (w *waste) add(d time.Duration) {
	second := w.second(time.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.services++
	w.time += d
	// It is the last one or, where calls race, one before it.
	i := len(w.seconds)
	for i > 0 && w.seconds[i-1].Second > second {
		i--
	}
	if i > 0 && w.seconds[i-1].Second == second {
		w.seconds[i-1].Time += d
		return
	}
	w.seconds = slices.Insert(w.seconds, i, WastedSecond{Second: second, Time: d})
}

// second is the one that now belongs to.
func (w *waste) second(now time.Time) int {
	if w.clock == nil {
		return BeforeStart
	}
	at, started := w.clock.at(now)
	if !started || at < 0 {
		return BeforeStart
	}
	return min(int(at/time.Second), lastSecond)
}

// read is the services, their time, and that by second.
func (w *waste) read() (services int64, total time.Duration, seconds []WastedSecond) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.services, w.time, slices.Clone(w.seconds)
}

// subtractSeconds is now without what earlier had counted.
func subtractSeconds(now, earlier []WastedSecond) []WastedSecond {
	var out []WastedSecond
	for _, s := range now {
		if i, had := slices.BinarySearchFunc(earlier, s.Second, func(e WastedSecond, second int) int { return cmp.Compare(e.Second, second) }); had {
			s.Time -= earlier[i].Time
		}
		if s.Time != 0 {
			out = append(out, s)
		}
	}
	return out
}
