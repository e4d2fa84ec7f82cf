package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// flat is the matrix without a difference but for noise.
func flat(t testing.TB, blocks int) *result.Result {
	r := matrix(t)
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Trials = nil
		for block := range blocks {
			s := shape{rate: 400, seconds: 2, p50: 2 * time.Millisecond, attempts: 1}
			s.p99 = time.Duration(9.8e6 * (1 + 0.02*math.Sin(float64(1+7*block+13*i))))
			v.Trials = append(v.Trials, s.trial(t, block, block, getUser))
		}
	}
	return r
}

// Every dimension is spoken of: those that explain something, those that do not,
// and conditions; where nothing was shown as well.
func TestEffects(t *testing.T) {
	partial := matrix(t)
	partial.Scenario.Dimensions[0].Baseline = "" // pool.size is a condition
	other := matrix(t)
	other.Scenario.Dimensions[1].Baseline = "" // backoff is
	incomplete := matrix(t)
	incomplete.Variants[3].Trials = nil
	alone := matrix(t)
	alone.Scenario.Dimensions = append(alone.Scenario.Dimensions, result.Dimension{Name: "client.balance", Values: []string{"round_robin"}, Baseline: "round_robin"})
	for i := range alone.Variants {
		alone.Variants[i].Settings["client.balance"] = "round_robin"
	}
	for name, c := range map[string]struct {
		r    *result.Result
		want string // "" for no word of it
	}{
		"one matters":        {matrix(t), "pool.size explains most of the change in the share in SLO; backoff none that 7 trials can show (0.03 points would have been)."},
		"a value alone":      {alone, "pool.size explains most of the change in the share in SLO; backoff none that 7 trials can show (0.03 points would have been)."},
		"it is a condition":  {partial, "Over both tables of GetUser, pool.size explains most of the change in the share in SLO; backoff none that 7 trials can show (0.03 points would have been)."},
		"the other is":       {other, "Over both tables of GetUser, pool.size explains most of the change in the share in SLO; backoff none that 7 trials can show (0.03 points would have been)."},
		"nothing was shown":  {flat(t, 10), "shown). pool.size and backoff explain no change in p99 that 10 trials can show (1.6 % would have been)."},
		"or could have been": {flat(t, 7), "shown). 7 trials are too few to tell how much of the change in p99 pool.size and backoff explain. Over"},
		"too few trials":     {flat(t, 5), ""},
		"not every variant":  {incomplete, ""},
	} {
		text := strings.ReplaceAll(strings.Join(newPage(c.r).headline, " "), "\u00a0", " ")
		if !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "expla") {
			t.Errorf("%s: want %q:\n%s", name, c.want, text)
		}
	}
}
