package gate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/gate"
)

func TestParseAll(t *testing.T) {
	tests := []struct {
		text string
		want string // the conditions, with | between them
	}{
		{"p99 < 20ms", "p99 < 20ms"},
		{" p99 < 20ms ,errors<0.1% ", "p99 < 20ms|errors<0.1%"},
		{"errors{code=UNAVAILABLE, load=reads} < 0.1%, p50 < 1ms", "errors{code=UNAVAILABLE, load=reads} < 0.1%|p50 < 1ms"},
		{`p99{load="a, } \" b"} < 20ms,p50 < 1ms`, `p99{load="a, } \" b"} < 20ms|p50 < 1ms`},
	}
	for _, test := range tests {
		gates, err := gate.ParseAll(test.text)
		var got []string
		for _, g := range gates {
			got = append(got, g.Text)
		}
		if err != nil || strings.Join(got, "|") != test.want {
			t.Errorf("%s: %q (%v)", test.text, got, err)
		}
	}
	for text, at := range map[string]int{"": 0, "p99 < 20ms,": 11, "p99 < 20ms, erors < 1%": 12, "p99 < 20ms,,p50 < 1ms": 11, "p99 < 20": 6} {
		_, err := gate.ParseAll(text)
		if e, ok := errors.AsType[*gate.Error](err); !ok || e.At != at {
			t.Errorf("%q: %v at %+v, want a mistake at %d", text, err, e, at)
		}
	}
}

// What is written back is read as it was.
func FuzzParseAll(f *testing.F) {
	f.Add("p99 < 20ms, errors{code=X, load=\"a,b\"} < 0.1%")
	f.Fuzz(func(t *testing.T, text string) {
		gates, err := gate.ParseAll(text)
		if err != nil {
			return
		}
		var written []string
		for _, g := range gates {
			written = append(written, g.Text)
		}
		again, err := gate.ParseAll(strings.Join(written, ", "))
		if err != nil || len(again) != len(gates) {
			t.Errorf("%q: %v, %d of %d", text, err, len(again), len(gates))
		}
	})
}
