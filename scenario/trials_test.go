package scenario

import (
	"strings"
	"testing"
)

func TestAutoTrials(t *testing.T) {
	for name, c := range map[string]struct {
		lines     []string
		opts      Options
		fewest    int
		most      int
		precision float64
		warnings  int
	}{
		"alone":         {[]string{"trials: auto"}, Options{}, 6, 30, 0.05, 0},
		"compared":      {[]string{"trials: auto", "compare: {client.pool.size: [1, 2, 3, 4]}"}, Options{}, 7, 30, 0.05, 0},
		"as told":       {[]string{"trials: auto", "precision: 2%", "max_trials: 12"}, Options{}, 6, 12, 0.02, 0},
		"too few":       {[]string{"trials: auto", "max_trials: 3", "compare: {client.pool.size: [1, 2]}"}, Options{}, 3, 3, 0.05, 1},
		"by an option":  {[]string{"trials: auto"}, Options{Trials: 4}, 4, 4, 0, 0},
		"instead":       {[]string{"trials: auto", "precision: 2%", "max_trials: 12"}, Options{Trials: 4}, 4, 4, 0, 0},
		"not automatic": {[]string{"trials: 8"}, Options{}, 8, 8, 0, 0},
	} {
		p := read(t, c.opts, c.lines...)
		if p.Trials != c.fewest || p.MostTrials() != c.most || p.Precision != c.precision || len(p.Warnings) != c.warnings {
			t.Errorf("%s: %d to %d trials, precision %v, warnings %q", name, p.Trials, p.MostTrials(), p.Precision, p.Warnings)
		}
	}
	var out strings.Builder
	if err := Explain(&out, read(t, Options{}, "trials: auto"), 200); err != nil || !strings.Contains(out.String(), "6 to 30 trials (until intervals are within ±5 %)") {
		t.Errorf("%v: %s", err, out.String())
	}
	for want, lines := range map[string]string{
		"precision: is for trials: auto":                      "precision: 5%",
		"max_trials: is for trials: auto":                     "trials: 5\nmax_trials: 9",
		"precision: must be > 0% (got 0)":                     "trials: auto\nprecision: 0%",
		"max_trials: must be from 1 to 100000 (got 0)":        "trials: auto\nmax_trials: 0",
		"trials: must be a whole number, or auto (got often)": "trials: often",
	} {
		if got := fails(t, Options{}, lines); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	// A number instead of another one mends nothing.
	if got, want := fails(t, Options{Trials: 3}, "trials: 5\nprecision: 5%"), "precision: is for trials: auto"; !strings.Contains(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
