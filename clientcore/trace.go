package clientcore

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/internal/pick"
)

// Trace is the story of one call. Put it into the call's context by WithTrace.
// It is filled while the call runs and may be read when the call has ended: when
// Invoke has returned; when a stream's RecvMsg has returned an error, or its
// OnFinish ran; when NewStream has returned an error. One call at a time may
// use it, and a call that begins clears it. A Trace must not be copied.
type Trace struct {
	// Sent is when the first attempt entered its channel. Zero when none did.
	Sent time.Time
	// Attempts are in the order in which they began; those of a hedged call run
	// side by side. Attempts that grpc-go repeats transparently are one here,
	// with the last one's backend.
	Attempts []TraceAttempt
	// Picks is the attempts as Stats counts them, transparent ones included.
	Picks int64
	// Origin is where the error came from that the call ended with.
	Origin Origin

	mu      sync.Mutex
	open    bool        // the call runs
	began   time.Time   // when the first attempt began, if that is known beforehand
	trailer metadata.MD // of the last attempt
	token   uint64      // of the last pick; never reset, so that a late end is told apart
	call    uint64      // numbers the calls that used the Trace, likewise
	decided int         // 1 + the index of the attempt that the call ended as; 0 is the last
}

// TraceAttempt is one attempt of a call.
type TraceAttempt struct {
	// Backend is the address that was picked, "" when none could be.
	Backend    string
	Start, End time.Time
	Code       codes.Code
	// Answered is whether a header or trailer came from the backend.
	Answered bool
	// Delay is the wait before the attempt, as it was asked for; that of a hedge
	// counts from the start of the attempt before it, or from a failure.
	Delay time.Duration
}

// WithTrace is a context whose call fills t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return pick.Observe(ctx, picks{t})
}

func traceOf(ctx context.Context) *Trace {
	p, _ := pick.ObserverOf(ctx).(picks)
	return p.trace
}

// Reset clears t for the next call. It keeps the memory of Attempts.
func (t *Trace) Reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
}

func (t *Trace) clear() {
	t.Sent, t.Attempts, t.Picks, t.Origin = time.Time{}, t.Attempts[:0], 0, ""
}

// begin begins the story of a call, whose first attempt begins now; zero where that
// may be later.
func (t *Trace) begin(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	t.open, t.began = true, now
	t.call++
	t.decided = 0
}

// end closes t: nothing is written to it any more.
func (t *Trace) end(ctx context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return
	}
	t.open = false
	t.trailer = nil
	t.judge(ctx, err)
}

// judge finds the origin of the call's error by the attempt that it ended as.
// t.mu is held.
func (t *Trace) judge(ctx context.Context, err error) {
	if err == nil {
		return
	}
	var attempt TraceAttempt
	if i := t.decisive(); i >= 0 {
		attempt = t.Attempts[i]
	}
	t.Origin = originOf(ctx, err, attempt)
}

// decisive is the index of the attempt that the call ended as, -1 when there was
// none. t.mu is held.
func (t *Trace) decisive() int {
	if t.decided > 0 {
		return t.decided - 1
	}
	return len(t.Attempts) - 1
}

// Close ends t with the call's error, if the call has not done so: nothing is
// written to it any more. A stream may have ended for its caller a moment before
// grpc-go is done with it; whoever reads t closes it first. Where such a stream
// may still be about, a Trace is not to be used for another call.
func (t *Trace) Close(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open {
		for i := range t.Attempts {
			if a := &t.Attempts[i]; a.End.IsZero() {
				a.End, a.Code = time.Now(), codes.Canceled
				if i == t.decisive() {
					a.Code = status.Code(err)
				}
			}
		}
		t.judge(context.Background(), err)
	}
	t.open, t.trailer = false, nil
}

// last is the attempt that runs, or nil when there is none. t.mu is held.
func (t *Trace) last() *TraceAttempt {
	if n := len(t.Attempts); t.open && n > 0 {
		return &t.Attempts[n-1]
	}
	return nil
}

// retries is a Trace as the retry layer sees it: one attempt lives at a time.
type retries Trace

func (r *retries) Begin(delay time.Duration) {
	t := (*Trace)(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return
	}
	start := t.began // or a moment later: no need to ask the clock again
	if start.IsZero() || len(t.Attempts) > 0 {
		start = time.Now()
	}
	t.Attempts = append(t.Attempts, TraceAttempt{Start: start, Delay: delay})
	t.trailer = nil
}

func (r *retries) Trailer() metadata.MD {
	t := (*Trace)(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trailer
}

func (r *retries) End(err error) {
	t := (*Trace)(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := t.last(); last != nil {
		last.End = time.Now()
		last.Code = status.Code(err)
	}
}

// hedges is a Trace as the hedging layer sees it.
type hedges Trace

func (h *hedges) Begin(ctx context.Context, delay time.Duration) (context.Context, hedge.Attempt) {
	t := (*Trace)(h)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &side{trace: t, call: t.call, index: len(t.Attempts)}
	if t.open {
		t.Attempts = append(t.Attempts, TraceAttempt{Start: time.Now(), Delay: delay})
	}
	return pick.Observe(ctx, s), s
}

// side is one of the attempts that run side by side, as the hedging layer and the
// balancer see it.
type side struct {
	trace *Trace
	call  uint64
	index int
	token uint64 // of its last pick; 0 is none
}

// own is the attempt in its Trace, nil when that has been closed. trace.mu is
// held.
func (s *side) own() *TraceAttempt {
	if t := s.trace; t.open && t.call == s.call {
		return &t.Attempts[s.index]
	}
	return nil
}

func (s *side) End(err error) {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	if a := s.own(); a != nil {
		a.End = time.Now()
		a.Code = status.Code(err)
	}
}

func (s *side) Decide() {
	s.trace.mu.Lock()
	defer s.trace.mu.Unlock()
	if s.own() != nil {
		s.trace.decided = s.index + 1
	}
}

func (s *side) Sent(waited bool) { picks{s.trace}.Sent(waited) }

func (s *side) Picked(backend string, end func(balancer.DoneInfo)) func(balancer.DoneInfo) {
	t := s.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	a := s.own()
	if a == nil {
		return end
	}
	t.token++
	s.token = t.token
	token := t.token
	t.Picks++
	a.Backend = backend
	return func(info balancer.DoneInfo) {
		end(info)
		t.mu.Lock()
		defer t.mu.Unlock()
		if a := s.own(); a != nil && token == s.token {
			if !info.BytesSent {
				t.Picks--
			}
			a.Answered = info.BytesReceived
		}
	}
}

// picks is a Trace as the balancer sees it.
type picks struct{ trace *Trace }

func (p picks) Picked(backend string, end func(balancer.DoneInfo)) func(balancer.DoneInfo) {
	t := p.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last()
	if last == nil {
		return end
	}
	t.token++
	token := t.token
	t.Picks++
	last.Backend = backend
	return func(info balancer.DoneInfo) {
		end(info)
		t.ended(token, info)
	}
}

func (p picks) Sent(waited bool) {
	t := p.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open || !t.Sent.IsZero() {
		return
	}
	if last := t.last(); last != nil && !waited {
		t.Sent = last.Start
	} else {
		t.Sent = time.Now()
	}
}

// ended is told what came of the pick that had token.
func (t *Trace) ended(token uint64, info balancer.DoneInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.last()
	if last == nil || token != t.token {
		return
	}
	if !info.BytesSent {
		t.Picks--
	}
	last.Answered = info.BytesReceived
	t.trailer = info.Trailer
}
