package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
)

func TestParse(t *testing.T) {
	p99 := gate.Metric{Kind: gate.Quantile, Quantile: 0.99, Measure: result.Response}
	for text, want := range map[string]gate.Gate{
		"p99 < 20ms":        {Metric: p99, Op: gate.Less, Bound: gate.Bound{Value: float64(20 * time.Millisecond)}},
		" p99<=1m30s ":      {Metric: p99, Op: gate.AtMost, Bound: gate.Bound{Value: float64(90 * time.Second)}},
		"response.p99 > 0s": {Metric: p99, Op: gate.More, Bound: gate.Bound{}},
		"service.p99.9 < 1ms": {
			Metric: gate.Metric{Kind: gate.Quantile, Quantile: 0.999, Measure: result.Service}, Op: gate.Less, Bound: gate.Bound{Value: 1e6},
		},
		"wait.max < 1ms": {Metric: gate.Metric{Kind: gate.Max, Measure: result.Wait}, Op: gate.Less, Bound: gate.Bound{Value: 1e6}},
		"in_slo{variant=full_jitter, load = reads} >= 99.5%": {
			Metric: gate.Metric{Kind: gate.InSLO}, Select: gate.Selector{Variant: "full_jitter", Load: "reads"}, Op: gate.AtLeast, Bound: gate.Bound{Value: 0.995},
		},
		"in_slo > 0.9": {Metric: gate.Metric{Kind: gate.InSLO}, Op: gate.More, Bound: gate.Bound{Value: 0.9}},
		`p99{variant="pool.size=4,backoff=fixed", backoff=fixed, client.pool.size=4} < 1s`: {
			Metric: p99, Op: gate.Less, Bound: gate.Bound{Value: 1e9},
			Select: gate.Selector{Variant: "pool.size=4,backoff=fixed", Settings: map[string]string{"backoff": "fixed", "client.pool.size": "4"}},
		},
		"p99{variant=pool.size=4} < 1s": {Metric: p99, Select: gate.Selector{Variant: "pool.size=4"}, Op: gate.Less, Bound: gate.Bound{Value: 1e9}},
		"p99 <= baseline + 5%":          {Metric: p99, Op: gate.AtMost, Bound: gate.Bound{Reference: "baseline", Value: 0.05, Relative: true}},
		"p99 < baseline":                {Metric: p99, Op: gate.Less, Bound: gate.Bound{Reference: "baseline"}},
		"p99 < baseline - 2ms":          {Metric: p99, Op: gate.Less, Bound: gate.Bound{Reference: "baseline", Value: -2e6}},
		"errors{code=UNAVAILABLE} <= @main + 0.1pp": {
			Metric: gate.Metric{Kind: gate.Errors}, Select: gate.Selector{Code: "UNAVAILABLE"}, Op: gate.AtMost, Bound: gate.Bound{Reference: "main", Value: 0.001},
		},
		"goodput > 2/ms":               {Metric: gate.Metric{Kind: gate.Goodput}, Op: gate.More, Bound: gate.Bound{Value: 2000}},
		"attempts < 1.5":               {Metric: gate.Metric{Kind: gate.Attempts}, Op: gate.Less, Bound: gate.Bound{Value: 1.5}},
		"attempts <= @v1.2/x + 10%":    {Metric: gate.Metric{Kind: gate.Attempts}, Op: gate.AtMost, Bound: gate.Bound{Reference: "v1.2/x", Value: 0.1, Relative: true}},
		"recovery{during=outage} < 5s": {Metric: gate.Metric{Kind: gate.Recovery}, Select: gate.Selector{During: "outage"}, Op: gate.Less, Bound: gate.Bound{Value: 5e9}},
		"cpu_per_call < 50us":          {Metric: gate.Metric{Kind: gate.CPUPerCall}, Op: gate.Less, Bound: gate.Bound{Value: 5e4}},
	} {
		want.Text = strings.TrimSpace(text)
		got, err := gate.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]struct {
		at      int
		message string
	}{
		"":                                       {0, "must be METRIC < VALUE"},
		"q99 < 1ms":                              {0, `must begin with a metric: p50 … p99.99, max, mean, in_slo`},
		"p0 < 1ms":                               {0, "must be a quantile between p1 and p99.9999 (got p0)"},
		"service.in_slo > 1%":                    {0, "service has no in_slo"},
		"p99 20ms":                               {4, `must have one of < <= > >= after p99 (got "20ms")`},
		"p99 < 20":                               {6, `must be a duration, such as 20ms for p99 (got "20")`},
		"p99 <":                                  {5, "must be a duration, such as 20ms for p99 (got nothing)"},
		"p99 < 20ms x":                           {6, `must be a duration`},
		"p99 < 5%":                               {6, "must be a duration"},
		"in_slo > 99":                            {9, `must be a share, such as 99% for in_slo (got "99")`},
		"in_slo > 150%":                          {0, "a share is between 0% and 100% (got 150%)"},
		"in_slo >= baseline - 5%":                {21, "must be points, such as 0.1pp for in_slo"},
		"goodput > 5":                            {10, "must be a rate, such as 900/s"},
		"p99{load} < 1ms":                        {8, "must have a = after load"},
		"p99{load=} < 1ms":                       {9, "must have a value for load"},
		"p99{load=a, load=b} < 1ms":              {12, "names load twice"},
		`p99{load="a} < 1ms`:                     {9, "must have a closing quote after load"},
		"p99{load=a < 1ms":                       {16, "must have a , or } after load"},
		"p99{code=OK} < 1ms":                     {0, "code is for errors"},
		"imbalance{load=a} < 2":                  {0, "imbalance is a figure of the whole trial"},
		"service.p99{during=x} < 1ms":            {0, "during is known of response only, not of service"},
		"max{during=x} < 1ms":                    {0, "max is not known second by second"},
		"errors{during=x, code=unfinished} < 1%": {0, "code=unfinished is known at a trial's end only: during takes a code of gRPC or dropped"},
		"p99 < @":                                {6, "must name a stored result after @"},
	} {
		_, err := gate.Parse(text)
		e, ok := err.(*gate.Error)
		if !ok {
			t.Errorf("%s: %v, want an error", text, err)
			continue
		}
		if e.At != want.at || !strings.Contains(e.Message, want.message) {
			t.Errorf("%s: at %d, %s\nwant at %d, %s", text, e.At, e.Message, want.at, want.message)
		}
	}
}

// What parses, parses again from its text; nothing panics.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"p99 < 20ms", `in_slo{load="a,b", x=y} >= 99.5%`, "errors{code=X} <= @main + 0.1pp", "p99<=baseline-5%", "p{", "p99{=}<1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := gate.Parse(text)
		if err != nil {
			if e := err.(*gate.Error); e.At < 0 || e.At > len(text) || e.Message == "" {
				t.Errorf("at %d of %d: %q", e.At, len(text), e.Message)
			}
			return
		}
		again, err := gate.Parse(g.Text)
		if err != nil {
			t.Fatalf("%q parses, %q does not: %v", text, g.Text, err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Error(diff)
		}
	})
}
