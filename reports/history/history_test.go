package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// runOf is a run of one variant with a p99 of so many ms.
func runOf(day int, p99 float64) *result.Result {
	ns := int64(p99 * 1e6)
	return &result.Result{
		Started: time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC).AddDate(0, 0, day), Labels: map[string]string{"commit": fmt.Sprintf("c%03d", day)},
		Validity: result.Validity{Verdict: result.Valid}, Scenario: result.Scenario{Name: "quick", WorkloadSHA256: "abc"},
		Environment: result.Environment{OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2, CPUModel: "Z80"},
		Variants: []result.Variant{{
			Name: "default", Loads: []result.Load{{Name: "reads"}},
			Trials: []result.Trial{{
				Series: []result.Series{{
					Name: "reads", Planned: 1000, Calls: 1000, Attempts: 1100, Codes: map[string]int64{"OK": 990}, InSLO: 0.98, AchievedPerS: 99,
					Latency: map[result.Measure]result.Summary{result.Response: {Count: 990, P99NS: &ns}},
				}},
				Client: result.Client{CPUNS: 20_000_000},
			}},
		}},
	}
}

func entryOf(t testing.TB, r *result.Result) Entry {
	t.Helper()
	e, err := Of(r)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOf(t *testing.T) {
	got := entryOf(t, runOf(0, 12))
	v := func(x float64) *float64 { return &x }
	want := []Figure{
		{"default", "reads", "p50", "ns", nil}, // it lands on a failed call
		{"default", "reads", "p99", "ns", v(12e6)}, {"default", "reads", "in_slo", "share", v(0.98)}, {"default", "reads", "errors", "share", v(0.01)},
		{"default", "reads", "rate", "per_s", v(99)}, {"default", "reads", "attempts", "number", v(1.1)}, {"default", "", "cpu_per_call", "ns", v(20_000)},
	}
	if diff := cmp.Diff(want, got.Figures); diff != "" {
		t.Error(diff)
	}
	if got.Commit != "c000" || got.Machine != "linux/amd64, 2 of 2 × Z80" || got.Workload != "abc" {
		t.Errorf("%+v", got)
	}
	partial, invalid, capacity := runOf(0, 1), runOf(0, 1), runOf(0, 1)
	partial.Partial, invalid.Validity.Verdict = true, result.Invalid
	capacity.Capacity = &result.Capacity{} // p99 of another rate than the scenario's
	for _, r := range []*result.Result{partial, invalid, capacity} {
		if _, err := Of(r); !errors.Is(err, ErrUnfit) {
			t.Errorf("unfit: %v", err)
		}
	}
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if all, added, err := Append(path, []Entry{entryOf(t, runOf(0, 12)), entryOf(t, runOf(1, 13))}); err != nil || added != 2 || len(all) != 2 {
		t.Fatalf("%d added of %d, %v", added, len(all), err)
	}
	// What is there already is not added again.
	all, added, err := Append(path, []Entry{entryOf(t, runOf(1, 13)), entryOf(t, runOf(2, 14))})
	if err != nil || added != 1 || len(all) != 3 {
		t.Fatalf("%d added of %d, %v", added, len(all), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte("\n")) != 3 {
		t.Errorf("%v\n%s", err, text)
	}
	again, err := Read(bytes.NewReader(text))
	if diff := cmp.Diff(all, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	// A file that someone else has cut is told of, and left as it is.
	cut := text[:len(text)-20]
	if err := os.WriteFile(path, cut, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Append(path, []Entry{entryOf(t, runOf(3, 1))}); err == nil || !strings.Contains(err.Error(), "line 3 is no entry") {
		t.Errorf("cut: %v", err)
	}
	if left, _ := os.ReadFile(path); !bytes.Equal(left, cut) {
		t.Error("it was changed")
	}
	// A last line without its end is whole where it reads.
	if err := os.WriteFile(path, text[:len(text)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, added, err := Append(path, []Entry{entryOf(t, runOf(3, 1))}); err != nil || added != 1 {
		t.Errorf("without its end: %d, %v", added, err)
	}
	if text, _ := os.ReadFile(path); bytes.Count(text, []byte("\n")) != 4 {
		t.Errorf("%s", text)
	}
}

// A step of 10 % after 20 runs is found where it is, on the run that brought it;
// runs of another workload or machine are series of their own; order in the file
// does not matter.
func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var entries []Entry
	for day := range 40 {
		p99 := 10 * (1 + 0.02*rng.NormFloat64())
		if day >= 20 {
			p99 *= 1.1
		}
		entries = append(entries, entryOf(t, runOf(day, p99)))
	}
	other := entryOf(t, runOf(50, 99))
	other.Machine = "a faster one"
	entries = append(entries, other)
	entries[0], entries[30] = entries[30], entries[0]
	groups := Groups(entries)
	if len(groups) != 2 || len(groups[0].Runs) != 40 || groups[1].Machine != "a faster one" {
		t.Fatalf("%d groups", len(groups))
	}
	for _, s := range groups[0].Series {
		switch s.Metric {
		case "p99":
			if len(s.Changes) != 1 || s.Changes[0].At != 20 || groups[0].Runs[20].Commit != "c020" || math.Abs(s.Changes[0].Change()-0.1) > 0.02 {
				t.Errorf("p99 changes %+v", s.Changes)
			}
		case "p50":
			if !math.IsNaN(s.Values[0]) || len(s.Changes) != 0 {
				t.Errorf("p50 of nothing: %v", s)
			}
		default:
			if len(s.Changes) != 0 {
				t.Errorf("%s changes %+v", s.Metric, s.Changes)
			}
		}
	}
}

// A place of a change counts runs, with those that have no value.
func TestChangesCountRuns(t *testing.T) {
	s := Series{}
	for i := range 16 {
		v := 10 + 0.01*float64(i%3)
		if i >= 9 {
			v += 5
		}
		if i == 2 || i == 4 {
			v = math.NaN()
		}
		s.Values = append(s.Values, v)
	}
	if s.find(); len(s.Changes) != 1 || s.Changes[0].At != 9 {
		t.Errorf("%+v", s.Changes)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{}":                           "line 1 has history_version 0",
		"\n{\"history_version\":2}":    "line 2 has history_version 2",
		"{\"history_version\":1}\nnil": "line 2 is no entry of a history",
		strings.Repeat("x", maxLine+1): "reading a history",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	if all, err := Read(strings.NewReader("\n\n")); err != nil || len(all) != 0 {
		t.Errorf("blank lines: %v, %v", all, err)
	}
}

// What reads, is grouped without a panic and reads again as it was.
func FuzzRead(f *testing.F) {
	line, err := json.Marshal(entryOf(f, runOf(0, 12)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(append(bytes.Clone(line), '\n'), line...))
	f.Add([]byte(`{"history_version":1,"figures":[{"value":1},{"value":null},{"value":1e308}]}`))
	f.Add([]byte("{\"history_version\":1,\"started\":\"2026-01-01T00:00:00Z\"}\n\n{\"history_version\":2}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		Groups(all)
		var out bytes.Buffer
		for _, e := range all {
			line, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(line, '\n'))
		}
		again, err := Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) != len(all) {
			t.Errorf("%d entries become %d", len(all), len(again))
		}
	})
}
