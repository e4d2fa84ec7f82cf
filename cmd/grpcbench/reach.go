package main

import (
	"context"
	"errors"

	"github.com/grpcbench/grpcbench/scenario"
	bench "github.com/grpcbench/grpcbench/scenario/run"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// reach finds out whether the plan's targets can be reached at all, and whether what
// is to be sent to them is what they take, before anything is written. told makes
// of the mistakes of the plan's document what the user is told.
func (a *app) reach(ctx context.Context, plan *scenario.Plan, told func(strict.Errors) error) error {
	deps := bench.Deps{Dial: a.Dial}
	err := bench.Reach(ctx, plan, deps)
	if err == nil {
		err = bench.Bind(ctx, plan, deps)
		if mistakes, ok := errors.AsType[strict.Errors](err); ok {
			return told(mistakes)
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &exitError{code: exitInterrupted, message: "grpcbench: interrupted before the first call"}
	}
	return usageError("%v", err)
}

// inFile tells mistakes by their places.
func inFile(mistakes strict.Errors) error { return scenarioError(mistakes) }
