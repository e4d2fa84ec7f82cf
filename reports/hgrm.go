package reports

import (
	"fmt"
	"io"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// ticksPerHalf is how many lines a percentile distribution has for each
// halving of the distance to 100 %: what the HdrHistogram tools use.
const ticksPerHalf = 5

// HGRM is the percentile distribution of response as the HdrHistogram plotter
// reads it, in milliseconds: a file for each variant and load entry. It holds
// the OK calls of all trials that tables are of together. That is a description:
// comparisons rest on the trials, never on calls thrown together.
func HGRM(r *result.Result, _ Options) ([]Part, error) {
	var out []Part
	names := unique{}
	several := len(entries(r)) > 1
	for i := range r.Variants {
		v := &r.Variants[i]
		for _, entry := range entries(r) {
			var series []*result.Series
			samples := stats.Samples(v, entry)
			for _, s := range samples {
				if s.Series.Latency[result.Response].Count > 0 {
					series = append(series, s.Series)
				}
			}
			if len(series) == 0 {
				continue
			}
			of := plural(len(series), "trial") + " together"
			if n := leftOut(v, samples); n > 0 {
				of += ", " + leftOutText(n)
			} else if onlyCutShort(samples) {
				of += ", cut short"
			}
			name := fileName(v.Name, 120)
			if several {
				name += "." + fileName(entry, 100)
			}
			out = append(out, Part{
				Name: names.name(name), Doc: "response of " + clean(entry) + ", " + clean(v.Name),
				Write: func(w io.Writer) error { return hgrm(w, r, v, entry, of, series) },
			})
		}
	}
	return out, nil
}

func hgrm(w io.Writer, r *result.Result, v *result.Variant, entry, of string, series []*result.Series) error {
	all := hdrhistogram.New(result.LowestNS, result.HighestNS, result.Digits)
	var planned int64
	for _, s := range series {
		h, err := hdrhistogram.Decode([]byte(s.Latency[result.Response].HDR))
		if err != nil {
			return fmt.Errorf("%s, %s: hdr: %w", clean(v.Name), clean(entry), err)
		}
		if dropped := all.Merge(h); dropped > 0 {
			return fmt.Errorf("%s, %s: hdr: %d values are out of range", clean(v.Name), clean(entry), dropped)
		}
		planned += s.Planned
	}
	for _, line := range append(banner(r),
		source(r.Scenario)+", "+clean(v.Name)+", "+clean(entry)+": response in ms, "+of,
		count(all.TotalCount())+" OK calls of "+count(planned)+" planned; failed ones are not in it") {
		if _, err := io.WriteString(w, "#["+line+"]\n"); err != nil {
			return fmt.Errorf("writing the distribution: %w", err)
		}
	}
	if _, err := all.PercentilesPrint(w, ticksPerHalf, 1e6); err != nil {
		return fmt.Errorf("writing the distribution: %w", err)
	}
	return nil
}
