// Package history keeps the figures of many runs in one file, a line of JSON for
// each, and finds where they changed for good: what a single comparison cannot
// tell from noise shows in the trend over weeks.
package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Version is that of the lines that this package writes. Fields are added without
// raising it.
const Version = 1

// Entry is one run: one line.
type Entry struct {
	Version int       `json:"history_version"`
	Started time.Time `json:"started"`
	// Commit is the label of that name.
	Commit string            `json:"commit,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	// Scenario is its name, Workload the digest of what was measured, Machine the
	// class of machine: figures are of one series where all three are the same.
	Scenario string         `json:"scenario"`
	Workload string         `json:"workload"`
	Machine  string         `json:"machine"`
	Verdict  result.Verdict `json:"verdict"`
	Figures  []Figure       `json:"figures"`
}

// Figure is one figure of a variant and load entry over all trials.
type Figure struct {
	Variant string `json:"variant"`
	// Load is empty for a figure of the whole trial.
	Load   string `json:"load,omitempty"`
	Metric string `json:"metric"`
	// Unit is ns, share, per_s or number.
	Unit string `json:"unit"`
	// Value is null where a quantile lands on a failed call, or is not known.
	Value *float64 `json:"value"`
}

// ErrUnfit is that of a result that has no place in a history.
var ErrUnfit = errors.New("is no measurement to go by")

// Of is the line of a result. One that is INVALID or partial is ErrUnfit, and so is
// that of a search for the capacity, whose rates are not the scenario's.
func Of(r *result.Result) (Entry, error) {
	switch {
	case r.Capacity != nil:
		return Entry{}, fmt.Errorf("a result of grpcbench capacity, in which each variant has a rate of its own, %w", ErrUnfit)
	case r.Partial:
		return Entry{}, fmt.Errorf("a partial result %w", ErrUnfit)
	case result.Worst(r.Validity.Verdict, result.Suspect) == result.Invalid:
		return Entry{}, fmt.Errorf("an INVALID result %w", ErrUnfit)
	}
	e := Entry{
		Version: Version, Started: r.Started.UTC(), Commit: r.Labels["commit"], Labels: maps.Clone(r.Labels),
		Scenario: r.Scenario.Name, Workload: r.Scenario.WorkloadSHA256, Machine: machine(r), Verdict: r.Validity.Verdict,
	}
	if e.Workload == "" {
		e.Workload = r.Scenario.SHA256
	}
	for i := range r.Variants {
		v := &r.Variants[i]
		for _, l := range v.Loads {
			e.add(v, l.Name)
		}
		e.addCPU(v)
	}
	return e, nil
}

// machine is the class of machine, in words.
func machine(r *result.Result) string {
	x := r.Environment
	return fmt.Sprintf("%s/%s, %d of %d × %s", x.OS, x.Arch, x.GOMAXPROCS, x.CPUs, x.CPUModel)
}

func (e *Entry) add(v *result.Variant, load string) {
	samples := stats.Samples(v, load)
	if len(samples) == 0 {
		return
	}
	figure := func(metric, unit string, value float64) {
		e.Figures = append(e.Figures, Figure{Variant: v.Name, Load: load, Metric: metric, Unit: unit, Value: known(value)})
	}
	for _, q := range []stats.Quantile{stats.P50, stats.P99} {
		figure(q.String(), "ns", stats.Response(samples, q).NS)
	}
	f := stats.Aggregate(samples)
	figure("in_slo", "share", f.InSLO)
	figure("errors", "share", f.Failed)
	figure("rate", "per_s", f.AchievedPerS)
	figure("attempts", "number", f.AttemptsPerCall)
}

func (e *Entry) addCPU(v *result.Variant) {
	var all []float64
	for i := range v.Trials {
		var calls int64
		for j := range v.Trials[i].Series {
			calls += v.Trials[i].Series[j].Calls
		}
		if cpu := v.Trials[i].Client.CPUNS; calls > 0 && cpu > 0 {
			all = append(all, float64(cpu)/float64(calls))
		}
	}
	if len(all) > 0 {
		e.Figures = append(e.Figures, Figure{Variant: v.Name, Metric: "cpu_per_call", Unit: "ns", Value: known(stats.Mean(all))})
	}
}

func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// maxLine is the longest line that is read: a run of 256 variants has less than a
// tenth of it.
const maxLine = 16 << 20

// Read reads the lines of a history, in their order. Blank lines are skipped; any
// other that is no entry of this version is an error with its number.
func Read(r io.Reader) ([]Entry, error) {
	var all []Entry
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var e Entry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("line %d is no entry of a history: %w", n, err)
		}
		if e.Version != Version {
			return nil, fmt.Errorf("line %d has history_version %d; this grpcbench reads %d", n, e.Version, Version)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading a history: %w", err)
	}
	return all, nil
}

// same says whether two entries are of one run.
func (e Entry) same(o Entry) bool {
	return e.Started.Equal(o.Started) && e.Scenario == o.Scenario && e.Workload == o.Workload && e.Machine == o.Machine
}

// Append adds entries to the history in a file, which need not exist yet, and
// returns all of it. Runs that it has already are left out: added is how many were
// not. The file is replaced whole, or on an error not at all.
func Append(path string, entries []Entry) (all []Entry, added int, err error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	all, err = Read(bytes.NewReader(text))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	var next bytes.Buffer
	next.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		next.WriteByte('\n')
	}
	for _, e := range entries {
		if slices.ContainsFunc(all, e.same) {
			continue
		}
		line, err := json.Marshal(e)
		if err != nil {
			return nil, 0, fmt.Errorf("encoding a history: %w", err)
		}
		next.Write(line)
		next.WriteByte('\n')
		all = append(all, e)
		added++
	}
	if added == 0 {
		return all, 0, nil
	}
	return all, added, result.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(next.Bytes())
		return err
	})
}

// Group is the runs of one workload on one class of machine, oldest first.
type Group struct {
	Scenario, Workload, Machine string
	Runs                        []Entry
	Series                      []Series
}

// Series is one figure over the runs of a group.
type Series struct {
	Variant, Load, Metric, Unit string
	// Values has one for each run; NaN where it is not known.
	Values []float64
	// Changes are the places where it changed for good. At counts runs.
	Changes []stats.ChangePoint
}

// Groups sorts the entries into groups, in the order of their newest runs, and
// finds the changes of every series.
func Groups(entries []Entry) []Group {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int { return a.Started.Compare(b.Started) })
	var groups []Group
	for _, e := range sorted {
		at := slices.IndexFunc(groups, func(g Group) bool {
			return g.Scenario == e.Scenario && g.Workload == e.Workload && g.Machine == e.Machine
		})
		if at < 0 {
			groups = append(groups, Group{Scenario: e.Scenario, Workload: e.Workload, Machine: e.Machine})
			at = len(groups) - 1
		}
		groups[at].Runs = append(groups[at].Runs, e)
	}
	for i := range groups {
		groups[i].Series = series(groups[i].Runs)
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return a.Runs[len(a.Runs)-1].Started.Compare(b.Runs[len(b.Runs)-1].Started)
	})
	return groups
}

func series(runs []Entry) []Series {
	type key struct{ variant, load, metric string }
	at := map[key]int{}
	var all []Series
	for i, run := range runs {
		for _, f := range run.Figures {
			k := key{f.Variant, f.Load, f.Metric}
			place, ok := at[k]
			if !ok {
				s := Series{Variant: f.Variant, Load: f.Load, Metric: f.Metric, Unit: f.Unit, Values: make([]float64, len(runs))}
				for j := range s.Values {
					s.Values[j] = math.NaN()
				}
				place = len(all)
				at[k], all = place, append(all, s)
			}
			if f.Value != nil {
				all[place].Values[i] = *f.Value
			}
		}
	}
	for i := range all {
		all[i].find()
	}
	return all
}

// find finds the changes among the values that are known.
func (s *Series) find() {
	var values []float64
	var runs []int
	for i, v := range s.Values {
		if !math.IsNaN(v) {
			values, runs = append(values, v), append(runs, i)
		}
	}
	s.Changes = stats.ChangePoints(values)
	for i := range s.Changes {
		s.Changes[i].At = runs[s.Changes[i].At]
	}
}

// Worse says whether more of the metric is worse, and less better.
func Worse(metric string) bool { return metric != "in_slo" && metric != "rate" }
