package stats

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// A window's wasted work is that from its begin until recovery, or until the next
// window or the end where there was none: of every backend, and of no other second.
func TestWastedWorkOfAWindow(t *testing.T) {
	// Every second of the books has a digit of its own, so that a sum says what is
	// in it; what is before t0 and in the drain is in no window's.
	fleet := func() *result.Fleet {
		b0 := result.Backend{Name: "b0", WastedSeconds: []result.WastedSecond{{Second: -1, NS: 5}}}
		for second, ns := 0, int64(1); second < 15; second, ns = second+1, 10*ns {
			b0.WastedSeconds = append(b0.WastedSeconds, result.WastedSecond{Second: second, NS: ns})
			b0.WastedNS += ns
		}
		b1 := result.Backend{Name: "b1", WastedNS: 2_000, WastedSeconds: []result.WastedSecond{{Second: 3, NS: 2_000}}}
		return &result.Fleet{Backends: []result.Backend{b0, b1, {Name: "b2"}}}
	}
	for name, c := range map[string]struct {
		trial  *result.Trial
		faults []result.FaultWindow
		want   []float64
	}{
		"until recovery":            {course(1, 1, 0, 0, 0.5, 1, 1, 1, 1, 1, 1, 1), []result.FaultWindow{window(2*sec, 2*sec, 0)}, []float64{13_100}},
		"recovers at once":          {course(1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), []result.FaultWindow{window(2*sec, 2*sec, 0)}, []float64{3_100}},
		"seconds that an edge cuts": {course(1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), []result.FaultWindow{window(2*sec+sec/2, sec, 0)}, []float64{3_100}},
		"not by the end":            {course(1, 1, 0, 0, 0, 0, 0, 0, 0, 0), []result.FaultWindow{window(2*sec, 2*sec, 0)}, []float64{1_111_113_100}},
		"not by the next window":    {course(1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1), []result.FaultWindow{window(sec, sec, 0), window(5*sec, sec, 0)}, []float64{13_110, 100_000}},
		"comes again":               {course(1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1), []result.FaultWindow{window(sec, sec, 6*sec)}, []float64{10, 10_000_000}},
	} {
		c.trial.Fleet = fleet()
		var got []float64
		for _, p := range Phases(c.trial, "reads", c.faults...) {
			got = append(got, p.WastedNS)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What a result does not say is not nothing; where nothing was wasted it says so.
func TestWastedWorkIsNotKnown(t *testing.T) {
	said := result.Backend{WastedNS: 7, WastedSeconds: []result.WastedSecond{{Second: 1, NS: 7}}}
	for name, c := range map[string]struct {
		fleet *result.Fleet
		want  float64
	}{
		"a target":                              {nil, math.NaN()},
		"before there were any":                 {&result.Fleet{Backends: []result.Backend{{WastedNS: 7}}}, math.NaN()},
		"of one of them":                        {&result.Fleet{Backends: []result.Backend{said, {WastedNS: 7}}}, math.NaN()},
		"nothing, by any version":               {&result.Fleet{Backends: []result.Backend{{}, {}}}, 0},
		"of one of them, the other had nothing": {&result.Fleet{Backends: []result.Backend{said, {}}}, 7},
	} {
		trial := course(1, 0, 1, 1, 1)
		trial.Fleet = c.fleet
		got := Phases(trial, "reads", window(sec, sec, 0))[0].WastedNS
		if got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A fault that comes again has wasted what its windows have together.
func TestWorstSumsWastedWork(t *testing.T) {
	if w := Worst([]Phase{{WastedNS: 3}, {WastedNS: 40}, {WastedNS: 5}}); w.WastedNS != 48 {
		t.Errorf("%v, want 48", w.WastedNS)
	}
}
