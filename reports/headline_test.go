package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// two makes a result of two variants, a (the baseline) and b.
func two(t *testing.T, a, b shape) *result.Result {
	r := base()
	loads := func(s shape) []result.Load {
		return []result.Load{{
			Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open,
			Arrivals: "poisson", RatePerS: s.rate, SLONS: 200e6,
		}}
	}
	r.Scenario.Dimensions = make([]result.Dimension, 1)
	r.Scenario.Dimensions[0] = result.Dimension{Name: "policy", Values: []string{"a", "b"}, Baseline: "a"}
	series := result.Series{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open}
	r.Variants = []result.Variant{
		{Name: "policy=a", Settings: map[string]string{"policy": "a"}, Loads: loads(a), Trials: a.trials(t, 7, series)},
		{Name: "policy=b", Settings: map[string]string{"policy": "b"}, Loads: loads(b), Trials: b.trials(t, 7, series)},
	}
	return r
}

func TestHeadline(t *testing.T) {
	ms := time.Millisecond
	fast := shape{rate: 100, seconds: 10, p50: 2 * ms, p99: 10 * ms, attempts: 1}
	with := func(change func(*shape)) shape {
		s := fast
		change(&s)
		return s
	}
	slow := with(func(s *shape) { s.p99 = 20 * ms })
	failing := with(func(s *shape) { s.failed, s.code = 0.03, "UNAVAILABLE" })
	few := with(func(s *shape) { s.seconds = 1 })
	for name, c := range map[string]struct {
		a, b shape
		want []string
	}{
		"b is faster": {slow, fast, []string{"b has the lowest p99 of GetUser: 9.78 ms, 50 % below a (95 % CI 50 to 50 %)."}},
		"the baseline is fastest": {fast, slow, []string{
			"a has the lowest p99 of GetUser: 9.78 ms; the highest is b's, 19.4 ms, 99 % above a (95 % CI 99 to 99 %).",
		}},
		"hardly a difference, but each trial shows it": {fast, with(func(s *shape) { s.p99 = 10200 * time.Microsecond }), []string{
			"a has the lowest p99 of GetUser: 9.78 ms; the highest is b's, 9.97 ms, 1.9 % above a (95 % CI 1.9 to 2.0 %).",
		}},
		"no difference": {fast, fast, []string{"Every variant's p99 of GetUser is 9.78 ms (0.1 % would have been shown)."}},
		"b keeps more": {failing, with(func(s *shape) { s.attempts = 1.04 }), []string{
			"b keeps 100.00 % of GetUser calls in SLO; a 97.00 % (+3.00 points, 95 % CI 3.00 to 3.00), at 1.04× the load.",
			"b has the lowest p99 too: 9.78 ms, where that of a falls on failed calls.",
		}},
		"the baseline keeps more": {fast, failing, []string{
			"a keeps 100.00 % of GetUser calls in SLO; b 97.00 % (+3.00 points, 95 % CI 3.00 to 3.00).", "a has the lowest p99 too: 9.78 ms.",
		}},
		"most in SLO and lowest p99 differ": {with(func(s *shape) { s.late = 0.002 }), slow, []string{
			"b keeps 100.00 % of GetUser calls in SLO; a 99.80 % (+0.20 points, 95 % CI 0.20 to 0.20).", "a has the lowest p99: 9.78 ms.",
		}},
		"both fail": {failing, failing, []string{"GetUser: 97.00 % of calls in SLO in every variant; the p99 falls on failed calls."}},
		// 300 calls a trial are too few for a p99: it may well be the lowest.
		"one is not known": {with(func(s *shape) { s.seconds, s.p99 = 3, 3*ms }), slow, []string{
			"GetUser: 100.00 % of calls in SLO in every variant; the p99 is not known of a.",
		}},
		"one is not known and in SLO differs": {with(func(s *shape) { s.seconds, s.late = 3, 0.1 }), slow, []string{
			"b keeps 100.00 % of GetUser calls in SLO; a 90.00 % (+10.00 points, 95 % CI 10.00 to 10.00).",
		}},
		"too few": {few, few, []string{"GetUser: 100.00 % of calls in SLO in every variant; no p99 is known."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append(c.want, "Over 7 trials; the intervals of a table hold together.")
			got := newPage(two(t, c.a, c.b)).headline
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\u00a0", " ")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
