package hedge

import (
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/clientcore/internal/further"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Hedger makes calls by a Policy. It is immutable, and may be shared by any
// number of calls.
type Hedger struct {
	policy Policy
	codes  further.Codes // those after which the next attempt is sent at once
	shared *Shared
	// throttle is the policy's budget; nil is no bound.
	throttle *retry.Throttle
}

// Shared is what the Hedgers of one client have in common. The zero value is
// ready.
type Shared struct {
	latencies Latencies
	sent, won atomic.Int64
}

// Sent is how many further attempts were sent, for whichever reason. Won is how
// many of them were the first to answer.
func (s *Shared) Sent() int64 { return s.sent.Load() }

// Won is described at Sent.
func (s *Shared) Won() int64 { return s.won.Load() }

// New is a Hedger of a policy that is valid. throttle is the policy's Budget,
// which Hedgers may share; nil is no bound.
func New(p Policy, shared *Shared, throttle *retry.Throttle) *Hedger {
	h := &Hedger{policy: p, codes: further.CodesOf(p.Codes), shared: shared, throttle: throttle}
	if p.Off {
		h.policy.Attempts = 1
	}
	return h
}

// Policy is the policy; one that is Off has one attempt.
func (h *Hedger) Policy() Policy { return h.policy }

// Hedges reports whether streams of a sort can be hedged: those on which the
// server alone sends more than one message.
func Hedges(desc *grpc.StreamDesc) bool { return desc.ServerStreams && !desc.ClientStreams }

// account is where the method's latencies are kept, nil where nobody asks.
func (h *Hedger) account(method string) *account {
	if h.policy.After.Percentile == 0 || h.policy.Attempts == 1 {
		return nil
	}
	return h.shared.latencies.of(method, h.policy.After.Percentile)
}

// after is how long an attempt of a call may be without an answer; 0 is for ever.
func (h *Hedger) after(a *account) time.Duration {
	if a == nil {
		return h.policy.After.Delay
	}
	return a.after()
}
