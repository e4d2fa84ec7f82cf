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
