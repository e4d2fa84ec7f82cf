package reports

import (
	"io"
	"math"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// changesVersion is that of the document that Changes.JSON writes. Fields are added
// without raising it.
const changesVersion = 1

// changesJSON is the changes as one JSON document.
type changesJSON struct {
	Version int       `json:"changes_version"`
	Old     sideJSON  `json:"old"`
	New     sideJSON  `json:"new"`
	Differ  []string  `json:"differences"`
	Changes []oneJSON `json:"changes"`
	// Alone is the variants that only one of the results has.
	Alone []string      `json:"in_one_result_only"`
	Gates []result.Gate `json:"gates"`
}

// sideJSON is one of the results.
type sideJSON struct {
	Scenario string            `json:"scenario"`
	Started  time.Time         `json:"started"`
	Labels   map[string]string `json:"labels"`
	Verdict  result.Verdict    `json:"verdict"`
	Partial  bool              `json:"partial"`
}

// oneJSON is what became of one figure.
type oneJSON struct {
	Variant string `json:"variant"`
	// Load is empty for a figure of the whole trial.
	Load   string `json:"load,omitempty"`
	Metric string `json:"metric"`
	Unit   string `json:"unit"` // ns, share or number
	// Before and Now are null where a quantile lands on failed calls, or is not
	// known.
	Before *float64 `json:"before"`
	Now    *float64 `json:"now"`
	// Compared is ratio or difference: what Estimate, Low and High are, of now and
	// before. Without them the two were not compared; a bound that is missing alone is
	// infinite.
	Compared string   `json:"compared,omitempty"`
	Estimate *float64 `json:"estimate,omitempty"`
	Low      *float64 `json:"low,omitempty"`
	High     *float64 `json:"high,omitempty"`
	// Shown is that the interval, which holds together with those of the figure's
	// other variants, has no place for no change.
	Shown bool `json:"shown"`
	// Blocks is how many blocks were compared; 0 for independent trials.
	Blocks int `json:"blocks,omitempty"`
}

// JSON writes the changes as one document.
func (c Changes) JSON(w io.Writer) error {
	out := changesJSON{
		Version: changesVersion, Old: sideOf(c.Old), New: sideOf(c.New),
		Differ: append([]string{}, c.Differences...), Changes: []oneJSON{}, Alone: []string{}, Gates: append([]result.Gate{}, c.New.Gates...),
	}
	first, alone := true, map[string]bool{}
	for _, entry := range entries(c.New) {
		pairs, single := c.pairs(entry)
		for _, name := range single {
			if !alone[name] {
				alone[name] = true
				out.Alone = append(out.Alone, name)
			}
		}
		for _, p := range pairs {
			for _, f := range changeFigures() {
				if f.whole && !first {
					continue
				}
				out.Changes = append(out.Changes, c.one(p, entry, f, len(pairs)))
			}
		}
		first = first && len(pairs) == 0
	}
	return result.WriteJSON(w, out)
}

func sideOf(r *result.Result) sideJSON {
	s := sideJSON{Scenario: r.Scenario.Name, Started: r.Started, Labels: r.Labels, Verdict: r.Validity.Verdict, Partial: r.Partial}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	return s
}

func (c Changes) one(p changePair, entry string, f changeFigure, family int) oneJSON {
	one := oneJSON{Variant: p.variant, Load: entry, Metric: f.name, Unit: f.unit, Before: finite(f.value(p.old)), Now: finite(f.value(p.now))}
	if f.whole {
		one.Load = ""
	}
	d, ok := stats.CompareResults(p.now, p.old, f.metric, family, c.sameDraws())
	if !ok {
		return one
	}
	one.Compared = result.GateDifference
	if d.Scale == stats.Ratio {
		one.Compared = result.GateRatio
	}
	one.Estimate, one.Low, one.High = finite(d.Estimate), finite(d.Interval.Low), finite(d.Interval.High)
	one.Shown, one.Blocks = d.Shown(), d.Blocks
	return one
}

// finite is v, or nil where JSON has no word for it.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
