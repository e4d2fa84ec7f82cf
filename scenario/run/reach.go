package run

import (
	"context"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/dial"
)

// Reach connects once to every target of the plan, each way that a variant does,
// and makes no call: what cannot be reached before a run is told now and not by
// the table at its end. The error is a *dial.UnreachableError, or ctx's. A fleet
// is the run's own, and targets that only a look-aside balancer knows the backends
// of are left to the run.
func Reach(ctx context.Context, plan *scenario.Plan, deps Deps) error {
	type way struct {
		target, authority string
		secure            bool
		tls               clientcore.TLS
	}
	seen := map[way]bool{}
	for i := range plan.Variants {
		s := plan.Variants[i].Scenario
		if s.Fleet != nil || s.Client.Balance.NeedsLookaside() {
			continue
		}
		w := way{target: s.Target, authority: s.Client.Authority, secure: s.Client.TLS != nil}
		if w.secure {
			w.tls = *s.Client.TLS
		}
		if seen[w] {
			continue
		}
		seen[w] = true
		if err := reach(ctx, s, deps); err != nil {
			return err
		}
	}
	return nil
}

func reach(ctx context.Context, s *scenario.Scenario, deps Deps) error {
	target, resolvers, err := s.DialTarget()
	if err != nil {
		return err
	}
	c, err := dial.Open(ctx, dial.Config{
		Target: s.Target, Dial: target, Resolvers: resolvers, TLS: s.Client.TLS, Authority: s.Client.Authority, Connect: deps.Dial,
	})
	if err != nil {
		return err
	}
	return c.Close()
}
