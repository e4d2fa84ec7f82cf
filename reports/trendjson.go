package reports

import (
	"io"
	"time"

	"github.com/grpcbench/grpcbench/reports/history"
	"github.com/grpcbench/grpcbench/reports/result"
)

// trendVersion is that of the document that TrendJSON writes. Fields are added
// without raising it.
const trendVersion = 1

// groupJSON is the runs of one scenario, workload and class of machine.
type groupJSON struct {
	Scenario string       `json:"scenario"`
	Workload string       `json:"workload"`
	Machine  string       `json:"machine"`
	Runs     []runJSON    `json:"runs"`
	Series   []seriesJSON `json:"series"`
}

type runJSON struct {
	Started time.Time      `json:"started"`
	Commit  string         `json:"commit,omitempty"`
	Verdict result.Verdict `json:"verdict"`
}

// seriesJSON is one figure over the runs.
type seriesJSON struct {
	Variant string `json:"variant"`
	Load    string `json:"load,omitempty"`
	Metric  string `json:"metric"`
	Unit    string `json:"unit"`
	// Values is one for each run, null where it has none.
	Values  []*float64  `json:"values"`
	Changes []levelJSON `json:"changes"`
}

// levelJSON is a change for good.
type levelJSON struct {
	// Run is the place in runs of the one that brought it, from 0.
	Run    int     `json:"run"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Worse  bool    `json:"worse"`
}

// TrendJSON writes every series of a history, with where it changed for good, as
// one JSON document.
func TrendJSON(w io.Writer, groups []history.Group) error {
	out := struct {
		Version int         `json:"trend_version"`
		Groups  []groupJSON `json:"groups"`
	}{trendVersion, []groupJSON{}}
	for _, g := range groups {
		one := groupJSON{Scenario: g.Scenario, Workload: g.Runs[0].Workload, Machine: g.Machine, Runs: []runJSON{}, Series: []seriesJSON{}}
		for _, r := range g.Runs {
			one.Runs = append(one.Runs, runJSON{Started: r.Started, Commit: r.Commit, Verdict: r.Verdict})
		}
		for _, s := range g.Series {
			line := seriesJSON{Variant: s.Variant, Load: s.Load, Metric: s.Metric, Unit: s.Unit, Values: []*float64{}, Changes: []levelJSON{}}
			for _, v := range s.Values {
				line.Values = append(line.Values, finite(v))
			}
			for _, c := range s.Changes {
				line.Changes = append(line.Changes, levelJSON{Run: c.At, Before: c.Before, After: c.After, Worse: (c.After > c.Before) == history.Worse(s.Metric)})
			}
			one.Series = append(one.Series, line)
		}
		out.Groups = append(out.Groups, one)
	}
	return result.WriteJSON(w, out)
}
