package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// ServeTrials runs trials on the command of another build of grpcbench at the
// other end of in and out, until in is at its end or ctx ends; see Protocol. It
// calls a fleet that the other has started, and starts none.
func ServeTrials(ctx context.Context, in io.Reader, out io.Writer, deps Deps, version string) error {
	s := &trialServer{deps: deps, lines: json.NewEncoder(out), orders: json.NewDecoder(bufio.NewReader(in))}
	if err := s.lines.Encode(greeting{Protocol: Protocol, Schema: result.SchemaVersion, Environment: environment(version)}); err != nil {
		return err
	}
	var asked planOrder
	if err := s.orders.Decode(&asked); err != nil {
		return ended(err)
	}
	plan, err := scenario.Read(asked.File, []byte(asked.Text), scenario.Options{
		Set: asked.Set, Only: asked.Only, Trials: asked.Trials, Measure: time.Duration(asked.MeasureNS),
	})
	if err == nil {
		err = plan.CheckSecrets()
	}
	if err != nil {
		return s.lines.Encode(planAnswer{Refused: err.Error()})
	}
	if err := s.lines.Encode(planAnswer{Sum: planSum(plan)}); err != nil {
		return err
	}
	// The other watches for what makes the run hopeless: it sees all trials.
	plan.AbortWhen = nil
	s.plan = plan
	return s.serve(ctx)
}

// ended is nil for an input that ended where it may.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("reading an order: %w", err)
}

// trialServer is one build at the command of another.
type trialServer struct {
	deps   Deps
	plan   *scenario.Plan
	orders *json.Decoder

	mu    sync.Mutex // of lines: intervals come from goroutines of the engine
	lines *json.Encoder
	lost  error // what a line met
}

func (s *trialServer) say(r trialReport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lines.Encode(r); err != nil && s.lost == nil {
		s.lost = err
	}
}

// serve takes orders, one trial after the other.
func (s *trialServer) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders, failed := make(chan order), make(chan error, 1)
	go func() {
		for {
			var o order
			if err := s.orders.Decode(&o); err != nil {
				failed <- ended(err)
				cancel() // nobody is there to hear of the trial
				return
			}
			select {
			case orders <- o:
			case <-ctx.Done():
				return
			}
		}
	}()
	for s.lost == nil {
		select {
		case o := <-orders:
			if o.Trial != nil {
				// Said once nobody in there hears orders any more: the next is for us.
				s.say(s.trial(ctx, *o.Trial, orders))
			} // a stop came too late for its trial
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
	return s.lost
}

// trial runs one, until it is done or orders say to stop, and returns the last
// that is to be said of it.
func (s *trialServer) trial(ctx context.Context, o trialOrder, orders <-chan order) trialReport {
	var variant *scenario.Variant
	for i := range s.plan.Variants {
		if s.plan.Variants[i].Name == o.Variant {
			variant = &s.plan.Variants[i]
		}
	}
	if variant == nil {
		return trialReport{Error: fmt.Sprintf("there is no variant %s", o.Variant)}
	}
	died := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	heard := make(chan struct{})
	defer func() { cancel(); <-heard }()
	go func() {
		defer close(heard)
		for once := died; ; {
			select {
			case stop := <-orders:
				switch {
				case stop.FleetDied && once != nil:
					close(once)
					once = nil
				case stop.Stop:
					cancel()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	backends, err := lentBackends(ctx, variant, s.deps, o, died)
	if err != nil {
		return trialReport{Error: err.Error()}
	}
	defer backends.close()
	// As a run does before its first trial: what only the target knows is asked of
	// it when it is to be called anyway.
	if err := Bind(ctx, s.plan, s.deps); err != nil {
		if ctx.Err() != nil {
			return trialReport{Done: true}
		}
		return trialReport{Error: err.Error()}
	}
	r := &runner{plan: s.plan, deps: s.deps, backends: backends, abort: func(string) {}}
	r.progress = newProgress(s.plan, func(p Progress) { s.say(trialReport{Phase: p.Phase, T0: p.T0, Interval: p.Interval}) })
	t, err := r.trial(ctx, o.Block, variant)
	if err != nil && ctx.Err() == nil {
		return trialReport{Error: err.Error()}
	}
	return trialReport{Trial: t, Done: true}
}
