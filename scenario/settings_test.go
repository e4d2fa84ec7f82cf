package scenario_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

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

// Channels and connections are those of all clients, and as many as the policy makes.
func TestExplainCountsConnections(t *testing.T) {
	const fleet = "fleet: {backends: 10, concurrency: 2, service_time: {fixed: 1ms}}\n"
	for client, want := range map[string][]string{
		"count: 4, pool: {size: 2}":                                                       {"channels     8\n", "connections  80\n", "utilisation  5 % of each backend\n"},
		"count: 4, pool: {size: 2}, balance: {pick_first: {shuffle: true}}":               {"channels     8\n", "connections  8\n", "utilisation  6 % of 8 backends at best\n"},
		"pool: {size: 2}, balance: {random_subsetting: {size: 3}}":                        {"connections  6\n", "utilisation  8 % of 6 backends at best\n"},
		"pool: {size: 2}, balance: {random_subsetting: {size: 30}}":                       {"connections  20\n"},
		"pool: {size: 2}, balance: {random_subsetting: {size: 3, child: pick_first}}":     {"connections  2\n", "utilisation  25 % of 2 backends at best\n"},
		"pool: {size: 2}, balance: pick_first":                                            {"connections  2\n", "utilisation  50 % of b0, nothing of the others\n"},
		"pool: {size: 2}, balance: {outlier_detection: {child: {random_subsetting: {}}}}": {"connections  4\n"},
	} {
		text := explained(t, fleet+"client: {"+client+"}\nload: [{call: GetUser, rate: 1000/s}]\n")
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("%s: no %q in\n%s", client, line, text)
			}
		}
	}
	const own = "target: localhost:1\nclient: {count: 3, pool: {size: 2}, balance: %s}\nload: [{call: GetUser, rate: 5/s}]\n"
	for balance, want := range map[string]string{
		"round_robin":       "connections  6 × the addresses of the target\n",
		"pick_first":        "connections  6\n",
		"random_subsetting": "connections  6 × 2 addresses of the target, as far as it has them\n",
	} {
		if text := explained(t, fmt.Sprintf(own, balance)); !strings.Contains(text, want) {
			t.Errorf("%s: no %q in\n%s", balance, want, text)
		}
	}
}

