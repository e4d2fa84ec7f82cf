package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// HLog writes an HdrHistogram log of V2 histograms (format version 1.3), which
// HistogramLogProcessor, HistogramLogAnalyzer and the readers of HdrHistogram's
// ports read. Each line is one measure of one load entry in one trial; its tag
// is variant/load/measure. Times are seconds since the run began, values
// nanoseconds, and a line's maximum milliseconds, as the format has it.
//
// A histogram holds what was recorded: of response, the OK calls.
func HLog(w io.Writer, r *result.Result, _ Options) error {
	type line struct {
		at, length float64
		text       string
	}
	var lines []line
	tags := unique{}
	for i := range r.Variants {
		v := &r.Variants[i]
		variant := tags.name(safe(v.Name))
		for j := range v.Trials {
			t := &v.Trials[j]
			at := max(0, t.Started.Sub(r.Started).Seconds())
			for k := range t.Series {
				s := &t.Series[k]
				for _, m := range result.Measures() {
					l := s.Latency[m]
					if l.Count == 0 {
						continue
					}
					if !isBase64(l.HDR) {
						return fmt.Errorf("%s, trial %d, %s, %s: hdr is not an encoded histogram", clean(v.Name), t.Index, clean(s.Name), m)
					}
					length := time.Duration(t.MeasuredNS).Seconds()
					lines = append(lines, line{at, length, fmt.Sprintf("Tag=%s/%s/%s,%.3f,%.3f,%.6f,%s\n",
						variant, safe(s.Name), m, at, length, ms(l.MaxNS), l.HDR)})
				}
			}
		}
	}
	// Readers that ask for a range stop at the first line beyond it.
	slices.SortStableFunc(lines, func(a, b line) int { return compare(a.at, b.at) })
	var b strings.Builder
	for _, comment := range append(banner(r), "grpcbench "+source(r.Scenario)+": tags are variant/load/measure; a response histogram holds OK calls only") {
		b.WriteString("#[" + clean(comment) + "]\n")
	}
	b.WriteString("#[Histogram log format version 1.3]\n")
	start := max(0, r.Started.UnixMilli())
	fmt.Fprintf(&b, "#[StartTime: %d.%03d (seconds since epoch), %s]\n", start/1000, start%1000, time.UnixMilli(start).UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "#[BaseTime: %d.%03d (seconds since epoch)]\n", start/1000, start%1000)
	b.WriteString("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n")
	for _, l := range lines {
		b.WriteString(l.text)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the histogram log: %w", err)
	}
	return nil
}

// isBase64 says whether text can be an encoded histogram, and breaks no line.
func isBase64(s string) bool {
	return s != "" && strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == ""
}
