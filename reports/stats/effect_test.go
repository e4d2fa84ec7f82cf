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
	effects, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99))
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
		effects, _ := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99))
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
		effects, _ := MainEffects(cells, sizes, []int{1, 0}, ResponseAt(P99))
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
	if _, ok := MainEffects(cells[1:], sizes, []int{0, 0}, ResponseAt(P99)); ok {
		t.Error("a cell is missing")
	}
	if _, ok := MainEffects(cells[:2], []int{2}, []int{0}, ResponseAt(P99)); ok {
		t.Error("one dimension has no effects but the comparisons")
	}
	// One cell lacks two blocks, another all but one of the rest.
	cells[1].Samples = cells[1].Samples[2:]
	effects, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99))
	if !ok || effects[0].Values[1].Blocks != 6 {
		t.Errorf("%+v, %v", effects, ok)
	}
	cells[2].Samples = cells[2].Samples[:2]
	if _, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99)); ok {
		t.Error("no block has all cells")
	}
	cells[0].Samples[0].Series.Latency = nil
	if _, ok := MainEffects(cells, sizes, []int{0, 0}, ResponseAt(P99)); ok {
		t.Error("a null figure")
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
		effects, ok := MainEffects(c.cells, []int{2, 3}, []int{0, 0}, c.m)
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
