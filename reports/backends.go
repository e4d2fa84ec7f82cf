package reports

import (
	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// backends is how each row's attempts were shared among the backends.
func (t *table) backends(d detail, name func(string) string) []figure {
	p := plot.Bars{Title: "Attempts by backend, " + t.plotted()}
	for _, i := range t.drawn(d) {
		r := &t.rows[i]
		n, total := map[string]float64{}, 0.0
		var order []string
		var imbalance []float64
		for _, trial := range r.trials() {
			c := &trial.Client
			if c.Imbalance > 0 {
				imbalance = append(imbalance, c.Imbalance)
			}
			for _, pick := range c.Picks {
				if _, seen := n[pick.Backend]; !seen {
					order = append(order, pick.Backend)
				}
				n[pick.Backend] += float64(pick.Picks)
				total += float64(pick.Picks)
			}
		}
		if len(order) < 2 || total <= 0 {
			continue
		}
		bar := plot.Bar{Label: r.label, Color: r.place, Class: r.class()}
		for _, backend := range order {
			bar.Parts = append(bar.Parts, plot.Share{Label: clean(backend), Share: n[backend] / total})
		}
		if len(imbalance) > 0 {
			bar.Note = "imbalance " + separated(stats.Mean(imbalance), 2)
		}
		p.Even = max(p.Even, len(order))
		p.Rows = append(p.Rows, bar)
	}
	if len(p.Rows) == 0 {
		return nil
	}
	notes := []string{"All methods together. Dashes: even shares; imbalance is the busiest backend's attempts over an even share."}
	return []figure{{name: name("backends"), title: p.Title, notes: append(notes, t.provisos(d)...), plot: p, row: -1}}
}