// Backends that clients are not told of all the time are told of.
func TestExplainShowsChurn(t *testing.T) {
	text := explained(t, `
fleet: {backends: 4, concurrency: 2, service_time: {fixed: 1ms}}
churn: [{at: 1s, join: [1, 2]}, {at: 2s, leave: [0, 3]}]
load: [{call: GetUser, rate: 1000/s}]
`)
	for _, want := range []string{"churn[0]            {at: 1s, join: [1, 2]}\n", "churn[1]            {at: 2s, leave: [0, 3]}\n",
		"utilisation  12 % of each backend; 25 % of the 2 left in churn\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// What one variant alone has is what sets it apart, and stands with it; what all have
// that have it at all is told once.
func TestExplainOfOneAgainstNone(t *testing.T) {
	const document = `
fleet: {backends: 2}
load: [{call: GetUser, rate: 500/s}]
compare:
  retry:
    none: {client.retry: none}
    twice: {client.retry: {attempts: 2, base: 7ms}}
`
	text := explained(t, document)
	common, variants, _ := strings.Cut(text, "variants (* baseline)")
	if strings.Contains(common, "7ms") || !strings.Contains(variants, "client.retry.base        7ms\n") {
		t.Errorf("the settings of retry=twice do not stand with it:\n%s", text)
	}
	text = explained(t, document+"    thrice: {client.retry: {attempts: 3, base: 7ms}}\n")
	common, variants, _ = strings.Cut(text, "variants (* baseline)")
	if !strings.Contains(common, "base 7ms") || strings.Contains(variants, "7ms") {
		t.Errorf("what two variants have is not told once:\n%s", text)
	}
}

// A default that is a word is shown as any other.
func TestExplainShowsWordsThatAreDefaults(t *testing.T) {
	text := explained(t, `
fleet: {backends: 2}
client: {breaker: {failures: 3}}
load: [{call: GetUser, rate: 500/s}]
`)
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{"scope client", "fleet.on_cancel stop", "fleet.work wait"} {
		if !strings.Contains(flat, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, off := range []string{"fleet.front", "fleet.tls"} {
		if strings.Contains(text, off) {
			t.Errorf("%s is off and shown:\n%s", off, text)
		}
	}
}

// Where what is measured decides how long a run is, it is no longer than it says.
func TestExplainOfAnOpenEnd(t *testing.T) {
	for document, want := range map[string][]string{
		"trials: auto\nmeasure: 10s":                      {"that needs 6 trials, there are 6 to 30", "= at most 12 min;"},
		"trials: auto\nmax_trials: 6\nmeasure: 10s":       {"there are 6\n", "= 2.4 min;"},
		"trials: 7\nmeasure: {until: recovered, max: 8s}": {"there are 7\n", "= at most 2.33 min;"},
		"measure: 10s": {"there are 6\n", "= 2.4 min;"},
	} {
		text := explained(t, "fleet: {backends: 2, faults: [{at: 1s, for: 1s, where: {backends: [0]}, inject: down}]}\n"+
			"load: [{call: GetUser, rate: 500/s}]\ncompare: {client.pool.size: [1, 2]}\nwarmup: 2s\n"+document+"\n")
		flat := strings.Join(strings.Fields(text), " ")
		for _, part := range want {
			if !strings.Contains(flat, strings.TrimSpace(part)) {
				t.Errorf("%s: no %q in\n%s", document, part, text)
			}
		}
	}
}

// explained is a document as explain shows it.
func explained(t *testing.T, document string) string {
	t.Helper()
	plan, err := scenario.Read("x.yaml", []byte(document), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := scenario.Explain(&out, plan, 80); err != nil {
		t.Fatal(err)
	}
	return out.String()
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

// Requests are compared whole and then cut, so that what is shown of them differs,
// wherever they do: at the end, in the middle, or in one of many fields.
func TestExplainTellsLongRequestsApart(t *testing.T) {
	same := strings.Repeat("same ", 20)
	for name, requests := range map[string][3]string{
		"at the end":    {`{note: "` + same + `", id: 1}`, `{note: "` + same + `", id: 2}`, `{note: "` + same + `", id: 3}`},
		"in the middle": {`{note: "` + same + `one ` + same + `"}`, `{note: "` + same + `two ` + same + `"}`, `{note: "` + same + `three ` + same + `"}`},
		"in parts":      {`{a: "` + same + `", b: 1, c: "` + same + `"}`, `{a: "` + same + `", b: 2, c: "` + same + `"}`, `{a: "x ` + same + `", b: 2, c: "` + same + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			document := "target: localhost:1\ndescriptors: reflection\nload: [{name: a, call: x.v1.S/M, rate: 5/s}]\ncompare: {what: {first: {load.a.request: %s}, second: {load.a.request: %s}, third: {load.a.request: %s}, again: {load.a.request: %[3]s}}}\n"
			plan, err := scenario.Read("x.yaml", fmt.Appendf(nil, document, requests[0], requests[1], requests[2]), scenario.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := scenario.Explain(&out, plan, 200); err != nil {
				t.Fatal(err)
			}
			shared, variants, _ := strings.Cut(out.String(), "variants (* baseline)")
			if strings.Contains(shared, "request") {
				t.Errorf("the requests are common to all:\n%s", shared)
			}
			var shown []string
			for _, m := range regexp.MustCompile(`(?m)^ +load\.a\.request +(.*)$`).FindAllStringSubmatch(variants, -1) {
				if utf8.RuneCountInString(m[1]) > 60 {
					t.Errorf("%d characters: %s", utf8.RuneCountInString(m[1]), m[1])
				}
				shown = append(shown, m[1])
			}
			if len(shown) != 4 || shown[0] == shown[1] || shown[1] == shown[2] || shown[0] == shown[2] || shown[2] != shown[3] {
				t.Errorf("the requests are shown as %q", shown)
			}
		})
	}
	// What is the same in all is shown once, cut.
	plan, err := scenario.Read("x.yaml", []byte("target: localhost:1\ndescriptors: reflection\nload: [{name: a, call: x.v1.S/M, rate: 5/s, request: {note: \""+same+"\"}}]\ncompare: {load.a.rate: [1/s, 2/s]}\n"), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := scenario.Explain(&out, plan, 200); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Count(text, `request {note: "same same`) != 1 || strings.Contains(text, strings.TrimSpace(same)) {
		t.Errorf("the common request:\n%s", text)
	}
}
