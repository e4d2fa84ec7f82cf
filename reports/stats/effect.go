package stats

import "math"

// Cell is one variant of a full matrix: the number of its value in each
// dimension, counted from 0, and its trials.
type Cell struct {
	At      []int
	Samples []Sample
}

// Effect is the main effect of one dimension: what changing its value does on
// the average over all the others.
type Effect struct {
	// Values compares each value with the control's; its own is the zero
	// Comparison.
	Values []Comparison
	// Share is how much of the variance between the variants the dimension's
	// values explain, between 0 and 1; the shares of all dimensions add up to
	// 1 less what only combinations explain. It is an estimate without an
	// interval: see Shown.
	Share float64
}

// Shown says whether any value was shown to differ from the control's.
func (e Effect) Shown() bool {
	for _, c := range e.Values {
		if c.Family > 0 && c.Shown() {
			return true
		}
	}
	return false
}

// Detectable is the difference that this run could have shown for every value:
// the largest of theirs.
func (e Effect) Detectable() float64 {
	most := 0.0
	for _, c := range e.Values {
		if c.Family > 0 {
			most = max(most, c.Detectable())
		}
	}
	return most
}

// rounding is the share of what was added up below which a difference is that of
// adding up: equal figures in another order may leave 1e-16 of them, the same in
// every block, which the signed rank would take for shown.
const rounding = 1e-12

// MainEffects is the main effect of each dimension over a full matrix: sizes is
// how many values each has, control the values that others are compared with.
// A block's effect of a value is the mean of the variants that have it, less
// the mean of those that have the control's, on the metric's scale; blocks are
// then compared as Compare does. All comparisons of all dimensions are one
// family, in which the chance of any false alarm is at most `chance`: 1 − Level
// where nothing else is compared, else what Remaining says of the table of the same
// variants. ok is false where the cells are not a full matrix of at least two
// dimensions, or no block has all of them.
func MainEffects(cells []Cell, sizes, control []int, m Metric, chance float64) (effects []Effect, ok bool) {
	family, product := 0, 1
	for _, n := range sizes {
		family += n - 1
		product *= n
	}
	if len(sizes) < 2 || len(cells) != product {
		return nil, false
	}
	figures := make([]map[int]float64, len(cells))
	for i, c := range cells {
		if figures[i], ok = m.perBlock(c.Samples); !ok {
			return nil, false
		}
	}
	// The blocks that every cell has, in the order of the first one's.
	var blocks []int
	for _, s := range cells[0].Samples {
		everywhere := true
		for i := range cells {
			_, here := figures[i][s.Block]
			everywhere = everywhere && here
		}
		if everywhere {
			blocks = append(blocks, s.Block)
		}
	}
	if len(blocks) == 0 {
		return nil, false
	}
	mean := make([]float64, len(cells)) // over the blocks
	var grand float64
	for i := range cells {
		for _, b := range blocks {
			mean[i] += figures[i][b] / float64(len(blocks))
		}
		grand += mean[i] / float64(len(cells))
	}
	var between, size float64
	for i := range cells {
		between += (mean[i] - grand) * (mean[i] - grand)
		size += mean[i] * mean[i]
	}
	if between <= rounding*rounding*size {
		between = 0
	}
	for d, n := range sizes {
		e := Effect{Values: make([]Comparison, n)}
		with := float64(len(cells) / n) // cells that have a value
		for v := range n {
			var level float64
			var differences []float64
			for i, c := range cells {
				if c.At[d] == v {
					level += mean[i] / with
				}
			}
			if between > 0 {
				e.Share += with * (level - grand) * (level - grand) / between
			}
			if v == control[d] {
				continue
			}
			for _, b := range blocks {
				var difference, terms float64
				for i, c := range cells {
					term := figures[i][b] / with
					switch c.At[d] {
					case v:
						difference, terms = difference+term, terms+math.Abs(term)
					case control[d]:
						difference, terms = difference-term, terms+math.Abs(term)
					}
				}
				if math.Abs(difference) <= rounding*terms {
					difference = 0
				}
				differences = append(differences, difference)
			}
			e.Values[v] = paired(differences, m.Scale, family, 1-chance/float64(family))
		}
		effects = append(effects, e)
	}
	return effects, true
}
