package gate_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// A result against itself never fails, whatever it is.
func TestAgainstItselfNeverFails(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + rng.IntN(12)
		p99 := make([]float64, n)
		for i := range p99 {
			if p99[i] = 10 * math.Exp(rng.NormFloat64()); rng.IntN(8) == 0 {
				p99[i] = 0
			}
		}
		a, twin := variantOf("a", p99...), variantOf("b", p99...)
		twin.Trials = a.Trials
		for _, text := range []string{
			"p99 <= baseline", "p99 <= baseline + 5%", "p99 <= baseline + 1ms", "in_slo >= baseline", "errors <= baseline + 0.1pp",
			"goodput >= baseline - 5%", "attempts <= baseline", "cpu_per_call <= baseline + 1%", "max <= baseline",
		} {
			if got := judge(t, resultOf(a, twin), text, nil); got.Outcome == result.GateFailed {
				t.Errorf("%s fails against a twin of %v: %s", text, p99, written(got.Cases[0]))
			}
			stored := strings.Replace(text, "baseline", "@main", 1)
			if got := judge(t, resultOf(a), stored, resultOf(a)); got.Outcome == result.GateFailed {
				t.Errorf("%s fails against itself, %v: %s", stored, p99, written(got.Cases[0]))
			}
		}
	}
}

// runs judges 1,000 synthetic results, in which trials vary by cv beside what the
// block does to all, and the variant is slower by a ratio.
func runs(t *testing.T, text string, k int, cv, ratio float64, stored bool) (failed, inconclusive int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(k), math.Float64bits(ratio)))
	for range 1000 {
		a, b := make([]float64, k), make([]float64, k)
		for i := range k {
			block := 10 * math.Exp(0.1*rng.NormFloat64())
			a[i] = block * math.Exp(cv*rng.NormFloat64())
			if stored {
				block = 10 * math.Exp(0.1*rng.NormFloat64())
			}
			b[i] = ratio * block * math.Exp(cv*rng.NormFloat64())
		}
		var got result.Gate
		if stored {
			old := resultOf(variantOf("a", a...))
			old.Seed++ // other draws
			got = judge(t, resultOf(variantOf("a", b...)), text, old)
		} else {
			got = judge(t, resultOf(variantOf("a", a...), variantOf("b", b...)), text, nil)
		}
		switch got.Outcome {
		case result.GateFailed:
			failed++
		case result.GateInconclusive:
			inconclusive++
		}
	}
	return failed, inconclusive
}

// Of A/A runs hardly any fails; at the limit itself at most 2.5 % do (an interval
// of 95 % errs that often on either side), and a regression beyond it does.
func TestGateErrsAsSeldomAsItSays(t *testing.T) {
	most := func(share float64) int { return int(1000*share + 3*math.Sqrt(1000*share*(1-share))) }
	for _, test := range []struct {
		gate      string
		k         int
		cv, ratio float64
		stored    bool
		most      int // failures
		least     int
		open      int // most that are inconclusive
	}{
		{"p99 <= baseline + 5%", 6, 0.03, 1, false, 0, 0, 1000},
		// At the default trials of three variants at most a quarter is inconclusive.
		{"p99 <= baseline + 5%", 7, 0.02, 1, false, 0, 0, 250},
		{"p99 <= baseline + 10%", 7, 0.03, 1, false, 0, 0, 250},
		{"p99 <= baseline + 5%", 10, 0.10, 1, false, most(0.05), 0, 1000},
		{"p99 <= baseline + 5%", 10, 0.03, 1.05, false, most(0.025), 5, 1000},
		{"p99 <= baseline + 5%", 10, 0.02, 1.10, false, 1000, 950, 50},
		{"p99 <= @main + 5%", 10, 0.03, 1, true, most(0.05), 0, 1000},
		{"p99 <= @main + 5%", 10, 0.03, 1.05, true, most(0.025), 5, 1000},
		{"p99 <= @main + 5%", 10, 0.03, 1.50, true, 1000, 950, 50},
	} {
		failed, inconclusive := runs(t, test.gate, test.k, test.cv, test.ratio, test.stored)
		t.Logf("%s, %d trials, varying by %g, truly ×%g: %d failed, %d inconclusive", test.gate, test.k, test.cv, test.ratio, failed, inconclusive)
		if failed > test.most || failed < test.least || inconclusive > test.open {
			t.Errorf("%s, truly ×%g: %d of 1,000 failed, want %d to %d; %d were inconclusive, want at most %d",
				test.gate, test.ratio, failed, test.least, test.most, inconclusive, test.open)
		}
	}
}
