package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// matrix is the cells of a full matrix, with a factor for each value.
func matrix(rng *rand.Rand, blocks int, cv float64, dimensions ...[]float64) (cells []Cell, sizes []int) {
	factors := []float64{1}
	at := [][]int{nil}
	for _, values := range dimensions {
		sizes = append(sizes, len(values))
		var f []float64
		var a [][]int
		for i := range factors {
			for v, factor := range values {
				f = append(f, factors[i]*factor)
				a = append(a, append(append([]int{}, at[i]...), v))
			}
		}
		factors, at = f, a
	}
	for i, samples := range experiment(rng, blocks, cv, factors...) {
		cells = append(cells, Cell{At: at[i], Samples: samples})
	}
	return cells, sizes
}

func TestMainEffects(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	cells, sizes := matrix(rng, 10, 0.02, []float64{1, 0.5, 0.4}, []float64{1, 1})
	effects, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99), 1-Level)
	if !ok || len(effects) != 2 {
		t.Fatalf("%+v, %v", effects, ok)
	}
	size, backoff := effects[0], effects[1]
	if !size.Shown() || size.Share < 0.98 || math.Abs(size.Values[1].Estimate-0.5) > 0.02 || math.Abs(size.Values[2].Estimate-0.4) > 0.02 {
		t.Errorf("size: %+v", size)
	}
	if backoff.Shown() || backoff.Share > 0.02 || backoff.Detectable() > 1.05 || backoff.Detectable() < 1.001 {
		t.Errorf("backoff: %+v", backoff)
	}
	if size.Values[1].Family != 3 || size.Values[0].Family != 0 || size.Share+backoff.Share > 1 {
		t.Errorf("%+v", effects)
	}
}

// The averages over the other dimension find what no single comparison does.
func TestMainEffectsAveraged(t *testing.T) {
	const experiments = 200
	found, alone := 0, 0
	rng := rand.New(rand.NewPCG(4, 2))
	for range experiments {
		cells, sizes := matrix(rng, 10, 0.05, []float64{1, 1.06}, []float64{1, 2, 3, 4, 5, 6, 7, 8})
		effects, _ := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99), 1-Level)
		if effects[0].Shown() {
			found++
		}
		if c, _ := Compare(cells[8].Samples, cells[0].Samples, ResponseAt(P99), 15); c.Shown() {
			alone++
		}
	}
	if found < experiments*8/10 || alone > experiments/2 {
		t.Errorf("found %d by the main effect, %d by one comparison", found, alone)
	}
}

func TestMainEffectsFalseAlarms(t *testing.T) {
	withoutRace(t)
	const experiments = 1000
	rng := rand.New(rand.NewPCG(3, 3))
	alarms := 0
	for range experiments {
		cells, sizes := matrix(rng, 8, 0.03, []float64{1, 1}, []float64{1, 1, 1})
		effects, _ := MainEffects(cells, sizes, []int{1, 0}, ResponseAt(P99), 1-Level)
		if effects[0].Shown() || effects[1].Shown() {
			alarms++
		}
	}
	if got := float64(alarms) / experiments; got > 0.05+3*math.Sqrt(0.05*0.95/experiments) {
		t.Errorf("%.3f with a false alarm", got)
	}
}

func TestMainEffectsNeedAFullMatrix(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cells, sizes := matrix(rng, 8, 0.03, []float64{1, 1}, []float64{1, 1})
	if _, ok := MainEffects(cells[1:], sizes, []int{0, 0}, ResponseAt(P99), 1-Level); ok {
		t.Error("a cell is missing")
	}
	if _, ok := MainEffects(cells[:2], []int{2}, []int{0}, ResponseAt(P99), 1-Level); ok {
		t.Error("one dimension has no effects but the comparisons")
	}
	// One cell lacks two blocks, another all but one of the rest.
	cells[1].Samples = cells[1].Samples[2:]
	effects, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99), 1-Level)
	if !ok || effects[0].Values[1].Blocks != 6 {
		t.Errorf("%+v, %v", effects, ok)
	}
	cells[2].Samples = cells[2].Samples[:2]
	if _, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99), 1-Level); ok {
		t.Error("no block has all cells")
	}
	cells[0].Samples[0].Series.Latency = nil
	if _, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99), 1-Level); ok {
		t.Error("a null figure")
	}
}

