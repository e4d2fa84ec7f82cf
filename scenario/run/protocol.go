package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// Protocol is the version of what two builds of grpcbench say to one another, of
// which one runs trials on the other's command: JSON values, one a line, over the
// runner's standard input and output.
//
//	runner → commander: greeting
//	commander → runner: planOrder; runner → commander: planAnswer
//	then for each trial
//	commander → runner: an order with a trial, and possibly one to stop it
//	runner → commander: trialReport with a phase or an interval, any number of
//	them; the last has the trial or an error
//
// The runner ends when its standard input does. Raise Protocol when a build that
// has the change and one that has not would misunderstand each other; new fields
// that the other may ignore are no such change.
const Protocol = 1

// greeting is the runner's first line: who it is.
type greeting struct {
	Protocol int `json:"protocol"`
	// Schema is the version of result.json that its trials are written in.
	Schema      int                `json:"schema_version"`
	Environment result.Environment `json:"environment"`
}

// planOrder is the scenario, which each build reads for itself.
type planOrder struct {
	File      string   `json:"file"`
	Text      string   `json:"text"`
	Set       []string `json:"set,omitempty"`
	Only      []string `json:"only,omitempty"`
	Trials    int      `json:"trials,omitempty"`
	MeasureNS int64    `json:"measure_ns,omitempty"`
}

// planAnswer is what the runner made of it.
type planAnswer struct {
	// Refused says why it cannot run the scenario.
	Refused string `json:"refused,omitempty"`
	// Sum is planSum of its plan.
	Sum string `json:"plan_sha256,omitempty"`
}

// trialOrder asks for one trial.
type trialOrder struct {
	Variant string `json:"variant"`
	Block   int    `json:"block"`
	// Fleet and Token are where the fleet's control is, and its token; empty where
	// the scenario says how to reach it.
	Fleet string `json:"fleet,omitempty"`
	Token string `json:"token,omitempty"`
}

// order is any line from the commander after the plan.
type order struct {
	Trial *trialOrder `json:"trial,omitempty"`
	// Stop ends the trial under way: it comes back partial. FleetDied makes it
	// INVALID. Either is late, and nothing, once the trial is done.
	Stop      bool `json:"stop,omitempty"`
	FleetDied bool `json:"fleet_died,omitempty"`
}

// trialReport is one line about a trial.
type trialReport struct {
	Phase Phase `json:"phase,omitempty"`
	// T0 is when the measurement began; zero before.
	T0       time.Time        `json:"t0,omitzero"`
	Interval *result.Interval `json:"interval,omitempty"`
	// Trial is null, and Done set, where a stop came before the measurement.
	Trial *result.Trial `json:"trial,omitempty"`
	Done  bool          `json:"done,omitempty"`
	Error string        `json:"error,omitempty"`
}

// planSum is the hex digest of what a plan measures, as far as two builds have to
// agree on it: its seed, times, and each variant with its load and faults.
func planSum(plan *scenario.Plan) string {
	type sum struct {
		Seed                   uint64
		Warmup, Measure, Drain int64
		Variants               []result.Variant
	}
	s := sum{Seed: plan.Seed, Warmup: int64(plan.Warmup), Measure: int64(plan.Measure), Drain: int64(plan.Drain)}
	for i := range plan.Variants {
		s.Variants = append(s.Variants, describeVariant(&plan.Variants[i]))
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // of strings and numbers: it cannot fail
	}
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:])
}
