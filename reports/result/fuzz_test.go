package result

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzRead: whatever is read is written and read again as the same, and its
// histograms decode or say why not.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"schema_version": 1}`, `{"schema_version": 2}`, `{"seed": 1, "schema_version": 1}`,
		`{"schema_version": 1, "variants": [{"name": "v", "trials": [{"series": [{"name": "l", "planned": -1, "latency": {"response": {"count": 3, "p50_ns": null, "hdr": "HISTFAAAABN42pNpmSzMwMDAxAABzFCaEUoz2X+AMIKZAEARAtM="}}}],
			"intervals": [{"second": 99999999999, "series": [{"spread": {"first": -3, "counts": [1, -2]}}]}]}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Read(bytes.NewReader(text))
		if err != nil {
			if !strings.Contains(err.Error(), "result") {
				t.Errorf("an error that does not say of what: %v", err)
			}
			return
		}
		var first, second bytes.Buffer
		if err := Write(&first, r); err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if err := Write(&second, again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.String(), second.String()); diff != "" {
			t.Errorf("it changes when it is read again:\n%s", diff)
		}
		for i := range r.Variants {
			for j := range r.Variants[i].Trials {
				for k := range r.Variants[i].Trials[j].Series {
					for _, l := range r.Variants[i].Trials[j].Series[k].Latency {
						h, err := l.Histogram()
						if err == nil {
							h.Quantiles(l.Count, 0.5, 0.999)
							h.CountsUpTo([]int64{0, 1e6, HighestNS})
						}
					}
				}
			}
		}
	})
}
