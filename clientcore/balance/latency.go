package balance

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// latency is what P2CEWMA knows of one backend.
type latency struct {
	inFlight atomic.Int64

	mu   sync.Mutex // never held across a call
	cost float64    // nanoseconds, at the time at
	at   time.Time  // zero before the first sample
}

// untried is the cost of a backend that has not answered yet, as soon as a call
// is on its way: about 39 hours, Finagle's penalty.
const untried = float64(math.MaxInt64 >> 16)

// score is lower for the better backend.
func (l *latency) score(now time.Time, decay time.Duration) float64 {
	calls := float64(l.inFlight.Load())
	l.mu.Lock()
	cost, at := l.cost, l.at
	l.mu.Unlock()
	if at.IsZero() {
		if calls == 0 {
			return 0
		}
		return untried + calls
	}
	return cost * fall(now.Sub(at), decay) * (calls + 1)
}

// observe takes in that a call took d. One that was cut short can only raise
// the average.
func (l *latency) observe(now time.Time, d, decay time.Duration, cut bool) {
	sample := float64(max(d, 1)) // nothing is free, or it would be picked always
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() {
		l.cost, l.at = sample, now
		return
	}
	w := fall(now.Sub(l.at), decay)
	old := l.cost * w
	switch {
	case sample >= old:
		l.cost = sample
	case cut:
		return
	default:
		// Each sample weighs by the time since the one before, so that a busy
		// backend forgets no faster. Finagle's also falls for good whenever it
		// is read.
		l.cost = old + sample*(1-w)
	}
	l.at = now
}

// end takes in how an attempt ended.
func (l *latency) end(start, now time.Time, decay, penalty time.Duration, info balancer.DoneInfo) {
	if !info.BytesSent && !info.BytesReceived {
		return // it never reached the backend
	}
	d := now.Sub(start)
	switch code := status.Code(info.Err); {
	case code == codes.Canceled && !info.BytesReceived:
		l.observe(now, d, decay, true)
	case backendFailed(code):
		l.observe(now, max(d, penalty), decay, false)
	default:
		l.observe(now, d, decay, false)
	}
}

// backendFailed reports whether a code speaks of the backend and not of the
// request or the caller.
func backendFailed(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.DataLoss, codes.ResourceExhausted,
		codes.Aborted, codes.Unimplemented, codes.DeadlineExceeded:
		return true
	}
	return false
}

// fall is what is left after a time, e^(−t/decay).
func fall(t, decay time.Duration) float64 {
	return math.Exp(-float64(max(t, 0)) / float64(decay))
}
