package reports

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/grpcbench/grpcbench/reports/result"
)

func readLog(t *testing.T, text string) []*hdrhistogram.Histogram {
	t.Helper()
	reader := hdrhistogram.NewHistogramLogReader(strings.NewReader(text))
	var out []*hdrhistogram.Histogram
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return out
		}
		out = append(out, h)
	}
}

// What HdrHistogram's log reader reads is what the result holds.
func TestHLogRoundTrip(t *testing.T) {
	r := kinds(t)
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			// Blocks: trial j of all variants, then the next.
			r.Variants[i].Trials[j].Started = r.Started.Add(time.Duration(1500*(j*len(r.Variants)+i)) * time.Millisecond)
		}
	}
	read := map[string][]*hdrhistogram.Histogram{}
	last := int64(0)
	for _, h := range readLog(t, render(t, formatNamed("hlog").Render, r, Options{})) {
		read[h.Tag()] = append(read[h.Tag()], h)
		if h.StartTimeMs() < last {
			t.Errorf("%s begins before the line above it", h.Tag())
		}
		last = h.StartTimeMs()
	}
	want := 0
	for i := range r.Variants {
		v := &r.Variants[i]
		for j := range v.Trials {
			for k := range v.Trials[j].Series {
				s := &v.Trials[j].Series[k]
				for m, l := range s.Latency {
					want++
					tag := safe(v.Name) + "/" + s.Name + "/" + string(m)
					if len(read[tag]) <= j {
						t.Fatalf("no histogram %d of %s", j, tag)
					}
					got := read[tag][j]
					original, err := hdrhistogram.Decode([]byte(l.HDR))
					if err != nil {
						t.Fatal(err)
					}
					if !got.Equals(original) || got.TotalCount() != l.Count {
						t.Errorf("%s, trial %d: the histogram is another", tag, j)
					}
					if start := v.Trials[j].Started.UnixMilli(); got.StartTimeMs() != start || got.EndTimeMs()-start != 2000 {
						t.Errorf("%s, trial %d: from %d to %d, want %d for 2 s", tag, j, got.StartTimeMs(), got.EndTimeMs(), start)
					}
				}
			}
		}
	}
	n := 0
	for _, list := range read {
		n += len(list)
	}
	if n != want {
		t.Errorf("%d histograms, want %d", n, want)
	}
	r.Variants[0].Trials[0].Series[0].Latency[result.Response] = result.Summary{Count: 3, HDR: "x\n0,0,0,HISTF"}
	if err := HLog(io.Discard, r, Options{}); err == nil || !strings.Contains(err.Error(), "hdr is not an encoded histogram") {
		t.Errorf("a broken histogram: %v", err)
	}
}

// The distribution's lines are right: the value at each percentile is what the
// trials' calls together say.
func TestHGRM(t *testing.T) {
	r := outage(t)
	parts, err := HGRM(r, Options{})
	if err != nil || len(parts) != 4 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	var out bytes.Buffer
	if err := parts[1].Write(&out); err != nil {
		t.Fatal(err)
	}
	whole := result.NewHistogram()
	for _, trial := range r.Variants[1].Trials {
		h, err := trial.Series[0].Latency[result.Response].Histogram()
		if err != nil {
			t.Fatal(err)
		}
		whole.Merge(h)
	}
	rows := 0
	lastCount := int64(0)
	for line := range strings.Lines(out.String()) {
		// As the HdrHistogram plotter reads it: four fields, no comment.
		f := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(f) != 4 {
			continue
		}
		value, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			continue // the heading
		}
		rows++
		n, _ := strconv.ParseInt(f[2], 10, 64)
		want := float64(*whole.Quantiles(whole.Count(), float64(n)/float64(whole.Count()))[0]) / 1e6
		if n < lastCount || math.Abs(value-want) > 0.003*want+0.0011 {
			t.Errorf("%s: %v ms, want %v", f[1], value, want)
		}
		lastCount = n
	}
	if rows < 30 || lastCount != whole.Count() {
		t.Errorf("%d rows up to %d of %d calls:\n%s", rows, lastCount, whole.Count(), out.String())
	}
	if text := out.String(); !strings.Contains(text, "69,902 OK calls of 70,000 planned; failed ones are not in it") {
		t.Errorf("the heading does not say who is missing: %.300s", text)
	}
}