// A table and the main effects beside it, of 4 × 4 variants: the comparisons with the
// baseline, the best of all, and the effects raise any false alarm in at most 5 % of
// experiments. That holds where nothing differs, and where one dimension matters:
// then of the other, and of the rows that differ from the baseline in that alone.
func TestTableAndMainEffectsFalseAlarms(t *testing.T) {
	withoutRace(t)
	m := ResponseAt(P99)
	for name, c := range map[string]struct {
		outer       []float64
		matters     bool
		experiments int
	}{
		"nothing differs":       {[]float64{1, 1, 1, 1}, false, 1000},
		"one dimension matters": {[]float64{1, 1.2, 1.4, 0.8}, true, 200},
	} {
		rng := rand.New(rand.NewPCG(4, 16))
		together, apart, found := 0, 0, 0
		for range c.experiments {
			cells, sizes := matrix(rng, DefaultTrials(15), 0.03, c.outer, []float64{1, 1, 1, 1})
			var variants [][]Sample
			for _, cell := range cells {
				variants = append(variants, cell.Samples)
			}
			table := Against(variants, 0, m)
			alarm := anyShown(table) || shownBest(variants, m)
			if c.matters {
				alarm = anyShown(table[:4])
			}
			for i, chance := range []float64{Remaining(table), 1 - Level} {
				effects, ok := MainEffects(cells, sizes, []int{0, 0}, m, chance)
				if !ok {
					t.Fatal("no effects")
				}
				if alarm || effects[1].Shown() || !c.matters && effects[0].Shown() {
					*[]*int{&together, &apart}[i]++
				}
				if i == 0 && effects[0].Shown() {
					found++
				}
			}
		}
		n := float64(c.experiments)
		t.Logf("%s: a false alarm in %.3f, as two families in %.3f", name, float64(together)/n, float64(apart)/n)
		if limit := 0.05 + 3*math.Sqrt(0.05*0.95/n); float64(together)/n > limit {
			t.Errorf("%s: %.3f with a false alarm, at most %.3f", name, float64(together)/n, limit)
		}
		if !c.matters && float64(apart)/n <= 0.05 {
			t.Errorf("%s is no test: as two families %.3f", name, float64(apart)/n)
		}
		if c.matters && found < c.experiments {
			t.Errorf("%s: found in %d of %d", name, found, c.experiments)
		}
	}
}

func TestRemaining(t *testing.T) {
	no := &Comparison{Scale: Points, Interval: Interval{-1, 1}, Blocks: 7, Family: 3}
	yes := &Comparison{Scale: Points, Interval: Interval{0.5, 1}, Blocks: 7, Family: 3}
	// Seven blocks at 1 − 0.05/3: the one most extreme rank of 128, either way.
	each := 2.0 / 128
	for name, c := range map[string]struct {
		family []*Comparison
		want   float64
	}{
		"none":          {nil, 0.05},
		"none shown":    {[]*Comparison{nil, no, no, no}, 0.05 - 3*each},
		"two shown":     {[]*Comparison{nil, yes, no, yes}, 0.05 - each},
		"all shown":     {[]*Comparison{yes, yes, yes}, 0.05},
		"too few":       {[]*Comparison{{Scale: Points, Interval: Interval{math.Inf(-1), math.Inf(1)}, Blocks: 4, Family: 3}}, 0.05},
		"not all there": {[]*Comparison{nil, nil, no}, 0.05 - each},
	} {
		if got := Remaining(c.family); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Sums of equal figures in another order differ by their rounding, the same in each
// block: that is no effect.
func TestMainEffectsOfRounding(t *testing.T) {
	cell := func(at []int, ns int64, slo float64) Cell {
		c := Cell{At: at}
		for block := range 8 {
			s := p99(block, 1000, ns)
			s.Series.InSLO = slo
			c.Samples = append(c.Samples, s)
		}
		return c
	}
	rows := func(values ...[]float64) (cells []Cell) {
		for outer, row := range values {
			for inner, slo := range row {
				cells = append(cells, cell([]int{outer, inner}, 12_345_678, slo))
			}
		}
		return cells
	}
	ordered, turned := rows([]float64{0.9, 0.95, 1}, []float64{0.9, 0.95, 1}), rows([]float64{0.9, 0.95, 1}, []float64{1, 0.9, 0.95})
	equal := rows([]float64{0.97, 0.97, 0.97}, []float64{0.97, 0.97, 0.97})
	for name, c := range map[string]struct {
		cells []Cell
		of    int // the dimension without an effect; −1 for both
		m     Metric
	}{
		"0.9, 0.95, 1":     {ordered, 0, InSLO()},
		"in another order": {turned, 0, InSLO()},
		"equal shares":     {equal, -1, InSLO()},
		"equal p99":        {equal, -1, ResponseAt(P99)},
	} {
		effects, ok := MainEffects(c.cells, []int{2, 3}, []int{0, 0}, c.m, 1-Level)
		if !ok {
			t.Fatal(name)
		}
		for d, e := range effects {
			if c.of >= 0 && c.of != d {
				continue
			}
			if e.Shown() || e.Share > 1e-9 {
				t.Errorf("%s: dimension %d: %+v", name, d, e)
			}
		}
	}
}
