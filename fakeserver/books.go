package fakeserver

import (
	"context"
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

// books is what one backend counts between two resets. Calls take no lock.
type books struct {
	attempts [methodCount]atomic.Int64
	unknown  atomic.Int64 // attempts at methods that do not exist
	arrivals [methodCount]atomic.Uint64
	answers  [len(codeNames)]atomic.Int64
	faults   []atomic.Int64 // by rule
	kinds    []string       // of the rules
	labels   []string       // of the rules

	inFlight, inService     atomic.Int64
	services, asked, actual atomic.Int64
	opened, openConns       atomic.Int64
}

func newBooks(rules []fault.Rule) *books {
	b := &books{faults: make([]atomic.Int64, len(rules)), kinds: make([]string, len(rules)), labels: fault.Labels(rules)}
	for i, r := range rules {
		b.kinds[i] = r.Inject.Kind()
	}
	return b
}

// answered counts the end of a call whose handler returned err. A caller that
// is gone gets no answer, whatever the handler thinks: it counts as CANCELLED,
// also when its deadline passed, for whether the backend's own timer or the
// caller's reset is first to end ctx is a matter of luck.
func (b *books) answered(ctx context.Context, err error) {
	code := status.Code(err)
	switch {
	case ctx.Err() != nil:
		code = codes.Canceled
	case int(code) >= len(codeNames):
		code = codes.Unknown
	}
	b.answers[code].Add(1)
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
	s := BackendSnapshot{
		Attempts:          map[string]int64{},
		Codes:             map[string]int64{},
		Faults:            map[string]int64{},
		Rules:             map[string]int64{},
		InFlight:          b.inFlight.Load(),
		InService:         b.inService.Load(),
		ConnectionsOpened: b.opened.Load(),
		ConnectionsOpen:   b.openConns.Load(),
		Services:          b.services.Load(),
		Asked:             time.Duration(b.asked.Load()),
		Actual:            time.Duration(b.actual.Load()),
	}
	count := func(m map[string]int64, name string, n int64) {
		if n != 0 {
			m[name] += n
		}
	}
	for m := range b.attempts {
		count(s.Attempts, methods[m], b.attempts[m].Load())
	}
	count(s.Attempts, "unknown", b.unknown.Load())
	for c := range b.answers {
		count(s.Codes, codeNames[c], b.answers[c].Load())
	}
	for i := range b.faults {
		n := b.faults[i].Load()
		count(s.Faults, b.kinds[i], n)
		count(s.Rules, b.labels[i], n)
	}
	return s
}
