package stats

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grpcbench/grpcbench/reports/result"
)

// course makes a trial of one load entry, 100 calls a second, from the share of
// them that is good in each second. The others fail, after three attempts each.
func course(good ...float64) *result.Trial {
	t := &result.Trial{MeasuredNS: int64(len(good)) * int64(time.Second)}
	t.Intervals = append(t.Intervals, result.Interval{Second: -1, Series: []result.IntervalSeries{{Name: "reads", Planned: 100, Failed: 100}}})
	for s, share := range good {
		ok := int64(math.Round(100 * share))
		t.Intervals = append(t.Intervals, result.Interval{Second: s, Series: []result.IntervalSeries{
			{Name: "other", Planned: 7},
			{Name: "reads", Planned: 100, OK: ok, InSLO: ok, Failed: 100 - ok, Attempts: ok + 3*(100-ok), P99NS: int64(s)},
		}})
	}
	t.Intervals = append(t.Intervals, result.Interval{Second: len(good), Series: []result.IntervalSeries{{Name: "reads", Failed: 50}}})
	return t
}

const sec = time.Second

func window(at, length, every time.Duration) result.FaultWindow {
	return result.FaultWindow{Name: "outage", Kind: "down", AtNS: int64(at), ForNS: int64(length), EveryNS: int64(every)}
}

