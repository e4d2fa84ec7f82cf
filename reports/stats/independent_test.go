package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// choices calls yield with every choice of k out of n as a set of bits.
func choices(n, k int, yield func(uint)) {
	for set := range uint(1) << n {
		c := 0
		for s := set; s != 0; s &= s - 1 {
			c++
		}
		if c == k {
			yield(set)
		}
	}
}

// The definition: every way to deal the values to the two samples.
func TestMannWhitneyIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 60 {
		n1, n2 := 1+rng.IntN(6), 1+rng.IntN(6)
		all := make([]float64, n1+n2)
		for i := range all {
			all[i] = float64(rng.IntN(8)) // ties
		}
		u := func(first uint) float64 {
			sum := 0.0
			for i, x := range all {
				for j, y := range all {
					if first>>i&1 == 1 && first>>j&1 == 0 {
						switch {
						case x > y:
							sum++
						case x == y:
							sum += 0.5
						}
					}
				}
			}
			return sum
		}
		observed := u(1<<n1 - 1)
		var below, above, count float64
		choices(n1+n2, n1, func(set uint) {
			count++
			if u(set) <= observed {
				below++
			}
			if u(set) >= observed {
				above++
			}
		})
		want := min(1, 2*min(below, above)/count)
		if got := MannWhitney(all[:n1], all[n1:]); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v against %v: p = %v, want %v", all[:n1], all[n1:], got, want)
		}
	}
}

func TestMannWhitney(t *testing.T) {
	if p := MannWhitney([]float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}); math.Abs(p-2.0/70) > 1e-15 {
		t.Errorf("apart: %v", p)
	}
	if p := MannWhitney([]float64{1, 1, 1}, []float64{1, 1}); p != 1 {
		t.Errorf("all the same: %v", p)
	}
	if MannWhitney(nil, []float64{1}) != 1 {
		t.Error("nothing differs from something")
	}
	// Beyond 100 values the approximation takes over, without a step.
	rng := rand.New(rand.NewPCG(5, 5))
	sample := func(n int, shift float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Round(20*(rng.NormFloat64()+shift)) / 20
		}
		return out
	}
	for range 6 {
		a, b := sample(50, 0), sample(50, 0.4)
		exact := MannWhitney(a, b)
		ranks, ties := doubledRanks(a, b)
		sum := 0
		for _, r := range ranks[:50] {
			sum += r
		}
		z := max(0, math.Abs(float64(sum)/2-1275-1250)-0.5) / math.Sqrt(2500.0/12*(101-ties/9900))
		if approximate := math.Erfc(z / math.Sqrt2); math.Abs(approximate-exact) > 0.01*exact+0.002 {
			t.Errorf("exact %v, approximate %v", exact, approximate)
		}
	}
	if p := MannWhitney(sample(80, 0), sample(80, 1)); p > 1e-5 {
		t.Errorf("a shift of one sigma over 80: p = %v", p)
	}
	if p := MannWhitney(make([]float64, 60), make([]float64, 60)); p != 1 {
		t.Errorf("120 values, all the same: %v", p)
	}
}

// The tables of the two-sided 5 % points of U: C is the critical value + 1.
func TestMannWhitneyC(t *testing.T) {
	for n, want := range map[[2]int]int{
		{3, 3}: 0, {4, 4}: 1, {5, 5}: 3, {6, 6}: 6, {8, 8}: 14, {10, 10}: 24, {7, 10}: 15, {10, 7}: 15, {20, 20}: 128, {3, 9}: 3,
	} {
		if got := mannWhitneyC(n[0], n[1], 0.95); got != want {
			t.Errorf("C%v = %d, want %d", n, got, want)
		}
	}
	if exact, approximate := mannWhitneyC(50, 50, 0.95), mannWhitneyC(50, 51, 0.95); approximate < exact || approximate > exact+50 {
		t.Errorf("a step where the approximation takes over: %d, %d", exact, approximate)
	}
}

func TestCompareIndependent(t *testing.T) {
	withoutRace(t)
	rng := rand.New(rand.NewPCG(6, 1))
	const experiments = 1000
	alarms, found := 0, 0
	for range experiments {
		a, b := experiment(rng, 10, 0.03, 1)[0], experiment(rng, 10, 0.03, 1)[0]
		c, p, ok := CompareIndependent(b, a, ResponseAt(P99), 1)
		if !ok || c.Shown() != (p <= 0.05) {
			t.Fatalf("interval %v and p %v disagree", c.Interval, p)
		}
		if c.Shown() {
			alarms++
		}
		// Without blocks in common, what blocks do to all is noise.
		if c, _, _ := CompareIndependent(experiment(rng, 10, 0.03, 2)[0], a, ResponseAt(P99), 1); c.More() {
			found++
		}
	}
	if got, limit := float64(alarms)/experiments, 0.05+3*math.Sqrt(0.05*0.95/experiments); got > limit {
		t.Errorf("%.3f false alarms", got)
	}
	if found < experiments*9/10 {
		t.Errorf("a factor of two found in %d of %d", found, experiments)
	}
	if _, _, ok := CompareIndependent(nil, experiment(rng, 6, 0.1, 1)[0], ResponseAt(P99), 1); ok {
		t.Error("compared nothing")
	}
}

// Results of the same seed are compared block by block where there are blocks
// enough, and else as independent ones.
func TestCompareResults(t *testing.T) {
	var a, b []Sample
	for block := range 7 {
		level := int64(1000 << block)
		a, b = append(a, p99(block, 1000, level)), append(b, p99(block, 1000, 2*level))
	}
	if c, ok := CompareResults(b, a, ResponseAt(P99), 1, true); !ok || c.Blocks != 7 || !c.Shown() || math.Abs(c.Estimate-2) > 1e-9 {
		t.Errorf("the same seed: %+v", c)
	}
	if c, ok := CompareResults(b, a, ResponseAt(P99), 1, false); !ok || c.Blocks != 0 || c.Shown() {
		t.Errorf("another seed: %+v", c)
	}
	if c, ok := CompareResults(b[:4], a[:4], ResponseAt(P99), 1, true); !ok || c.Blocks != 0 {
		t.Errorf("few blocks: %+v", c)
	}
}
