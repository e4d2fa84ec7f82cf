// Package run carries out a plan: trial by trial, with a fresh client and a
// reset fleet each time, and brings everything measured into one result.
package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// Deps is what a run takes from its surroundings: the seam for tests, which
// put an in-memory network and virtual time in.
type Deps struct {
	// Listen opens an in-process fleet's listeners; nil is loopback TCP.
	Listen fakeserver.ListenFunc
	// Dial connects to backends and control; nil is TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Spawn starts a fleet in a process of its own.
	Spawn func(ctx context.Context) (*fakeserver.Process, error)
	// Sleep paces open loops; nil is plain timers.
	Sleep func(ctx context.Context, until time.Time) error
	// Logger is where the clients under test log to; nil is slog.Default().
	Logger *slog.Logger
	// Calibrate has what the harness itself adds measured before the first trial.
	// It needs a real clock: in virtual time calls that take none would not end.
	Calibrate bool
	// Usage reads what the process has used; nil leaves CPU and allocations
	// out of the result.
	Usage func() Usage
}

// Options is what the person who starts a run may add to its plan.
type Options struct {
	Note       string
	Labels     map[string]string
	Version    string // of grpcbench
	OnProgress func(Progress)
	// OnStart receives the result before its first trial: what is going to be
	// measured. It may not keep it.
	OnStart func(*result.Result)
	// OnTrial receives the result as it stands after each trial but the last,
	// marked partial: whoever stores it loses nothing when the process is
	// killed. It may keep a copy of the result, of its variants and of their
	// lists of trials (Result.Snapshot): trials do not change any more.
	OnTrial func(*result.Result)
	// Builds runs the trials of a plan that compares builds; nil for any other.
	Builds *Pair
}

// Run carries out the plan. When ctx ends early, what was measured until then
// comes back, marked partial, with a nil error. An error means that nothing
// could be measured at all.
func Run(ctx context.Context, plan *scenario.Plan, deps Deps, opts Options) (*result.Result, error) {
	r := &runner{plan: plan, deps: deps, opts: opts, progress: newProgress(plan, opts.OnProgress)}
	res := newResult(plan, opts)
	started := time.Now()
	defer func() { res.ElapsedNS = int64(time.Since(started)) }()

	if opts.OnStart != nil {
		opts.OnStart(res)
	}

	if err := Bind(ctx, plan, deps); err != nil && ctx.Err() == nil {
		return nil, err
	}
	backends, err := newBackends(ctx, plan, deps)
	if ctx.Err() != nil {
		if err == nil {
			backends.close()
		}
		res.Partial = true
		summarizeValidity(res)
		return res, nil
	}
	if err != nil {
		return nil, fmt.Errorf("starting the fleet: %w", err)
	}
	defer backends.close()
	r.backends = backends
	if err := r.calibrate(ctx, res); err != nil {
		return nil, err
	}

	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	r.abort = func(reason string) { abort(abortedError(reason)) }
	measured := false
	for block := 0; r.another(res, block); block++ {
		order := plan.Block(block)
		for i, index := range order {
			trial, err := r.one(ctx, block, index)
			if trial != nil {
				measured = true
				variant := &res.Variants[index]
				trial.Index = len(variant.Trials)
				variant.Trials = append(variant.Trials, *trial)
			}
			if ctx.Err() != nil {
				res.Partial = true
				if aborted, ok := errors.AsType[abortedError](context.Cause(ctx)); ok {
					res.Aborted = fmt.Sprintf("%s of %s, block %d", aborted, plan.Variants[index].Name, block)
				}
				summarizeValidity(res)
				return res, nil
			}
			if err != nil {
				if !measured {
					return nil, fmt.Errorf("variant %s: %w", plan.Variants[index].Name, err)
				}
				res.Partial = true
				summarizeValidity(res)
				return res, fmt.Errorf("variant %s, block %d: %w", plan.Variants[index].Name, block, err)
			}
			last := i == len(order)-1 && block+1 >= plan.MostTrials()
			if !last && opts.OnTrial != nil {
				res.Partial, res.ElapsedNS = true, int64(time.Since(started))
				summarizeValidity(res)
				opts.OnTrial(res)
				res.Partial = false
			}
		}
	}
	summarizeValidity(res)
	return res, nil
}

// runner is one run under way.
type runner struct {
	plan     *scenario.Plan
	deps     Deps
	opts     Options
	backends *backends
	progress *progress
	abort    func(reason string)
}

// one runs one trial of a variant, here or in the build that the variant is of.
func (r *runner) one(ctx context.Context, block, variant int) (*result.Trial, error) {
	if r.opts.Builds != nil {
		return r.commanded(ctx, block, variant)
	}
	return r.trial(ctx, block, &r.plan.Variants[variant])
}

// calibrate notes in res what the harness itself adds.
func (r *runner) calibrate(ctx context.Context, res *result.Result) (err error) {
	if r.deps.Calibrate {
		res.Calibration, err = calibrate(ctx, r.plan, r.deps.Sleep)
	}
	if err != nil {
		return fmt.Errorf("calibrating: %w", err)
	}
	return nil
}

// abortedError is the cause of a run's end that its scenario asked for.
type abortedError string

func (e abortedError) Error() string { return string(e) }

func newResult(plan *scenario.Plan, opts Options) *result.Result {
	res := &result.Result{
		SchemaVersion: result.SchemaVersion,
		Started:       time.Now().UTC(),
		Seed:          plan.Seed,
		Note:          opts.Note,
		Labels:        map[string]string{},
		Scenario:      describe(plan),
		Environment:   environment(opts.Version),
		Validity:      valid(),
	}
	maps.Copy(res.Labels, opts.Labels)
	if opts.Builds != nil {
		res.Builds = opts.Builds.describe()
	}
	for i := range plan.Variants {
		v := describeVariant(&plan.Variants[i])
		if plan.Targets() {
			v.Target = plan.Variants[i].Scenario.Target
		}
		res.Variants = append(res.Variants, v)
	}
	return res
}
