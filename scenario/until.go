package scenario

import (
	"fmt"
	"strings"
	"time"
)

// Until is a measurement that ends when the system has recovered from its
// faults, and at most after Max.
type Until struct {
	Until Recovered     `yaml:"until" doc:"recovered, or recovered + 10s: so long after goodput has come back"`
	Max   time.Duration `yaml:"max" doc:"longest measurement; 5m when left out"`
}

// SetDefaults implements the decoder's hook.
func (u *Until) SetDefaults() { u.Max = 5 * time.Minute }

// String is how explain and headings write it.
func (u *Until) String() string {
	if u == nil {
		return ""
	}
	if u.Until.Plus == 0 {
		return "recovered"
	}
	return "recovered + " + u.Until.Plus.String()
}

// Recovered is the moment from which goodput has come back, and what is to
// follow it.
type Recovered struct {
	Plus time.Duration
	set  bool
}

// UnmarshalText reads "recovered" or "recovered + 10s".
func (r *Recovered) UnmarshalText(text []byte) error {
	word, plus, more := strings.Cut(string(text), "+")
	if strings.TrimSpace(word) != "recovered" {
		return fmt.Errorf("must be recovered, or recovered + 10s (got %s)", text)
	}
	r.Plus, r.set = 0, true
	if !more {
		return nil
	}
	d, err := time.ParseDuration(strings.TrimSpace(plus))
	if err != nil || d < 0 {
		return fmt.Errorf("must be recovered, or recovered + a duration such as 10s (got %s)", text)
	}
	r.Plus = d
	return nil
}

// checkUntil finds what is wrong with a measurement that ends by itself.
func (s *Scenario) checkUntil(p *problems) {
	u := s.MeasureUntil
	switch {
	case u == nil:
	case !u.Until.set:
		p.addUnlessKnown("measure.until", "must be recovered, or recovered + 10s")
	case u.Max <= 0:
		p.addUnlessKnown("measure.max", "must be > 0 (got %v)", u.Max)
	case !s.recovers():
		p.addUnlessKnown("measure.until", "needs faults that are over, for good, before max, %v: {at: 5s, for: 3s, …}", u.Max)
	}
}

// recovers reports whether there is something to recover from: a fault within
// the measurement, and none that lasts, or is repeated, to its end. One that is on
// throughout is a condition, from which nothing has to recover.
func (s *Scenario) recovers() bool {
	some := false
	if s.Fleet == nil {
		return false
	}
	for _, rule := range s.Fleet.Faults {
		hit := len(rule.Where.Backends)
		if hit == 0 {
			hit = s.Fleet.Backends
		}
		to := rule.At + rule.For + time.Duration(hit-1)*rule.Stagger
		switch lasts := rule.For == 0 && !rule.Momentary(); {
		case !lasts && rule.Every == 0 && to <= 0:
			continue // over before it begins
		case lasts && rule.At <= 0 && rule.Stagger == 0 && rule.Every == 0:
			continue
		case lasts, rule.Every > 0, to >= s.MeasureUntil.Max:
			return false
		}
		some = true
	}
	return some
}
