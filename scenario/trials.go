package scenario

import (
	"fmt"
	"strconv"

	"github.com/grpcbench/grpcbench/reports/stats"
)

// Trials is a number of trials as a document writes it: 0 where it leaves it
// out, AutoTrials for `auto`.
type Trials int

// AutoTrials is as many trials as it takes.
const AutoTrials Trials = -1

// mostTrials keeps a mistaken number from planning a run of years.
const mostTrials = 100_000

// UnmarshalText reads a number or auto.
func (t *Trials) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*t = AutoTrials
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("must be a whole number, or auto (got %s)", text)
	}
	if n < 1 || n > mostTrials {
		return fmt.Errorf("must be from 1 to %d, auto, or left out for as many as the comparisons need (got %d)", mostTrials, n)
	}
	*t = Trials(n)
	return nil
}

// Defaults of trials: auto.
const (
	defaultPrecision = 0.05
	defaultMaxTrials = 30
)

// checkTrials finds what is wrong with the number of trials.
func (s *Scenario) checkTrials(p *problems) {
	for _, key := range []string{"precision", "max_trials"} {
		if p.root.Get(key) != nil && s.Trials != AutoTrials {
			p.addUnlessKnown(key, "is for trials: auto")
		}
	}
	if p.root.Get("precision") != nil && !(s.Precision > 0) {
		p.addUnlessKnown("precision", "must be > 0%% (got %v)", s.Precision)
	}
	if p.root.Get("max_trials") != nil && (s.MaxTrials < 1 || s.MaxTrials > mostTrials) {
		p.addUnlessKnown("max_trials", "must be from 1 to %d (got %d)", mostTrials, s.MaxTrials)
	}
}

// settleTrials decides how many trials there are, or at most.
func (p *Plan) settleTrials() {
	needed := max(TrialsNeeded(p.Comparisons()), p.gateTrials())
	switch p.Trials = int(p.Base.Trials); {
	case p.Base.Trials == AutoTrials:
		p.Precision, p.MaxTrials = p.Base.Precision, p.Base.MaxTrials
		if p.Precision == 0 {
			p.Precision = defaultPrecision
		}
		if p.Comparisons() == 0 {
			needed = TrialsNeeded(1) // the fewest that give a median an interval
		}
		if p.MaxTrials == 0 {
			p.MaxTrials = max(defaultMaxTrials, needed)
		}
		p.Trials = min(needed, p.MaxTrials)
		p.doubtTrials(p.MaxTrials, needed)
	case p.Trials == 0:
		p.Trials = max(needed, stats.DefaultTrials(p.Comparisons()))
	default:
		p.doubtTrials(p.Trials, needed)
	}
}

// doubtTrials warns of too few.
func (p *Plan) doubtTrials(trials, needed int) {
	if compare := TrialsNeeded(p.Comparisons()); trials < compare {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s cannot show a difference: %s %d",
			plural(trials, "trial", "trials"), plural(p.Comparisons(), "comparison needs", "comparisons need"), compare))
	}
	if gates := p.gateTrials(); trials < gates {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s cannot decide every gate by an interval: that needs %d",
			plural(trials, "trial", "trials"), gates))
	}
}

// MostTrials is the trials of each variant, at most.
func (p *Plan) MostTrials() int { return max(p.Trials, p.MaxTrials) }

// trialsText is 7 trials, or 7 to 30 trials (until intervals are within ±5 %).
func (p *Plan) trialsText() string {
	if p.MaxTrials == 0 {
		return plural(p.Trials, "trial", "trials")
	}
	return fmt.Sprintf("%d to %d trials (until intervals are within ±%g %%)", p.Trials, p.MaxTrials, 100*p.Precision)
}
