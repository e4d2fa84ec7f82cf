package reports

import (
	"github.com/grpcbench/grpcbench/reports/stats"
)

// unevenness is the imbalance from which a table shows it: less is chance.
const unevenness = 1.1

// imbalance is how unevenly calls were spread over the backends: known where
// there were several, and shown where some variant was uneven.
func (t *table) imbalance() (column, bool) {
	known, uneven := true, false
	c := t.each("imbalance", rankImbalance, func(r *row) string {
		var each []float64
		for _, sample := range r.samples {
			trial := sample.Trial
			several := len(trial.Client.Picks) > 1 || trial.Fleet != nil && len(trial.Fleet.Backends) > 1
			if several && trial.Client.Imbalance > 0 {
				each = append(each, trial.Client.Imbalance)
			}
		}
		if len(each) == 0 {
			known = false
			return blank
		}
		mean := stats.Mean(each)
		uneven = uneven || mean >= unevenness
		return separated(mean, 2)
	})
	c.notes = []note{{noteImbalance, "imbalance: the busiest backend's attempts over an even share"}}
	return c, known && uneven
}
