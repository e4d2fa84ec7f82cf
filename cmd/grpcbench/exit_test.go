package main

import (
	"context"
	"errors"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

func TestExitCodeOfAResult(t *testing.T) {
	running := t.Context()
	interrupted, cancel := context.WithCancel(running)
	cancel()
	partial := &result.Result{Partial: true, Validity: result.Validity{Verdict: result.Valid}}
	whole := &result.Result{Validity: result.Validity{Verdict: result.Suspect}}
	invalid := &result.Result{Validity: result.Validity{Verdict: result.Invalid}}
	broken := internalError(errors.New("the fleet does not start again"))
	for name, test := range map[string]struct {
		ctx    context.Context
		result *result.Result
		failed error
		want   int
	}{
		"whole and SUSPECT":              {running, whole, nil, exitOK},
		"INVALID":                        {running, invalid, nil, exitInvalid},
		"interrupted":                    {interrupted, partial, nil, exitInterrupted},
		"interrupted too late to matter": {interrupted, whole, nil, exitOK},
		"interrupted and failed":         {interrupted, partial, broken, exitInterrupted},
		"failed half way":                {running, partial, broken, exitInternal},
		"INVALID and failed":             {running, invalid, broken, exitInternal},
		"INVALID, failed gate":           {running, invalid, gateExit(exitGate, &result.Result{}, result.GateFailed), exitInvalid},
		"failed gate, internal error":    {running, whole, mostImportant([]error{broken, gateExit(exitGate, whole, result.GateFailed)}), exitInternal},
		"two gates":                      {running, whole, mostImportant([]error{gateExit(exitInconclusive, whole, result.GateInconclusive), gateExit(exitGate, whole, result.GateFailed)}), exitGate},
		"interrupted, failed gate":       {interrupted, partial, gateExit(exitGate, whole, result.GateFailed), exitInterrupted},
	} {
		var failures []error
		for _, err := range []error{verdict(test.ctx, test.result), test.failed} {
			if err != nil {
				failures = append(failures, err)
			}
		}
		code := exitOK
		var exit *exitError
		if errors.As(mostImportant(failures), &exit) {
			code = exit.code
		}
		if code != test.want {
			t.Errorf("%s: exit code %d, want %d", name, code, test.want)
		}
	}
}

// Whoever prints JSON sees no table: the message itself says what was wrong.
func TestExitOfAnInvalidResultSaysWhy(t *testing.T) {
	r := &result.Result{Validity: result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{
		{Code: "lag_p99", Verdict: result.Invalid}, {Code: "gc_share", Verdict: result.Suspect}, {Code: "lag_p99", Verdict: result.Invalid}, {Code: "sent_share", Verdict: result.Invalid},
	}}}
	const want = "grpcbench: the measurement is INVALID (lag_p99, sent_share); reports and result.json have the reasons"
	if got := verdict(t.Context(), r).Error(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