func TestWindows(t *testing.T) {
	w := func(from, to time.Duration) Window { return Window{Name: "outage", Kind: "down", From: from, To: to} }
	for name, c := range map[string]struct {
		fault result.FaultWindow
		want  []Window
	}{
		"once":                       {window(2*sec, 3*sec, 0), []Window{w(2*sec, 5*sec)}},
		"to the end":                 {window(2*sec, 0, 0), []Window{w(2*sec, 10*sec)}},
		"from the warm-up":           {window(-2*sec, 3*sec, 0), []Window{{Name: "outage", Kind: "down", To: sec, Earlier: 2 * sec}}},
		"over before":                {window(-4*sec, 3*sec, 0), nil},
		"after the end":              {window(10*sec, sec, 0), nil},
		"beyond the end":             {window(9*sec, 3*sec, 0), []Window{w(9*sec, 10*sec)}},
		"again and again":            {window(sec, sec, 4*sec), []Window{w(sec, 2*sec), w(5*sec, 6*sec), w(9*sec, 10*sec)}},
		"again, from the warm-up on": {window(-9*sec, sec, 4*sec), []Window{w(3*sec, 4*sec), w(7*sec, 8*sec)}},
	} {
		if diff := cmp.Diff(c.want, Windows(c.fault, 10*sec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Events are what begins or ends within the measurement, however it is written.
func TestEvents(t *testing.T) {
	w := func(name string, from, to time.Duration) Window {
		return Window{Name: name, Kind: "down", From: from, To: to}
	}
	named := func(f result.FaultWindow, name string) result.FaultWindow { f.Name = name; return f }
	outage := window(2*sec, sec, 0)
	for name, c := range map[string]struct {
		faults []result.FaultWindow
		want   []Window
	}{
		"none":                               {nil, nil},
		"throughout":                         {[]result.FaultWindow{named(window(0, 0, 0), "flaky")}, nil},
		"throughout, from the warm-up on":    {[]result.FaultWindow{named(window(-sec, 20*sec, 0), "flaky")}, nil},
		"throughout, piece by piece":         {[]result.FaultWindow{named(window(-sec, 2*sec, 2*sec), "flaky")}, nil},
		"throughout, beside an outage":       {[]result.FaultWindow{named(window(0, 0, 0), "flaky"), outage}, []Window{w("outage", 2*sec, 3*sec)}},
		"not quite from the start":           {[]result.FaultWindow{window(sec, 0, 0)}, []Window{w("outage", sec, 10*sec)}},
		"not quite to the end":               {[]result.FaultWindow{window(0, 9*sec, 0)}, []Window{w("outage", 0, 9*sec)}},
		"throughout, by one after the other": {[]result.FaultWindow{named(window(0, 5*sec, 0), "a"), named(window(5*sec, 0, 0), "b")}, []Window{w("a + b", 0, 10*sec)}},
	} {
		if diff := cmp.Diff(c.want, Events(c.faults, 10*sec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPhases(t *testing.T) {
	one := func(t *testing.T, trial *result.Trial, f result.FaultWindow) Phase {
		t.Helper()
		phases := Phases(trial, "reads", f)
		if len(phases) != 1 {
			t.Fatalf("%d phases: %+v", len(phases), phases)
		}
		return phases[0]
	}
	t.Run("recovers two seconds after", func(t *testing.T) {
		p := one(t, course(1, 1, 0.2, 0.4, 0.5, 0.5, 1, 1, 1, 1, 1), window(2*sec, 2*sec, 0))
		if !p.Recovered || p.Recovery != 2*sec || p.Metastable || !p.Judged || p.Watched != 7*sec {
			t.Errorf("%+v: want recovery after 2 s", p)
		}
		if p.Planned != 200 || p.Failed != 140 || math.Abs(p.Lost-240) > 1e-9 || p.PeakP99NS != 5 {
			t.Errorf("%+v: want 200 planned, 140 failed, 240 lost, peak 5", p)
		}
		if p.Before != 1 || math.Abs(p.During-2.4) > 1e-9 || math.Abs(p.After-2) > 1e-9 {
			t.Errorf("attempts per call %v, %v, %v: want 1, 2.4, 2", p.Before, p.During, p.After)
		}
	})
	t.Run("at once", func(t *testing.T) {
		p := one(t, course(1, 0, 1, 1, 1, 1, 1), window(sec, 500*time.Millisecond, 0))
		if !p.Recovered || p.Recovery != 500*time.Millisecond || !math.IsNaN(p.After) {
			t.Errorf("%+v: want recovery at the next whole second", p)
		}
	})
	t.Run("a second of luck is no recovery", func(t *testing.T) {
		p := one(t, course(1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1), window(sec, sec, 0))
		if !p.Recovered || p.Recovery != 5*sec {
			t.Errorf("%+v: want recovery after 5 s", p)
		}
	})
	t.Run("against what was before", func(t *testing.T) {
		p := one(t, course(0.5, 0.5, 0, 0.48, 0.48, 0.48, 0.48, 0.48), window(2*sec, sec, 0))
		if !p.Recovered || p.Recovery != 0 {
			t.Errorf("%+v: 48 %% is 95 %% of 50 %%", p)
		}
	})
	t.Run("nor are two at the end", func(t *testing.T) {
		p := one(t, course(1, 0, 0, 0, 0, 0, 0, 1, 1), window(sec, sec, 0))
		if p.Recovered || !p.Judged || p.Watched != 7*sec {
			t.Errorf("%+v: want not recovered by 7 s", p)
		}
		p = one(t, course(1, 0, 1, 1, 1, 1), window(sec, sec, 0))
		if p.Recovered || !p.Judged || p.Watched != 4*sec {
			t.Errorf("%+v: want not recovered by 4 s", p)
		}
	})
	t.Run("not by the end", func(t *testing.T) {
		p := one(t, course(1, 0, 0, 0, 0), window(sec, sec, 0))
		if p.Recovered || p.Metastable || !p.Judged || p.Watched != 3*sec {
			t.Errorf("%+v: want not recovered by 3 s", p)
		}
	})
	t.Run("too late to tell", func(t *testing.T) {
		if p := one(t, course(1, 1, 1, 0, 0), window(3*sec, sec, 0)); p.Judged || p.Recovered || p.Metastable {
			t.Errorf("%+v: one second shows nothing", p)
		}
	})
	t.Run("metastable", func(t *testing.T) {
		down := make([]float64, 80)
		down[0] = 1
		if p := one(t, course(down...), window(sec, 2*sec, 0)); !p.Metastable {
			t.Errorf("%+v: 77 s without goodput after a fault of 2 s", p)
		}
		if p := one(t, course(down...), window(sec, 10*sec, 0)); p.Metastable {
			t.Errorf("%+v: 69 s are not ten times 10 s", p)
		}
		if p := one(t, course(make([]float64, 80)...), window(-8*sec, 10*sec, 0)); !p.Judged || p.Metastable {
			t.Errorf("%+v: nor ten times those of a fault that began before the measurement", p)
		}
	})
	t.Run("repeated", func(t *testing.T) {
		phases := Phases(course(1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0), "reads", window(sec, sec, 7*sec))
		if len(phases) != 2 || phases[0].Recovery != sec || phases[0].Watched != 6*sec || phases[1].Recovered || !phases[1].Judged {
			t.Errorf("%+v: want a recovery after the first, none after the second", phases)
		}
	})
	t.Run("repeated too soon to tell", func(t *testing.T) {
		phases := Phases(course(1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1), "reads", window(sec, sec, 5*sec))
		if len(phases) != 4 || phases[0].Judged || phases[1].Judged || phases[2].Judged || phases[3].Judged {
			t.Errorf("%+v: four seconds before the next one show nothing", phases)
		}
		phases = Phases(course(1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1), "reads", window(sec, sec, 5*sec))
		if w := Worst(phases); len(phases) != 2 || !w.Judged || w.Recovered || w.Watched != 4*sec {
			t.Errorf("%+v: want that of the last one, not recovered by 4 s", w)
		}
	})
	t.Run("nothing good before", func(t *testing.T) {
		if p := one(t, course(make([]float64, 80)...), window(2*sec, 2*sec, 0)); p.Recovered || p.Metastable {
			t.Errorf("%+v: what was never there cannot come back", p)
		}
	})
	t.Run("a moment", func(t *testing.T) {
		f := result.FaultWindow{Name: "reset", Kind: "disconnect", AtNS: int64(2 * sec), Moment: true}
		if p := one(t, course(1, 1, 0.5, 1, 1, 1, 1, 1), f); p.Failed != 50 || p.Planned != 100 || p.Recovery != sec {
			t.Errorf("%+v: want the 50 failures of the second it happened in, and recovery after it", p)
		}
	})
	t.Run("several faults", func(t *testing.T) {
		outage, slow, late := window(sec, 2*sec, 0), window(2*sec, 2*sec, 0), window(11*sec, sec, 0)
		slow.Name, slow.Kind = "slow", "delay"
		phases := Phases(course(1, 0, 0, 0, 0.5, 1, 1, 1, 1, 1, 1, 0.5, 1, 1, 1, 1, 1), "reads", late, slow, outage)
		if len(phases) != 2 {
			t.Fatalf("%+v: want two phases: those that overlap are one", phases)
		}
		a, b := phases[0], phases[1]
		if a.Window != (Window{Name: "outage + slow", Kind: "down + delay", From: sec, To: 4 * sec}) || a.Recovery != sec || a.Watched != 7*sec || a.Failed != 300 {
			t.Errorf("%+v", a)
		}
		// What the first did is not what the second is measured by.
		if b.Window.Name != "outage" || math.Abs(b.Lost-50) > 1e-9 || !b.Recovered || b.Recovery != 0 {
			t.Errorf("%+v", b)
		}
		w := Worst([]Phase{a, b})
		if w.Failed != 350 || math.Abs(w.Lost-400) > 1e-9 || w.Recovery != sec || w.During != 3 || w.PeakP99NS != 11 {
			t.Errorf("%+v", w)
		}
		b.Recovered = false
		if w := Worst([]Phase{a, b}); w.Recovered || w.Watched != 5*sec {
			t.Errorf("%+v: the second has not recovered", w)
		}
	})
	t.Run("beside a fault that is on throughout", func(t *testing.T) {
		flaky := window(-sec, 0, 0)
		flaky.Name = "flaky"
		trial, outage := course(0.9, 0.9, 0.2, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9), window(2*sec, sec, 0)
		phases := Phases(trial, "reads", flaky, outage)
		if diff := cmp.Diff(Phases(trial, "reads", outage), phases, cmpopts.EquateNaNs()); diff != "" || len(phases) != 1 || phases[0].Recovery != sec {
			t.Errorf("%+v: want that of the outage alone: %s", phases, diff)
		}
	})
	t.Run("all entries", func(t *testing.T) {
		trial := course(1, 0, 1, 1, 1)
		for i := range trial.Intervals {
			if other := &trial.Intervals[i].Series[0]; other.Name == "other" {
				other.Planned, other.InSLO, other.OK = 1000, 1000, 1000
			}
		}
		phases := Phases(trial, "", window(sec, sec, 0))
		if len(phases) != 1 || phases[0].Planned != 1100 || phases[0].Failed != 100 || math.Abs(phases[0].Lost-100) > 1e-9 {
			t.Errorf("%+v: want all entries together", phases)
		}
	})
	t.Run("calls that take long", func(t *testing.T) {
		// Streams of 10 s, 100 begun in each second, all end well until the outage at
		// 20 s ends those that run; afterwards so many of a hundred.
		streams := func(back int64) *result.Trial {
			t := &result.Trial{MeasuredNS: int64(60 * sec)}
			for s := range 60 {
				own := result.IntervalSeries{Name: "reads", Planned: 100, InFlight: 1000}
				switch {
				case s >= 10 && s < 20:
					own.OK, own.InSLO = 100, 100
				case s == 20:
					own.Failed = 1000
				case s >= 31:
					own.OK, own.InSLO, own.Failed = back, back, 100-back
				}
				t.Intervals = append(t.Intervals, result.Interval{Second: s, Series: []result.IntervalSeries{own}})
			}
			return t
		}
		for _, load := range []string{"reads", ""} {
			phases := Phases(streams(60), load, window(20*sec, sec, 0))
			if p := phases[0]; p.Recovered || !p.Judged || math.Abs(p.Lost-(40*100-29*60)) > 1e-9 {
				t.Errorf("%q: %+v: all ended well before, and 60 %% do since", load, p)
			}
			if p := Phases(streams(96), load, window(20*sec, sec, 0))[0]; !p.Recovered || p.Recovery != 10*sec {
				t.Errorf("%q: %+v: want a recovery when streams end again", load, p)
			}
		}
	})
	t.Run("back at the end", func(t *testing.T) {
		for _, c := range []struct {
			good []float64
			back bool
			at   time.Duration
		}{
			{[]float64{1, 0, 0.2, 1, 1, 1}, true, sec},
			{[]float64{1, 0, 1, 1}, true, 0},
			{[]float64{1, 0, 1, 1, 1, 0.5}, false, 0},
			{[]float64{1, 0, 0, 0, 0, 0, 0, 0, 0.99}, true, 6 * sec},
			{[]float64{1, 0, 1, 1, 1, 1, 1}, false, 0}, // it has recovered
		} {
			if p := one(t, course(c.good...), window(sec, sec, 0)); p.Back != c.back || p.BackAt != c.at || p.Back && p.Recovered {
				t.Errorf("%v: %+v", c.good, p)
			}
		}
	})
	t.Run("nobody calls any more", func(t *testing.T) {
		// The load is over 4 s after the outage, which the system had not come back
		// from: what it would have done in the minute since, nobody knows.
		trial := course(append([]float64{1, 0, 0, 0, 0, 0}, make([]float64, 80)...)...)
		for i := range trial.Intervals {
			if trial.Intervals[i].Second >= 6 {
				trial.Intervals[i].Series = []result.IntervalSeries{{Name: "reads"}}
			}
		}
		if p := one(t, trial, window(sec, sec, 0)); p.Metastable || p.Recovered || !p.Judged || p.Watched != 4*sec {
			t.Errorf("%+v: want not recovered by 4 s", p)
		}
		// Calls that hang are calls.
		for i := range trial.Intervals {
			own := trial.Intervals[i].Series
			own[len(own)-1].InFlight = 1
		}
		if p := one(t, trial, window(sec, sec, 0)); !p.Metastable || p.Watched != 84*sec {
			t.Errorf("%+v: want metastable", p)
		}
		if p := one(t, course(1, 0, 0), window(sec, sec, 0)); p.Judged {
			t.Errorf("%+v: a second shows nothing", p)
		}
	})
	if got := Phases(course(1, 1), "absent", window(0, sec, 0)); got != nil {
		t.Errorf("an entry that is not there: %+v", got)
	}
}
