package scenario_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario"
)

// TLS that trusts the system's CAs has no setting of its own, and is a setting all
// the same.
func TestExplainShowsTLSWithoutSettings(t *testing.T) {
	for tls, want := range map[string]bool{"": false, "client: {tls: {}}\n": true} {
		plan, err := scenario.Read("x.yaml", []byte("target: localhost:1\n"+tls+"load: [{call: GetUser, rate: 5/s}]\n"), scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := scenario.Explain(&out, plan, 80); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "client.tls       {}\n"); got != want {
			t.Errorf("%q: shown %t, want %t:\n%s", tls, got, want, out.String())
		}
	}
}

// A rate of less than one call a second is not called none.
func TestExplainShowsLowRates(t *testing.T) {
	for rate, want := range map[string]string{"2/m": "2 due (0.0333/s)", "1.5/s": "90 due (1.5/s)", "1200/s": "72,000 due (1,200/s)"} {
		plan, err := scenario.Read("x.yaml", []byte("target: localhost:1\nmeasure: 1m\nload: [{call: GetUser, arrivals: constant, rate: "+rate+"}]\n"), scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := scenario.Explain(&out, plan, 80); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: no %q:\n%s", rate, want, out.String())
		}
	}
}
