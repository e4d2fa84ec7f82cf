// Package fault holds what can go wrong, one fault per file. When and for whom
// it happens (window, probability, match) is the Rule's business, outside the
// fault.
package fault

import "time"

// Rule is one line of a scenario's `faults`.
type Rule struct {
	Name string `yaml:"name" doc:"name in tables and results; the fault's kind when left out"`
	// At and For are the window, counted from t0 on the fleet's clock: the
	// rule is judged when an attempt arrives. For 0 lasts to the end.
	At  time.Duration `yaml:"at" doc:"start of the window, counted from the start of measurement; negative reaches into the warm-up"`
	For time.Duration `yaml:"for" doc:"length of the window; to the end when left out"`
	// Probability is the share of matching attempts that meet the fault. Nil
	// is all of them.
	Probability *float64 `yaml:"probability" unit:"share" doc:"share of matching attempts that meet the fault; all when left out"`
	Where       Where    `yaml:"where" doc:"which attempts, or backends, it is for; all when left out"`
	Inject      Inject   `yaml:"inject" doc:"the fault"`
}

// Where narrows a Rule. Empty fields match everything.
type Where struct {
	Backends []int  `yaml:"backends" doc:"numbers of backends, from 0"`
	Method   string `yaml:"method" doc:"name of a method, such as GetUser"`
}
