package fakeserver

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// codeNames are the codes as gRPC writes them.
var codeNames = [...]string{
	codes.OK:                 "OK",
	codes.Canceled:           "CANCELLED",
	codes.Unknown:            "UNKNOWN",
	codes.InvalidArgument:    "INVALID_ARGUMENT",
	codes.DeadlineExceeded:   "DEADLINE_EXCEEDED",
	codes.NotFound:           "NOT_FOUND",
	codes.AlreadyExists:      "ALREADY_EXISTS",
	codes.PermissionDenied:   "PERMISSION_DENIED",
	codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.Aborted:            "ABORTED",
	codes.OutOfRange:         "OUT_OF_RANGE",
	codes.Unimplemented:      "UNIMPLEMENTED",
	codes.Internal:           "INTERNAL",
	codes.Unavailable:        "UNAVAILABLE",
	codes.DataLoss:           "DATA_LOSS",
	codes.Unauthenticated:    "UNAUTHENTICATED",
}

// maxAttempt is the attempt from which on attempts are counted together.
const maxAttempt = 8

// unknownMethod stands for the methods that the fleet does not have.
const unknownMethod = methodCount

// series is one number for each method and attempt.
type series [methodCount + 1][maxAttempt]atomic.Int64

// of is where an attempt, from 1, is counted.
func (s *series) of(m method, attempt int) *atomic.Int64 { return &s[m][min(attempt, maxAttempt)-1] }

// sum is all numbers together.
func (s *series) sum() (n int64) {
	for m := range s {
		for attempt := range s[m] {
			n += s[m][attempt].Load()
		}
	}
	return n
}

// books is what one backend counts between two resets. Calls take no lock, but
// for work that was wasted.
type books struct {
	received  series
	answers   [len(codeNames)]series
	abandoned series // answers to callers that were gone
	arrivals  [methodCount]atomic.Uint64
	rules     atomic.Pointer[[]*ruleCount] // never written to, only replaced

	inFlight, inService     atomic.Int64
	orphans                 atomic.Int64 // calls that are worked on for callers that left
	services, asked, actual atomic.Int64
	opened, openConns       atomic.Int64
	killed                  atomic.Int64
	waste                   waste
}

// ruleCount is how often a fault was met: by attempts, or, where it befalls a
// backend, by windows.
type ruleCount struct {
	label, kind string
	windows     atomic.Int64
	calls       series
}

// newBooks opens the books of a backend. Time is by clock: nil where nothing is
// served.
func newBooks(rules []fault.Rule, clock *clock) *books {
	b := &books{waste: waste{clock: clock}}
	counts := make([]*ruleCount, len(rules))
	for i, label := range fault.Labels(rules) {
		counts[i] = &ruleCount{label: label, kind: rules[i].Inject.Kind()}
	}
	b.rules.Store(&counts)
	return b
}

// rule opens an account for one more rule. The fleet sees to it that there is
// one caller at a time.
func (b *books) rule(label, kind string) *ruleCount {
	c := &ruleCount{label: label, kind: kind}
	counts := append(slices.Clone(*b.rules.Load()), c)
	b.rules.Store(&counts)
	return c
}

// underWay is the calls that occupy the backend.
func (b *books) underWay() int64 { return b.inFlight.Load() + b.orphans.Load() }

// answered counts the end of an attempt whose handler returned err. A caller
// that is gone gets no answer, whatever the handler thinks: it counts as
// CANCELLED, also when its deadline passed, for whether the backend's own timer
// or the caller's reset is first to end ctx is a matter of luck.
func (b *books) answered(ctx context.Context, m method, attempt int, err error) {
	code := status.Code(err)
	switch {
	case ctx.Err() != nil:
		code = codes.Canceled
		b.abandoned.of(m, attempt).Add(1)
	case int(code) >= len(codeNames):
		code = codes.Unknown
	}
	b.answers[code].of(m, attempt).Add(1)
}

// served counts a finished service.
func (b *books) served(asked, actual time.Duration) {
	b.services.Add(1)
	b.asked.Add(int64(asked))
	b.actual.Add(int64(actual))
}

// snapshot reads the counters: each exactly, all of them not at one instant
// unless the backend is idle.
func (b *books) snapshot() BackendSnapshot {
	s := emptySnapshot()
	s.InFlight, s.InService, s.Orphans = b.inFlight.Load(), b.inService.Load(), b.orphans.Load()
	s.ConnectionsOpened, s.ConnectionsOpen, s.ConnectionsKilled = b.opened.Load(), b.openConns.Load(), b.killed.Load()
	s.Services, s.Asked, s.Actual = b.services.Load(), time.Duration(b.asked.Load()), time.Duration(b.actual.Load())
	s.Wasted, s.WastedTime, s.WastedSeconds = b.waste.read()
	counts := *b.rules.Load()
	for m := range methodCount + 1 {
		for attempt := 1; attempt <= maxAttempt; attempt++ {
			one := b.attempts(m, attempt, counts)
			if one.empty() {
				continue
			}
			s.Series = append(s.Series, one)
			count(s.Attempts, one.Method, one.Received)
			for code, n := range one.Codes {
				count(s.Codes, code, n)
			}
			for rule, n := range one.Rules {
				count(s.Rules, rule, n)
			}
		}
	}
	for _, c := range counts {
		// By kind each account for itself: a label may have several, of faults
		// that were removed and added again.
		windows := c.windows.Load()
		count(s.Rules, c.label, windows)
		count(s.Faults, c.kind, windows+c.calls.sum())
	}
	return s
}

// attempts is the account of the attempts of one number at one method.
func (b *books) attempts(m method, attempt int, counts []*ruleCount) AttemptsSnapshot {
	one := AttemptsSnapshot{
		Method: "unknown", Attempt: attempt, Received: b.received.of(m, attempt).Load(),
		Abandoned: b.abandoned.of(m, attempt).Load(), Codes: map[string]int64{}, Rules: map[string]int64{},
	}
	if m != unknownMethod {
		one.Method, one.Kind = methods[m], string(m.kind())
	}
	for c := range b.answers {
		count(one.Codes, codeNames[c], b.answers[c].of(m, attempt).Load())
	}
	for _, c := range counts {
		count(one.Rules, c.label, c.calls.of(m, attempt).Load())
	}
	return one
}

func count(m map[string]int64, name string, n int64) {
	if n != 0 {
		m[name] += n
	}
}
