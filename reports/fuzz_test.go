package reports

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// FuzzFormats: whatever can be read as a result is rendered in every format,
// or refused with an error; nothing panics, hangs or fills the memory.
func FuzzFormats(f *testing.F) {
	for _, make := range []func(testing.TB) *result.Result{overlays, single, never, interrupted} {
		r := make(f)
		// Short, so that what is changed matters.
		for i := range r.Variants {
			v := &r.Variants[i]
			v.Trials = v.Trials[:min(len(v.Trials), 2)]
			for j := range v.Trials {
				t := &v.Trials[j]
				t.Intervals = t.Intervals[:min(len(t.Intervals), 6)]
				for k := range t.Intervals {
					s := &t.Intervals[k].Series[0]
					s.Planned, s.OK, s.P99NS, s.Spread = 9, 8, 7e6, &result.Spread{First: 40, Counts: []int64{1, 0, 5}}
				}
				t.Client.Picks = []result.Picks{{Backend: "b0", Picks: 3}, {Backend: "b1", Picks: 2}}
			}
		}
		var text bytes.Buffer
		if err := result.Write(&text, r); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := result.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, format := range quickFormats() {
			began := time.Now()
			if format.Parts == nil {
				_ = format.Render(io.Discard, r, Options{})
			} else if parts, err := format.Parts(r, Options{}); err == nil {
				for _, part := range parts {
					_ = part.Write(io.Discard)
				}
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("%s takes %v", format.Name, took)
			}
		}
		_ = Table(io.Discard, r, Options{Columns: 120, Sort: "p99", Wide: true})
	})
}

// Figures that no run measures, but a damaged file may hold, do no harm.
func TestExtremes(t *testing.T) {
	const huge = int64(1) << 62
	for name, change := range map[string]func(*result.Trial){
		"far seconds": func(t *result.Trial) {
			t.MeasuredNS = huge
			for i := range t.Intervals {
				t.Intervals[i].Second = 1 << (i % 40)
			}
		},
		"huge counts": func(t *result.Trial) {
			for i := range t.Series {
				s := &t.Series[i]
				s.Planned, s.Calls, s.Codes["OK"], s.OfferedPerS, s.GoodputPerS = huge, huge, huge, 1.7e308, 1.7e308
			}
			for i := range t.Intervals {
				s := &t.Intervals[i].Series[0]
				s.Planned, s.OK, s.InSLO, s.P99NS = huge, huge, huge, huge
				s.Spread = &result.Spread{First: 1 << 40, Counts: []int64{huge, -huge}}
			}
			t.Client.Picks = []result.Picks{{Backend: "a", Picks: huge}, {Backend: "b", Picks: huge}}
		},
		"negative": func(t *result.Trial) {
			t.MeasuredNS = -t.MeasuredNS
			for i := range t.Series {
				s := &t.Series[i]
				s.Codes["OK"], s.Unfinished, s.Attempts, s.InSLO = -5, -5, -5, -5
				s.Latency[result.Response] = result.Summary{Count: -3, MinNS: -1, MaxNS: -1}
			}
			for i := range t.Intervals {
				t.Intervals[i].Series[0].Spread = &result.Spread{First: -10, Counts: []int64{-1, 2}}
			}
			t.Client.Picks = []result.Picks{{Backend: "a", Picks: -4}, {Backend: "b", Picks: 2}}
		},
		"no time": func(t *result.Trial) {
			t.MeasuredNS, t.Started = 0, time.Time{}
			t.Series[0].Latency = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := charted(t)
			for i := range r.Variants {
				r.Variants[i].Faults = append(r.Variants[i].Faults,
					result.FaultWindow{Kind: "all the time", EveryNS: 1, ForNS: 1}, result.FaultWindow{Kind: "from long ago", AtNS: -huge, ForNS: huge, EveryNS: 1e9})
				for j := range r.Variants[i].Trials {
					change(&r.Variants[i].Trials[j])
				}
			}
			for _, format := range quickFormats() {
				if format.Parts == nil {
					_ = format.Render(io.Discard, r, Options{})
				} else if parts, err := format.Parts(r, Options{}); err == nil {
					for _, part := range parts {
						_ = part.Write(io.Discard)
					}
				}
			}
		})
	}
}
