package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/plain"
)

// The exit codes. Where several apply, the first of 130, 1, 2, 3, 99, 4, 0 counts.
const (
	exitOK           = 0
	exitInternal     = 1
	exitUsage        = 2
	exitInvalid      = 3
	exitInconclusive = 4
	exitGate         = 99
	exitInterrupted  = 130
)

// exitMeaning is an exit code in words.
type exitMeaning struct {
	code    int
	meaning string
}

func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitOK, "It ran, and every gate passed."},
		{exitInternal, "An internal error; of grpcbench call: the call failed."},
		{exitUsage, "A mistake on the command line or in a scenario, or a server that cannot be reached before the first call."},
		{exitInvalid, "The measurement is INVALID."},
		{exitInconclusive, "A gate is inconclusive, and --inconclusive=pass is not given."},
		{exitGate, "A gate failed, or abort_when stopped the run."},
		{exitInterrupted, "Interrupted: what was measured is written, marked partial."},
	}
}

// exitError ends the command with a code; an empty message prints nothing.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, message: "grpcbench: " + fmt.Sprintf(format, args...)}
}

func internalError(err error) error {
	return &exitError{code: exitInternal, message: "grpcbench: " + err.Error()}
}

// scenarioError is an error in a document, printed as it stands: its lines
// begin with file, line and column already.
func scenarioError(err error) error {
	return &exitError{code: exitUsage, message: err.Error()}
}

// why is the codes of what makes a result INVALID, in brackets.
func why(r *result.Result) string {
	var codes []string
	for _, reason := range r.Validity.Reasons {
		if reason.Verdict == result.Invalid && !slices.Contains(codes, reason.Code) {
			codes = append(codes, plain.Text(reason.Code))
		}
	}
	if len(codes) == 0 {
		return ""
	}
	return " (" + strings.Join(codes, ", ") + ")"
}

// verdict is the exit that a result asks for. A result that is partial without
// an interruption has an error beside it.
func verdict(ctx context.Context, r *result.Result) error {
	switch {
	case r.Partial && ctx.Err() != nil:
		return &exitError{code: exitInterrupted, message: "grpcbench: interrupted; the result is partial"}
	case r.Validity.Verdict == result.Invalid:
		return &exitError{code: exitInvalid, message: "grpcbench: the measurement is INVALID" + why(r) + "; reports and result.json have the reasons"}
	case r.Aborted != "":
		return &exitError{code: exitGate, message: "grpcbench: aborted: " + plain.Text(r.Aborted)}
	}
	return nil
}
