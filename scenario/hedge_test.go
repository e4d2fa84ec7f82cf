package scenario

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
)

// hedging reads a document with one line below client, and more.
func hedging(client string, more ...string) (*Plan, error) {
	lines := append([]string{
		"name: x",
		"fleet: {backends: 3}",
		"client: {" + client + "}",
		"load: [{call: GetUser, rate: 500/s}]",
	}, more...)
	return Read("x.yaml", []byte(strings.Join(lines, "\n")+"\n"), Options{})
}

// A hedge that is written puts the default retry aside; one that says none does
// not, being no hedge.
func TestHedgePutsTheDefaultRetryAside(t *testing.T) {
	p, err := hedging("timeout: 1s", "compare: {client.hedge: [none, {after: 20ms}, {after: p99.9, attempts: 3}, {}]}")
	if err != nil {
		t.Fatal(err)
	}
	type got struct {
		hedges, retries bool
		after           hedge.After
		attempts        int
	}
	want := map[string]got{
		"hedge=none":                        {retries: true},
		"hedge={after: 20ms}":               {hedges: true, after: hedge.After{Delay: 20 * time.Millisecond}, attempts: 2},
		"hedge={after: p99.9, attempts: 3}": {hedges: true, after: hedge.After{Percentile: 99.9}, attempts: 3},
		"hedge={}":                          {hedges: true, after: hedge.After{Percentile: 95}, attempts: 2},
	}
	for _, v := range p.Variants {
		c := v.Scenario.Client
		is := got{hedges: !c.Hedge.Off, retries: !c.Retry.Off}
		if is.hedges {
			is.after, is.attempts = c.Hedge.After, c.Hedge.Attempts
		}
		if is != want[v.Name] {
			t.Errorf("%s: %+v, want %+v", v.Name, is, want[v.Name])
		}
		delete(want, v.Name)
	}
	for name := range want {
		t.Errorf("there is no variant %s", name)
	}
}

func TestHedgeBesideWrittenRetry(t *testing.T) {
	for client, want := range map[string]string{
		"retry: none, hedge: {after: 20ms}":                                             "",
		"retry: {attempts: 3}, hedge: none":                                             "",
		"methods: {GetUser: {hedge: {after: 20ms}}}":                                    "",
		"retry: {attempts: 3}, methods: {GetUser: {hedge: {after: 20ms}}}":              "",
		"hedge: {after: 20ms}, methods: {GetUser: {retry: {attempts: 3}}}":              "",
		"hedge: {after: 20ms}, methods: {ListUsers: {hedge: {attempts: 3}}}":            "",
		"hedge: {after: 20ms}, methods: {SyncUsers: {hedge: none}}":                     "",
		"retry: native, hedge: {after: 20ms}":                                           "client.hedge: must not be set together with retry",
		"methods: {GetUser: {hedge: {after: 20ms}, retry: {attempts: 2}}}":              "client.methods.GetUser.hedge: must not be set together with retry",
		"hedge: {budget: {tokens: {max: 0}}}":                                           "client.hedge.budget.tokens.max: must be between 1 and 1000 (got 0)",
		"hedge: {codes: [NOT_FOUND, NOT_FOUND]}":                                        "client.hedge.codes[1]: names NotFound a second time",
		"methods: {BatchCreateUsers: {hedge: {after: p95}}}":                            "client.methods.BatchCreateUsers.hedge: must be none",
		"retry: native, methods: {user.v1.UserService/GetUser: {hedge: {after: 20ms}}}": "client.methods.user.v1.UserService/GetUser.hedge: must not be set while",
	} {
		got := ""
		if _, err := hedging(client); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || want == "" && got != "" || strings.Count(got, "x.yaml:") > 1 {
			t.Errorf("%s: got %s, want %s", client, got, want)
		}
	}
}

// A base that writes retry is hedged by a variant that says what becomes of it.
func TestHedgeInAnOverlay(t *testing.T) {
	p, err := hedging("retry: {attempts: 4}", "compare:", "  tail:", "    retried: {}",
		"    hedged: {client.retry: none, client.hedge.after: 20ms}")
	if err != nil {
		t.Fatal(err)
	}
	retried, hedged := p.Variants[0].Scenario.Client, p.Variants[1].Scenario.Client
	if retried.Hedge != nil || retried.Retry.Off || retried.Retry.Attempts != 4 {
		t.Errorf("retried: %+v, %+v", retried.Hedge, retried.Retry)
	}
	if hedged.Hedge == nil || hedged.Hedge.Off || !hedged.Retry.Off {
		t.Errorf("hedged: %+v, %+v", hedged.Hedge, hedged.Retry)
	}
	var text bytes.Buffer
	if err := Explain(&text, p, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"client.retry          none", "client.hedge.after    20ms", "client.hedge.attempts 2", "client.hedge.codes"} {
		if !strings.Contains(strings.Join(strings.Fields(text.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("explain does not say %q:\n%s", want, text.String())
		}
	}
}
