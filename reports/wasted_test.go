package reports

import (
	"slices"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Wasted work stands beside each fault of each variant; where a result does not say
// when it was done it stands once for the trial, and the note says which it is.
func TestWastedWorkByFault(t *testing.T) {
	trial := result.Trial{MeasuredNS: 30e9}
	for second := range 30 {
		s := result.IntervalSeries{Name: "reads", Planned: 100, OK: 100, InSLO: 100, Attempts: 100}
		if second == 5 || second == 15 {
			s.OK, s.InSLO, s.Failed = 40, 40, 60
		}
		trial.Intervals = append(trial.Intervals, result.Interval{Second: second, Series: []result.IntervalSeries{s}})
	}
	old := trial
	old.Fleet = &result.Fleet{Backends: []result.Backend{{Name: "b0", WastedNS: 9e9}}}
	trial.Fleet = &result.Fleet{Backends: []result.Backend{{Name: "b0", WastedNS: 9e9, WastedSeconds: []result.WastedSecond{
		{Second: 2, NS: 1e9}, {Second: 5, NS: 3e9}, {Second: 15, NS: 5e9},
	}}}}
	faults := []result.FaultWindow{{Name: "cut", Kind: "down", AtNS: 5e9, ForNS: 1e9}, {Name: "slow", Kind: "slow", AtNS: 15e9, ForNS: 1e9}}
	of := func(trials ...result.Trial) *table {
		out := &table{entry: "reads"}
		for i := range trials {
			out.rows = append(out.rows, row{label: string(rune('a' + i)), faults: faults, samples: samplesOf(trials[i : i+1])})
		}
		return out
	}
	for name, c := range map[string]struct {
		table  *table
		want   []string
		says   []string
		silent string
	}{
		"by fault": {of(trial), []string{"3.00", "5.00"}, []string{wastedNote}, wastedTrialNote},
		"of old":   {of(old), []string{"9.00", blank}, []string{wastedTrialNote}, wastedNote},
		"both":     {of(trial, old), []string{"3.00", "5.00", "9.00", blank}, []string{wastedNote, wastedTrialNote}, "nothing"},
	} {
		columns, _, notes := c.table.recoveryTable()
		i := slices.IndexFunc(columns, func(c column) bool { return c.head == "wasted s" })
		if i < 0 {
			t.Errorf("%s: no column of wasted work", name)
			continue
		}
		if got := columns[i].cells; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, note := range c.says {
			if !strings.Contains(notes, note) {
				t.Errorf("%s: the notes do not say %q: %s", name, note, notes)
			}
		}
		if strings.Contains(notes, c.silent) {
			t.Errorf("%s: the notes say %q", name, c.silent)
		}
	}
}

// The column is in every form of the table of recovery.
func TestWastedWorkIsInEveryTable(t *testing.T) {
	r := charted(t)
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			r.Variants[i].Trials[j].Fleet = &result.Fleet{Backends: []result.Backend{{
				Name: "b0", WastedNS: 8.76e9, WastedSeconds: []result.WastedSecond{{Second: 1, NS: 1e9}, {Second: 6, NS: 7.76e9}},
			}}}
		}
	}
	for name, text := range map[string]string{
		"table":    render(t, Table, r, Options{Columns: 140}),
		"markdown": render(t, Markdown, r, Options{}),
		"html":     render(t, HTML, r, Options{}),
	} {
		if !strings.Contains(text, "wasted s") || !strings.Contains(text, "7.76") {
			t.Errorf("%s: no wasted work:\n%s", name, text)
		}
	}
}
