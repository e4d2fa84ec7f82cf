package run

import (
	"context"
	"errors"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/rpc"
)

const (
	// connectPatience is how long a fresh client may take to connect. A client
	// that does not is measured all the same: connecting is part of its job.
	connectPatience = 5 * time.Second
	// settlePatience is how long the fleet may take to come to rest.
	settlePatience = 5 * time.Second
	// leastLead is how far ahead of now t0 is put at least, so that the fleet's
	// clock is set before it.
	leastLead = 10 * time.Millisecond
)

// errFleetDied is the cause of a trial's end when its fleet is gone.
var errFleetDied = errors.New("the fleet's process ended")

// trial runs one trial of one variant. When ctx ends during the measurement
// the trial comes back partial; before it, nil. A fleet that died makes the
// trial INVALID, and the next one starts it again.
func (r *runner) trial(ctx context.Context, block int, v *scenario.Variant) (*result.Trial, error) {
	r.progress.begin(v.Name, block)
	if err := r.backends.prepare(ctx, v, r.plan.Seed, block); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	defer func() { cancel(nil); <-watched }()
	go func(died <-chan struct{}) {
		defer close(watched)
		select {
		case <-died:
			cancel(errFleetDied)
		case <-ctx.Done():
		}
	}(r.backends.died())

	clients, err := newClients(v, r.backends, r.plan.Seed, block, r.deps)
	if err != nil {
		return nil, err
	}
	defer clients.Close()
	if !connectsByCalls(v.Scenario) {
		connecting, done := context.WithTimeout(ctx, connectPatience)
		clients.waitReady(connecting)
		done()
	}

	t := &trial{runner: r, variant: v, block: block, clients: clients, pools: poolLog{}}
	if v.Scenario.Fleet != nil {
		r.progress.phase(WarmingUp)
		// Announced so that fault windows with a negative `at` open in the
		// warm-up. The barrier sets the real one.
		err := r.backends.startAt(ctx, time.Now().Add(r.plan.Warmup), false)
		switch {
		case errors.Is(context.Cause(ctx), errFleetDied), err != nil && r.backends.dead(ctx, err):
			return t.dead(nil), nil
		case err != nil:
			return nil, err
		}
	}
	load, err := t.plan()
	if err != nil {
		return nil, err
	}
	outcome, err := engine.Run(ctx, load)
	if errors.Is(context.Cause(ctx), errFleetDied) || err != nil && r.backends.dead(ctx, err) {
		return t.dead(outcome), nil
	}
	if err != nil {
		return nil, err
	}
	// The account is settled even when the run was interrupted: it is what
	// makes a partial trial worth keeping.
	return t.account(context.WithoutCancel(ctx), outcome)
}

// trial is one trial under way, with both sides' counters as they stood at t0.
type trial struct {
	*runner
	variant *scenario.Variant
	block   int
	clients *clients

	fleetBefore  fakeserver.Snapshot
	clientBefore clientcore.Stats
	usageBefore  Usage
	usageAfter   Usage
	connections  int
	pools        poolLog
}

// watcher looks out for what makes the run hopeless. A probe of a capacity is of
// no variant of the plan, and goes where it hurts on purpose: it has none.
func (t *trial) watcher() *gate.Watcher {
	plan := t.runner.plan
	for i := range plan.Variants {
		if &plan.Variants[i] == t.variant {
			return gate.NewWatcher(plan.AbortWhen, plan.Subject(), i)
		}
	}
	return gate.NewWatcher(nil, plan.Subject(), 0)
}

