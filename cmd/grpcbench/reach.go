package main

import (
	"context"

	"github.com/grpcbench/grpcbench/scenario"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// reach finds out whether the plan's targets can be reached at all, before
// anything is written.
func (a *app) reach(ctx context.Context, plan *scenario.Plan) error {
	err := bench.Reach(ctx, plan, bench.Deps{Dial: a.Dial})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &exitError{code: exitInterrupted, message: "grpcbench: interrupted before the first call"}
	}
	return usageError("%v", err)
}
