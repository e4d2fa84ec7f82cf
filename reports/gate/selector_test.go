package gate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
)

func TestSelectors(t *testing.T) {
	a, b := variantOf("a", 1), variantOf("b", 1)
	for _, v := range []*result.Variant{&a, &b} {
		v.Loads = append(v.Loads, result.Load{Name: "lists", Kind: result.ServerStream})
		lists := v.Trials[0].Series[0]
		lists.Name = "lists"
		v.Trials[0].Series = append(v.Trials[0].Series, lists)
	}
	b.Faults = []result.FaultWindow{{Name: "outage"}}
	r := resultOf(a, b)
	for text, want := range map[string]string{
		"p99 < 1s":            "backoff=a reads, backoff=a lists, backoff=b reads, backoff=b lists",
		"p99{variant=a} < 1s": "backoff=a reads, backoff=a lists",
		"p99{variant=backoff=b, load=lists} < 1s": "backoff=b lists",
		"p99{backoff=b, kind=unary} < 1s":         "backoff=b reads",
		"imbalance < 2":                           "backoff=a , backoff=b ",
		"errors{during=outage} < 1%":              "backoff=b reads, backoff=b lists",
		"p99{load=reads} <= baseline":             "backoff=b reads",
	} {
		var cases []string
		for _, c := range judge(t, r, text, nil).Cases {
			cases = append(cases, c.Variant+" "+c.Load)
		}
		if got := strings.Join(cases, ", "); got != want {
			t.Errorf("%s is about %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]struct {
		at      int
		message string
	}{
		"p99{variant=c} < 1s":                   {12, `there is no variant "c"; there are backoff=a, backoff=b, a, b`},
		"p99{load=read} < 1s":                   {9, `there is no load entry "read"; there are reads, lists`},
		"p99{kind=bidi_stream} < 1s":            {9, `there is no kind of RPC "bidi_stream"; there are unary, server_stream`},
		"errors{during=x} < 1%":                 {14, `there is no fault "x"; there are outage`},
		"p99{load=reads, backof=a} < 1s":        {16, `there is no dimension "backof"; there are backoff`},
		"p99{backoff=c} < 1s":                   {12, `there is no value of backoff "c"; there are a, b`},
		"p99{variant=a} <= baseline":            {0, "compares the baseline with itself"},
		"errors{variant=a, during=outage} < 1%": {0, "is about nothing"},
	} {
		g, err := gate.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = g.Check(gate.SubjectOf(r))
		at := -1
		if name, ok := errors.AsType[*gate.NameError](err); ok {
			at = name.At
		} else if other, ok := errors.AsType[*gate.Error](err); ok {
			at = other.At
		}
		if at != want.at || !strings.Contains(fmt.Sprint(err), want.message) {
			t.Errorf("%s: at %d %v, want at %d %s", text, at, err, want.at, want.message)
		}
	}
	single := resultOf(a)
	single.Scenario.Dimensions = nil
	g, _ := gate.Parse("p99 <= baseline")
	if err := g.Check(gate.SubjectOf(single)); err == nil || !strings.Contains(err.Error(), "nothing is compared") {
		t.Errorf("without a comparison: %v", err)
	}
}