// plan is the trial's load for the engine.
func (t *trial) plan() (engine.Plan, error) {
	s := t.variant.Scenario
	sendID := s.Fleet != nil && s.Fleet.NeedsCallID()
	names := t.backends.names()
	watcher, length := t.watcher(), newLength(s, t.runner.plan.Measure)
	p := engine.Plan{
		Seed: t.runner.plan.Seed, Block: t.block,
		Warmup: t.runner.plan.Warmup, Measure: t.runner.plan.Measure, Drain: t.runner.plan.Drain,
		ClosedPerS: s.ClosedRate(), Barrier: t.barrier, Sleep: t.deps.Sleep,
		OnInterval: func(i result.Interval) {
			stats := t.clients.stats()
			t.pools.note(i.Second, stats)
			t.clients.breakers.count(i.Second, stats.Breaker.Breakers)
			t.progress.interval(i, t.runner.plan.Warmup+time.Duration(i.Second+1)*time.Second)
			// What only ends in the drain comes too late to stop anything.
			if length.has(i) {
				if reason := watcher.Add(i); reason != "" {
					t.abort(reason)
				}
			}
		},
		OnMeasured: func() {
			t.usageAfter = t.usage()
			t.connections = t.clients.stats().Connections
		},
	}
	if length.until != nil {
		p.Enough = length.enough
	}
	for _, l := range s.Load {
		own, err := t.own(s, &l)
		if err != nil {
			return engine.Plan{}, err
		}
		key, always := userKey(s)
		// Validation has checked the method.
		newDriver, err := rpc.New(rpc.Spec{
			Method: l.Method(), Own: own, Messages: l.Messages, Every: l.Every(), Sleep: t.deps.Sleep,
			RequestBytes: l.Request, ResponseBytes: l.Response,
			RequestSize: l.RequestSizes.Sampler(), ResponseSize: l.ResponseSizes.Sampler(), User: l.Keys.Sampler(rpc.Users),
			SendCallID: sendID, UserKey: key, KeyAlways: always,
		})
		if err != nil {
			return engine.Plan{}, err
		}
		timeout := t.variant.CallTimeout(l.Method())
		slo := l.SLO
		if slo == 0 {
			slo = timeout
		}
		checker := l.Checker()
		process, rate, draws := l.Process()
		session, think := 0, l.Think
		if l.Sessions != nil {
			session, think = l.Sessions.Calls, l.Sessions.Think
		}
		p.Entries = append(p.Entries, engine.Entry{
			Name: l.Name, Method: l.Method(), Kind: l.Kind(),
			Process: process, RatePerSecond: rate, Draws: draws, MaxInFlight: l.MaxInFlight, Session: session,
			Workers: l.Workers, Think: think, MaxCalls: mostCalls(&l), Profile: l.Shape.Profile(), SLO: slo,
			NewCaller: func() engine.Caller {
				c := &caller{
					clients: t.clients, driver: newDriver(), sendID: sendID, names: names, timeout: timeout, stream: l.Kind() != result.Unary,
				}
				if checker != nil {
					c.answer = checker.Answer()
					c.call.Answers = c.answer
				}
				if p, ok := c.driver.(rpc.Preparer); ok {
					return &preparing{caller: c, driver: p}
				}
				return c
			},
		})
	}
	return p, nil
}

// connectsByCalls is whether channels connect with the calls that come to them, and
// are not ready before: lazy ones, and those that go by grpc-go's ring_hash by xDS.
// The warm-up connects them.
func connectsByCalls(s *scenario.Scenario) bool { return s.Client.Pool.Lazy || ringHashed(s) }

// ringHashed is whether the control plane has clients go by grpc-go's ring_hash.
func ringHashed(s *scenario.Scenario) bool {
	return s.Fleet != nil && s.Fleet.XDS != nil && s.Fleet.XDS.Policy == fakeserver.XDSRingHash
}

// userKey is the metadata by which calls are placed, "" where none is; always is
// that every call needs it, for grpc-go's ring_hash looks into no request.
func userKey(s *scenario.Scenario) (key string, always bool) {
	if ringHashed(s) {
		return fakeserver.XDSHashHeader, true
	}
	_, header, _ := s.Client.Balance.Key()
	return header, false
}

// barrier stands between warm-up and measurement: it waits for the fleet to be
// at rest, notes both sides' counters and sets the fleet's clock.
func (t *trial) barrier(ctx context.Context) (time.Time, error) {
	t.clientBefore = t.clients.stats()
	if t.variant.Scenario.Fleet == nil {
		t.usageBefore = t.usage()
		t0 := time.Now()
		t.progress.measuring(t0)
		return t0, nil
	}
	// What the warm-up's callers have left behind is the warm-up's.
	before, err := t.backends.settle(ctx, settlePatience, true)
	if err != nil && !errors.Is(err, errBusy) {
		return time.Time{}, err
	}
	t.fleetBefore = before
	t0 := time.Now().Add(t.backends.startLead())
	if err := t.backends.startAt(ctx, t0, true); err != nil {
		return time.Time{}, err
	}
	t.clients.churn(t0)
	t.usageBefore = t.usage()
	t.progress.measuring(t0)
	return t0, nil
}

func (t *trial) usage() Usage {
	if t.deps.Usage == nil {
		return Usage{}
	}
	return t.deps.Usage()
}

// dead is the trial whose fleet died: what was measured until then, INVALID.
func (t *trial) dead(o *engine.Outcome) *result.Trial {
	out := &result.Trial{Block: t.block, Partial: true, State: result.NotRecovered, Validity: valid()}
	if o != nil {
		out.Started, out.MeasuredNS = o.T0.UTC(), int64(o.Measured)
		out.Series, out.Intervals, out.Exemplars = o.Series, o.Intervals, o.Exemplars
		t.clients.breakers.place(out, o.T0, t.backends.names())
	}
	t.pools.place(out.Intervals)
	out.Series, out.Intervals, out.Exemplars = list(out.Series), list(out.Intervals), list(out.Exemplars)
	out.Validity.Add(result.Reason{Code: "fleet_died", Verdict: result.Invalid, Figure: 1, Detail: "the fleet's process ended, or answered no more, during the trial"})
	return out
}

