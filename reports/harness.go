package reports

import (
	"fmt"
	"math"
	"slices"

	"github.com/grpcbench/grpcbench/reports/result"
)

// aboveHarness is how many times what the harness adds to a response the
// response is at least, where what it adds is left unsaid.
const aboveHarness = 10

// harness says what the harness itself adds to a response of the load there is,
// "" where that was not measured.
func harness(r *result.Result) string {
	c := r.Calibration
	switch {
	case c == nil:
		return ""
	case hasLoop(r, result.Open):
		return fmt.Sprintf("harness adds %s at p50, %s at p99", duration(float64(c.ResponseP50NS)), duration(float64(c.ResponseP99NS)))
	}
	return "harness adds " + duration(c.CallNS) + " a call"
}

// calibration is all that was found out about it.
func calibration(c *result.Calibration) string {
	if c == nil {
		return ""
	}
	ns := func(v int64) string { return duration(float64(v)) }
	return fmt.Sprintf("adds %s at p50 and %s at p99 to calls that do nothing, offered at %s/s (lag %s and %s); takes %s for each without a pause; "+
		"the clock goes in steps of %s ns",
		ns(c.ResponseP50NS), ns(c.ResponseP99NS), count(int64(math.Round(c.RatePerS))), ns(c.LagP50NS), ns(c.LagP99NS), duration(c.CallNS), count(c.ClockNS))
}

func hasLoop(r *result.Result, loop result.Loop) (has bool) {
	eachTrial(r, func(t *result.Trial) {
		has = has || slices.ContainsFunc(t.Series, func(s result.Series) bool { return s.Loop == loop })
	})
	return has
}

// nearHarness has an item for each load entry whose responses are so short that
// what the harness adds is a good part of them, in any trial.
func nearHarness(r *result.Result) []string {
	if r.Calibration == nil {
		return nil
	}
	adds := map[string]int64{} // by entry
	var order []string
	eachTrial(r, func(t *result.Trial) {
		for i := range t.Series {
			s := &t.Series[i]
			p50, own := s.Latency[result.Response].P50NS, r.Calibration.AddsNS(s.Loop)
			if p50 == nil || *p50 >= aboveHarness*own {
				continue
			}
			if _, known := adds[s.Name]; !known {
				order = append(order, s.Name)
			}
			adds[s.Name] = own
		}
	})
	const most = 3
	var out []string
	for i, name := range order {
		if i == most-1 && len(order) > most {
			return append(out, fmt.Sprintf("so are those of %d more", len(order)-i))
		}
		out = append(out, fmt.Sprintf("responses of %s are short beside the %s at p50 that the harness adds", clean(name), duration(float64(adds[name]))))
	}
	return out
}
