package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/stats"
)

// mostOf is the share of the variance between variants from which a dimension
// explains most of it.
const mostOf = 0.5

// effects says in words what each dimension does on the average over the
// others: where several are compared, every combination of their values was
// measured, and anything was shown.
func (t *table) effects(m stats.Metric) []string {
	if len(t.dimensions) < 2 || t.baseline == nil {
		return nil
	}
	var sizes, control []int
	for _, d := range t.dimensions {
		sizes = append(sizes, len(d.Values))
		control = append(control, slices.Index(d.Values, d.Baseline))
	}
	var cells []stats.Cell
	for _, r := range t.rows {
		at := make([]int, len(t.dimensions))
		for i, d := range t.dimensions {
			at[i] = slices.Index(d.Values, r.variant.Settings[d.Name])
		}
		if slices.Contains(at, -1) {
			return nil
		}
		cells = append(cells, stats.Cell{At: at, Samples: r.samples})
	}
	effects, ok := stats.MainEffects(cells, sizes, control, m)
	if !ok || slices.Contains(control, -1) || !slices.ContainsFunc(effects, stats.Effect.Shown) {
		return nil
	}
	what := "p99"
	if m.Scale == stats.Points {
		what = "the share in SLO"
	}
	var most, some, none []string
	var widest *stats.Comparison
	for i, e := range effects {
		name := shortName(t.dimensions[i].Name)
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
		verb := "explains"
		if len(some) > 1 {
			verb = "explain"
		}
		of := "some of it"
		if len(most) == 0 {
			of = "some of the change in " + what
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", and(some), verb, of))
	}
	if len(none) > 0 {
		parts = append(parts, fmt.Sprintf("%s none that %s can show (%s)", and(none), plural(t.blocks(effects), "trial"), wouldHave(widest)))
	}
	return []string{t.where() + strings.Join(parts, "; ") + "."}
}

// blocks is how many blocks the effects were found in.
func (t *table) blocks(effects []stats.Effect) int {
	n := 0
	for _, e := range effects {
		for _, c := range e.Values {
			n = max(n, c.Blocks)
		}
	}
	return n
}
