package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// mostOf is the share of the variance between variants from which a dimension
// explains most of it.
const mostOf = 0.5

// effects says in words what each dimension does on the average over the others,
// the conditions among them: where several are compared, and every combination of
// their values was measured. The tables are all those of a load entry. The effects
// hold together with the comparisons of a single table; over several, each of which
// is a family, they are one more. Where no table could show a difference there is
// nothing to say.
func effects(r *result.Result, tables []table) []string {
	m := metricOf(tables)
	effects, dimensions := mainEffects(r, tables, m)
	if effects == nil || !slices.ContainsFunc(tables, func(t table) bool { return possible(t.compared(m)) }) {
		return nil
	}
	t := &tables[0]
	where, what := "", "p99"
	if m.Scale == stats.Points {
		what = "the share in SLO"
	}
	switch n := len(tables); n {
	case 1:
		what += t.ofEntry()
	case 2:
		where = fmt.Sprintf("Over both tables of %s, ", t.subject())
	default:
		where = fmt.Sprintf("Over all %d tables of %s, ", n, t.subject())
	}
	var most, some, none []string
	var widest *stats.Comparison
	for i, e := range effects {
		name := shortName(dimensions[i].Name)
		switch {
		case !e.Shown():
			none = append(none, name)
			for j := range e.Values {
				if c := &e.Values[j]; c.Family > 0 && (widest == nil || c.Detectable() > widest.Detectable()) {
					widest = c
				}
			}
		case e.Share > mostOf:
			most = append(most, name)
		default:
			some = append(some, name)
		}
	}
	var parts []string
	if len(most) > 0 {
		parts = append(parts, and(most)+" explains most of the change in "+what)
	}
	if len(some) > 0 {
		of := "some of it"
		if len(most) == 0 {
			of = "some of the change in " + what
		}
		parts = append(parts, and(some)+" "+explain(some)+" "+of)
	}
	switch trials := plural(blocks(effects), "trial"); {
	case len(none) == 0:
	case !widest.Possible():
		return []string{where + trials + " are too few to tell how much of the change in " + what + " " + and(none) + " " + explain(none) + "."}
	default:
		text := and(none) + " none"
		if len(parts) == 0 {
			text = and(none) + " " + explain(none) + " no change in " + what
		}
		parts = append(parts, fmt.Sprintf("%s that %s can show (%s)", text, trials, wouldHave(widest)))
	}
	return []string{where + strings.Join(parts, "; ") + "."}
}

// explain is the verb of so many dimensions.
func explain(dimensions []string) string {
	if len(dimensions) == 1 {
		return "explains"
	}
	return "explain"
}

// metricOf is what the effects are on: the share in SLO where that differs enough
// to lead with, else p99.
func metricOf(tables []table) stats.Metric {
	least, most := 1.0, 0.0
	for i := range tables {
		low, high := tables[i].rangeInSLO()
		least, most = min(least, low), max(most, high)
	}
	if most-least > worthLeading {
		return stats.InSLO()
	}
	return stats.ResponseAt(stats.P99)
}

// mainEffects is the effects of the dimensions that have several values. It is nil
// where there are fewer than two of these, or not every combination of their values.
// A condition has no baseline: its first value stands in for one.
func mainEffects(r *result.Result, tables []table, m stats.Metric) ([]stats.Effect, []result.Dimension) {
	var dimensions []result.Dimension
	var sizes, control []int
	for _, d := range r.Scenario.Dimensions {
		if len(d.Values) < 2 {
			continue
		}
		at := 0
		if d.Baseline != "" {
			at = slices.Index(d.Values, d.Baseline)
		}
		dimensions, sizes, control = append(dimensions, d), append(sizes, len(d.Values)), append(control, at)
	}
	if slices.Contains(control, -1) {
		return nil, nil
	}
	chance := 1 - stats.Level
	if len(tables) == 1 {
		chance = stats.Remaining(tables[0].compared(m))
	}
	var cells []stats.Cell
	for i := range tables {
		for _, row := range tables[i].rows {
			at := make([]int, len(dimensions))
			for j, d := range dimensions {
				at[j] = slices.Index(d.Values, row.variant.Settings[d.Name])
			}
			if slices.Contains(at, -1) {
				return nil, nil
			}
			cells = append(cells, stats.Cell{At: at, Samples: row.samples})
		}
	}
	found, ok := stats.MainEffects(cells, sizes, control, m, chance)
	if !ok {
		return nil, nil
	}
	return found, dimensions
}

// compared is the table's comparisons of a figure with the baseline.
func (t *table) compared(m stats.Metric) []*stats.Comparison {
	if m.Scale == stats.Points {
		return t.gains()
	}
	return t.changes()
}

// blocks is how many blocks the effects were found in.
func blocks(effects []stats.Effect) int {
	n := 0
	for _, e := range effects {
		for _, c := range e.Values {
			n = max(n, c.Blocks)
		}
	}
	return n
}
