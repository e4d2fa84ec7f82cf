// Package engine drives the load of one trial: workers, pacing, timestamps,
// recording. It knows no gRPC policy and no report: a Caller makes the calls,
// and what was measured comes out as result.Series, Intervals and Exemplars.
package engine

import (
	"context"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// Plan is one trial's load.
type Plan struct {
	// Seed and Block are what every draw follows from; see Call.Seed.
	Seed  uint64
	Block int
	// Warmup, Measure and Drain are the lengths of the phases. At the end of
	// each of the first two, calls in flight get Drain to end; those that have
	// not are cancelled and, in the measurement, counted unfinished. A Warmup
	// of zero skips the warm-up.
	Warmup, Measure, Drain time.Duration
	Entries                []Entry
	// ClosedPerS is the calls per second that all closed loops together are held
	// to: a worker whose next call would be above it waits, and that is counted
	// in Series.Held. 0 is no limit.
	ClosedPerS float64
	// Barrier runs between warm-up and measurement, when no call is in flight.
	// It returns t0, the start of measurement, which may lie a little ahead.
	// Nil means t0 is now. Its error ends the run.
	Barrier func(ctx context.Context) (t0 time.Time, err error)
	// Enough is asked after each whole second of the measurement; once it says
	// yes, the measurement ends with the second that has just begun, before
	// Measure has passed. It is called from Run's own goroutine and must return
	// quickly. Nil is never.
	Enough func(result.Interval) bool
	// OnMeasured runs when the measurement's length has passed, or when it is
	// interrupted, before the drain: the moment to read what the measurement
	// used. It must return quickly. May be nil.
	OnMeasured func()
	// OnInterval receives each second as it ends, warm-up included: its
	// seconds are negative, the last one -1; its drain has none. The seconds
	// of the drain that follows the measurement count on. It is called from
	// Run's own goroutine and must return quickly; Responses are lent to it
	// until then. May be nil.
	OnInterval func(result.Interval)
	// Sleep waits until a time or until ctx ends, as exactly as it can, and
	// returns ctx's error if that came first. Nil means plain timers, which are
	// exact in the virtual time of testing/synctest but up to about 1 ms late
	// on a real clock: pass SleepUntil there. It serves several goroutines at once.
	Sleep func(ctx context.Context, until time.Time) error
}

// Entry is one load entry: an open loop (Process set) or a closed one (Workers
// set).
type Entry struct {
	Name   string
	Method string // UserService/GetUser or as the scenario calls it
	Kind   result.Kind

	// Open loop: RatePerSecond calls a second on Process, at most MaxInFlight
	// at once; an arrival beyond that is dropped and counted.
	Process       load.Process
	RatePerSecond float64
	MaxInFlight   int
	// Draws names what the arrivals are drawn from: entries with one name of
	// it, process, rate and profile have the same arrivals. Empty is Name.
	Draws string
	// Session is how many calls each arrival makes, one after the other, each
	// Think after the last has ended; below 2 it is one. What would be due when
	// the phase is over is not made. MaxInFlight then bounds the sessions.
	Session int

	// Closed loop: Workers goroutines, each waiting Think between the end of
	// a call and its next.
	Workers int
	Think   time.Duration

	// MaxCalls is the most calls that it makes in a phase: it then has no more, and
	// no arrivals either. 0 is no limit.
	MaxCalls uint64

	// Profile is how rate or workers change over the measurement; nil is not at
	// all. In the warm-up they are what they are at its begin.
	Profile load.Profile

	// SLO is the response time within which an OK call is goodput: the
	// scenario's slo, or the call's timeout where none is set; 0 is no limit.
	SLO time.Duration

	// NewCaller makes the caller of one worker. A worker makes one call at a
	// time, so a Caller may keep buffers. Workers, and so their callers, live
	// through both phases. It may be called from several goroutines at once.
	NewCaller func() Caller
}

// Caller makes one call at a time.
type Caller interface {
	// Call makes one call and fills in the second half of call, which the
	// engine has cleared. ctx ends when the drain does, or when the run is
	// interrupted; Call must then return soon: Run waits for it.
	Call(ctx context.Context, call *Call)
}

// Preparer is a Caller that makes ready what it is going to send. The engine gives
// it the time between learning which call is next and the moment that the call
// is due, so that what it takes is no part of the call's response time.
type Preparer interface {
	Caller
	// Prepare is told of a call before Call is: the fields of its first half but
	// for Dispatch, and Due where it is known, which it is not in a closed loop
	// without think time. Every Call is preceded by a Prepare of the same call.
	// One may come without: the call was dropped, or the phase ended. A call that
	// is overdue is prepared when it is taken, and the time that takes counts, for
	// the call is late already. Prepare must not block and keeps nothing of call.
	Prepare(call *Call)
}

// Call is one call's record. The engine owns and reuses it; a Caller fills it
// and keeps nothing of it after Call returns.
type Call struct {
	// Set by the engine.
	Entry    *Entry
	Warmup   bool
	Worker   int    // closed loop: which worker; sessions: which session; open loop: -1
	Ordinal  uint64 // open loop: n-th arrival of the entry in its phase; closed loop and sessions: the n-th call of it
	Seed     uint64 // a hash of (plan seed, block, entry name, phase, worker, ordinal): never of the variant
	Due      time.Time
	Dispatch time.Time

	// Set by the Caller. Zero times mean "never happened".
	Sent     time.Time // the first attempt entered the channel
	First    time.Time // first response message
	Code     string    // OK, UNAVAILABLE, ...; empty counts as UNKNOWN
	Origin   result.Origin
	Message  string
	Picks    int64            // attempts that a balancer picked a backend for
	Attempts []result.Attempt // reused: append to Attempts[:0]
	// Gaps between consecutive response messages; reused likewise. StartNS of
	// attempts counts from Due.
	Gaps []time.Duration
	// Responses are those of paced messages, each from when its request was
	// due; reused likewise.
	Responses []time.Duration
	// Lags are how late each paced message but the first left by the generator's own
	// doing; reused likewise. They count as lag beside the call's own.
	Lags []time.Duration

	// Done is when the call had ended: set by the engine when Call returns, unless
	// the Caller has set it, which then looks at what came without the call's taking
	// any longer; the worker's next call begins after that.
	Done time.Time
}

// Outcome is what one trial measured.
type Outcome struct {
	// T0 is the start of measurement; Measured how long it lasted: the plan's
	// Measure, or less when interrupted.
	T0       time.Time
	Measured time.Duration
	// Partial is set when ctx ended during the measurement or its drain. When
	// it ends before t0, Run returns its error and no outcome.
	Partial bool
	Series  []result.Series // in the order of the plan's entries
	// Intervals are the seconds of the measurement and its drain. Their counts
	// add up to those of Series.
	Intervals []result.Interval
	// Exemplars are the 20 slowest calls, slowest first, then the first 3 of
	// each error of each entry, by time. A call may be among both.
	Exemplars []result.Exemplar
	// LagP99 is the 99th percentile of lag, of the calls of open loops and of paced
	// messages; 0 without any.
	LagP99 time.Duration
	// SentShare is the lowest (planned − dropped − never dispatched) ÷ planned
	// of the open-loop entries; 1 without any. Arrivals that the generator was
	// too late to dispatch before the end of the drain count as unfinished.
	SentShare float64
}
