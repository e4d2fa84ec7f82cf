package stats

import "math"

// Comparison is how a variant's metric differs from another's. The interval is
// the verdict: a difference is shown when the interval holds none that is no
// difference.
type Comparison struct {
	Scale Scale
	// Estimate and Interval are ratios or differences, as Scale says.
	Estimate float64
	Interval Interval
	// Blocks is how many blocks both were measured in; 0 for independent
	// results.
	Blocks int
	// Family is the number of comparisons that hold together at Level.
	Family int
}

// Shown says whether the two were shown to differ.
func (c Comparison) Shown() bool { return c.Possible() && !c.Interval.Contains(c.Scale.unscaled(0)) }

// Possible says whether there were enough trials to show any difference.
func (c Comparison) Possible() bool {
	return c.Interval.Finite() && !(c.Scale == Ratio && c.Interval.Low == 0)
}

// Less says whether the variant's metric was shown to be below the other's.
func (c Comparison) Less() bool { return c.Shown() && c.Interval.High < c.Scale.unscaled(0) }

// More says whether it was shown to be above.
func (c Comparison) More() bool { return c.Shown() && c.Interval.Low > c.Scale.unscaled(0) }

// Detectable is the difference that this run could have shown either way: the
// longer arm of the interval, because a true difference moves the whole of it.
// It is a ratio above 1, or a difference above 0; +Inf where none could.
func (c Comparison) Detectable() float64 {
	if !c.Possible() {
		return math.Inf(1)
	}
	if c.Scale == Ratio {
		return max(c.Estimate/c.Interval.Low, c.Interval.High/c.Estimate)
	}
	return max(c.Estimate-c.Interval.Low, c.Interval.High-c.Estimate)
}

// Reverse is the comparison the other way round.
func (c Comparison) Reverse() Comparison {
	low, high := c.Interval.Low, c.Interval.High
	if c.Scale == Ratio {
		c.Estimate, c.Interval = 1/c.Estimate, Interval{Low: 1 / high, High: 1 / low}
		return c
	}
	c.Estimate, c.Interval = -c.Estimate, Interval{Low: -high, High: -low}
	return c
}

// Compare compares two variants block by block: the Hodges–Lehmann estimate of
// the differences per block, and the exact signed-rank interval at the level
// at which `family` comparisons hold together. It needs no assumption on how
// trials are distributed but that a difference is as likely to fall short of
// the true one as beyond it. ok is false where they are not compared: a trial
// of either has a null figure, or no block holds both.
func Compare(variant, other []Sample, m Metric, family int) (c Comparison, ok bool) {
	with, ok1 := m.perBlock(variant)
	without, ok2 := m.perBlock(other)
	if !ok1 || !ok2 {
		return Comparison{}, false
	}
	// In the order of the samples, so that the same result gives the same bits.
	var d []float64
	for _, s := range variant {
		x, here := with[s.Block]
		y, there := without[s.Block]
		if here && there {
			d = append(d, x-y)
		}
	}
	if len(d) == 0 {
		return Comparison{}, false
	}
	return paired(d, m.Scale, family, FamilyLevel(family)), true
}

// paired makes the comparison of scaled differences, one of a family, at a level.
func paired(d []float64, scale Scale, family int, level float64) Comparison {
	estimate, i := SignedRank(d, level)
	return Comparison{
		Scale: scale, Blocks: len(d), Family: family, Estimate: scale.unscaled(estimate),
		Interval: Interval{Low: scale.unscaled(i.Low), High: scale.unscaled(i.High)},
	}
}

// Remaining is how much of the chance of a false alarm, 1 − Level, a family leaves
// to comparisons that are made beside it, so that all of them hold together: what
// its own do not use, because the signed rank has steps, and what those use that
// were shown to differ. The latter is how a Bonferroni procedure may pass on the
// level of a hypothesis once that is rejected (Bretz, Maurer, Brannath and Posch
// 2009): a false alarm beside it is one more, or it was a true one. Nothing is
// passed back, so that the family's own intervals are as they were. nil stands for
// what is not compared.
func Remaining(family []*Comparison) float64 {
	chance := 1 - Level
	for _, c := range family {
		if c != nil && !c.Shown() {
			chance -= c.falseAlarm()
		}
	}
	return max(0, chance)
}

// falseAlarm is the chance that the comparison shows a difference where there is
// none: twice that of the signed rank below the bound, no more than its share.
func (c Comparison) falseAlarm() float64 {
	var chance float64
	for _, p := range signedRankChances(c.Blocks)[:SignedRankC(c.Blocks, FamilyLevel(c.Family))] {
		chance += 2 * p
	}
	return chance
}

// Against compares each of the variants of one table with one of them: with
// the baseline, or with the best. The len(variants)−1 comparisons are a family:
// their intervals hold together at Level. nil stands for what is not compared,
// the control itself among it.
//
// With the best as the control the interval of each of the rest holds as well
// as with any other, but which one is best was read off the same figures: it is
// shown to be the best only where all of the rest are shown to be worse
// (Hsu 1984), and of a part of them nothing is shown.
func Against(variants [][]Sample, control int, m Metric) []*Comparison {
	out := make([]*Comparison, len(variants))
	for i := range variants {
		if i == control {
			continue
		}
		if c, ok := Compare(variants[i], variants[control], m, len(variants)-1); ok {
			out[i] = &c
		}
	}
	return out
}
