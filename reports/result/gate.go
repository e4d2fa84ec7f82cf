package result

// GateOutcome is how a gate, or one case of it, turned out.
type GateOutcome string

// The outcomes. A gate has the worst of its cases'.
const (
	GatePassed       GateOutcome = "passed"
	GateFailed       GateOutcome = "failed"
	GateInconclusive GateOutcome = "inconclusive" // what was measured cannot tell
	GateNotJudged    GateOutcome = "not judged"   // the measurement is INVALID
)

// Gate is a condition that the result was judged by, and how it turned out.
type Gate struct {
	// Text is the condition as it was written.
	Text    string      `json:"gate"`
	Outcome GateOutcome `json:"outcome"`
	// Reason says why the gate as a whole is inconclusive, or was not judged.
	Reason string `json:"reason,omitempty"`
	// Metric is the figure's name; Unit is ns, share, per_s or number.
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	// Op is <, <=, > or >=.
	Op string `json:"op"`
	// Reference is what the figure is compared with: empty for Limit alone,
	// baseline, or the name of a stored result. Compared is then ratio or
	// difference: what Limit and the cases' figures are, of the figure and the
	// reference's.
	Reference string  `json:"reference,omitempty"`
	Compared  string  `json:"compared,omitempty"`
	Limit     float64 `json:"limit"`
	// Comparisons is how many intervals hold together at 95 %, where figures are
	// compared.
	Comparisons int        `json:"comparisons,omitempty"`
	Cases       []GateCase `json:"cases"`
}

// The values of Gate.Compared.
const (
	GateRatio      = "ratio"
	GateDifference = "difference"
)

// GateCase is one variant and load entry that a gate was judged for.
type GateCase struct {
	Variant string `json:"variant"`
	// Load is empty for a figure of the whole trial.
	Load    string      `json:"load,omitempty"`
	Outcome GateOutcome `json:"outcome"`
	// Trials is how many had a say.
	Trials int `json:"trials"`
	// Figure is what was seen, or, compared with a reference, the estimate of how
	// it differs; null where it is not known, and with OnFailed where it lands on
	// a call that failed.
	Figure   *float64 `json:"figure"`
	OnFailed bool     `json:"on_failed,omitempty"`
	// Low and High are the interval that the verdict is about. Both are null where
	// the figure alone was judged; one of them where it has no bound on that side.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
	// Reason says why the case is inconclusive, or what was judged instead of an
	// interval.
	Reason string `json:"reason,omitempty"`
}