// list is what JSON writes as a list, also when there is nothing in it.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// account closes the books of a measured trial.
func (t *trial) account(ctx context.Context, o *engine.Outcome) (*result.Trial, error) {
	out := &result.Trial{
		Block: t.block, Partial: o.Partial, Started: o.T0.UTC(), MeasuredNS: int64(o.Measured),
		Series: list(o.Series), Intervals: list(o.Intervals), Exemplars: list(o.Exemplars),
		Validity: valid(),
	}
	var settled error
	var services int64
	if t.variant.Scenario.Fleet != nil {
		after, err := t.backends.settle(ctx, settlePatience, false)
		if err != nil && !errors.Is(err, errBusy) {
			// Ended or frozen: its half of the account is lost.
			return t.dead(o), nil
		}
		settled = err
		out.Fleet = fleetAccount(after, t.fleetBefore)
		out.Fleet.Remotes = t.backends.remotes()
		for _, b := range after.Sub(t.fleetBefore).Backends {
			services += b.Services
		}
	}
	out.Client = t.clientAccount(o)
	if fleet := t.variant.Scenario.Fleet; fleet != nil && fleet.Front != fakeserver.NoFront {
		out.Client.Imbalance = fleetImbalance(out.Fleet)
	}
	t.pools.place(out.Intervals)
	t.clients.breakers.place(out, o.T0, t.backends.names())
	reconcile(out, settled, underWay(t.fleetBefore), lateAttempts(t.clientBefore.Attempts, t.fleetBefore))
	judge(out, o, t.variant.Scenario.Fleet)
	judgeUsage(&out.Validity, t.usageBefore, t.usageAfter, o.Measured)
	judgeServiceTime(&out.Validity, out.Fleet, services, t.variant.Scenario.Fleet)
	loads, level := t.variant.Scenario.Load, alpha(t.runner.plan)
	for i := range loads {
		judgeArrivals(&out.Validity, out, &loads[i], level)
	}
	out.State = state(out, t.variant.Scenario.Fleet, loads, level)
	return out, nil
}

// fleetAccount is what the fleet counted between two snapshots.
func fleetAccount(after, before fakeserver.Snapshot) *result.Fleet {
	f := &result.Fleet{}
	var asked, actual time.Duration
	was := map[string]int64{} // open connections, by backend
	for _, b := range before.Backends {
		was[b.Name] = b.ConnectionsOpen
	}
	for _, b := range after.Sub(before).Backends {
		asked, actual = asked+b.Asked, actual+b.Actual
		f.Backends = append(f.Backends, result.Backend{
			Name: b.Name, Address: b.Address, Attempts: b.Attempts, Codes: b.Codes, Faults: b.Faults, Rules: b.Rules, Refused: b.Refused,
			InFlight: b.InFlight, Series: attemptSeries(b.Series), Wasted: b.Wasted, WastedNS: int64(b.WastedTime),
			Connections: result.FleetConnections{
				Opened: b.ConnectionsOpened, Closed: was[b.Name] + b.ConnectionsOpened - b.ConnectionsOpen,
				Killed: b.ConnectionsKilled, Open: b.ConnectionsOpen,
			},
			QueueLength: resultBuckets(b.QueueLength), QueueWaitNS: resultBuckets(b.QueueWait),
			WastedSeconds: wastedSeconds(b.WastedSeconds),
		})
	}
	if asked > 0 {
		f.ActualOverAsked = float64(actual) / float64(asked)
	}
	return f
}

func attemptSeries(all []fakeserver.AttemptsSnapshot) []result.AttemptSeries {
	var out []result.AttemptSeries
	for _, a := range all {
		out = append(out, result.AttemptSeries{Method: a.Method, Kind: a.Kind, Attempt: a.Attempt, Received: a.Received,
			Codes: a.Codes, Rules: a.Rules, Abandoned: a.Abandoned})
	}
	return out
}

func wastedSeconds(all []fakeserver.WastedSecond) []result.WastedSecond {
	var out []result.WastedSecond
	for _, s := range all {
		out = append(out, result.WastedSecond{Second: s.Second, NS: int64(s.Time)})
	}
	return out
}

func resultBuckets(h fakeserver.Histogram) []result.Bucket {
	var out []result.Bucket
	for _, b := range h {
		out = append(out, result.Bucket{Max: b.Max, Count: b.Count})
	}
	return out
}
