package fault_test

import (
	"math"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

func ptr[T any](v T) *T { return &v }

func TestValidate(t *testing.T) {
	half := ptr(0.5)
	latency := fault.Inject{Latency: &fault.Latency{Delay: sec}}
	down := fault.Inject{Down: &fault.Down{}}
	const single = ": must be left out: down befalls a backend, not single calls"
	for _, c := range []struct {
		rule fault.Rule
		want string
	}{
		{fault.Rule{Inject: latency, Probability: half}, ""},
		{fault.Rule{}, "inject: must name a fault"},
		{fault.Rule{Inject: fault.Inject{Latency: latency.Latency, Down: &fault.Down{}}}, "inject: must be one fault (got 2)"},
		{fault.Rule{Inject: latency, For: -sec, Probability: ptr(1.5)},
			"for: must be > 0, or left out to last to the end (got -1s)\nprobability: must be from 0% to 100% (got 1.5)"},
		{fault.Rule{Inject: latency, Probability: ptr(math.NaN())}, "probability: must be from 0% to 100% (got NaN)"},
		{fault.Rule{Inject: fault.Inject{Latency: &fault.Latency{}}}, "inject.latency: must be > 0 (got 0s)"},
		{fault.Rule{Inject: fault.Inject{Status: &fault.Status{}}}, "inject.status.code: must be a code other than OK, such as UNAVAILABLE"},
		{fault.Rule{Inject: fault.Inject{Status: &fault.Status{Code: 99}}}, "inject.status.code: must be a gRPC status code, 1 to 16 (got 99)"},

		{fault.Rule{Inject: down, For: sec, Every: 3 * sec, Stagger: sec}, ""},
		{fault.Rule{Inject: down, Every: sec}, "every: must come with for: a window that lasts to the end opens once"},
		{fault.Rule{Inject: down, For: sec, Every: sec}, "every: must be > for, or the window never closes (got 1s, for 1s)"},
		{fault.Rule{Inject: down, Every: -sec}, "every: must be > 0, or left out to happen once (got -1s)"},
		{fault.Rule{Inject: down, Stagger: -sec}, "stagger: must be >= 0 (got -1s); where.backends has the order"},
		{fault.Rule{Inject: down, Stagger: sec, Where: fault.Where{Backends: []int{2}}},
			"stagger: must be left out: where.backends is one backend, and nothing comes after it"},

		{fault.Rule{Inject: latency, Nth: ptr(0)}, "nth: must be >= 1 (got 0)"},
		{fault.Rule{Inject: latency, Burst: &fault.Burst{Every: 9}}, "burst.size: must be >= 1 (got 0)"},
		{fault.Rule{Inject: latency, Burst: &fault.Burst{Size: 3, Every: 3}}, "burst.every: must be > size (got 3, size 3)"},
		{fault.Rule{Inject: latency, Nth: ptr(3), Probability: half}, "nth: must be left out: probability selects already"},
		{fault.Rule{Inject: latency, Burst: &fault.Burst{Size: 1, Every: 2}, Probability: half}, "burst: must be left out: probability selects already"},
		{fault.Rule{Inject: latency, Burst: &fault.Burst{Size: 1, Every: 2}, Nth: ptr(3)}, "burst: must be left out: nth selects already"},

		{fault.Rule{Inject: latency, Where: fault.Where{Backends: []int{1, 0, 1}}}, "where.backends[2]: must be named once (1 is there already)"},
		{fault.Rule{Inject: latency, Where: fault.Where{Kind: "stream"}},
			`where.kind: must be one of unary, server_stream, client_stream, bidi_stream (got "stream")`},
		{fault.Rule{Inject: latency, Where: fault.Where{Attempt: ptr(0)}}, "where.attempt: must be >= 1, where 1 is the first (got 0)"},
		{fault.Rule{Inject: latency, Where: fault.Where{Metadata: map[string]string{"Tenant": "a"}}},
			`where.metadata.Tenant: must be lower-case letters, digits, -, _ and . only (got "Tenant")`},
		{fault.Rule{Inject: latency, Where: fault.Where{Metadata: map[string]string{"grpc-timeout": "1S"}}},
			`where.metadata.grpc-timeout: must not begin with grpc-, which is gRPC's own (got "grpc-timeout")`},

		{fault.Rule{Inject: down, Probability: half, Where: fault.Where{Method: "GetUser", Kind: fault.Unary, Attempt: ptr(1),
			Metadata: map[string]string{"tenant": "a"}}},
			"probability" + single + "\nwhere.method" + single + "\nwhere.kind" + single + "\nwhere.metadata" + single + "\nwhere.attempt" + single},
		{fault.Rule{Inject: down, Nth: ptr(2)}, "nth" + single},
		{fault.Rule{Inject: down, Burst: &fault.Burst{Size: 1, Every: 2}}, "burst" + single},
	} {
		if got := render(c.rule.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// selected is which of n calls meet a rule, as text.
func selected(r fault.Rule, seed draw.Seed, number, n int, attempt uint64) string {
	var out strings.Builder
	for i := range uint64(n) {
		if r.Selects(seed, number, fault.Subject{Call: draw.Mix(i), Attempt: attempt, Ordinal: i}) {
			out.WriteByte('x')
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		rule   fault.Rule
		want   string
		byCall bool
	}{
		{fault.Rule{}, "xxxxxxxxxx", false},
		{fault.Rule{Probability: ptr(1.0)}, "xxxxxxxxxx", false},
		{fault.Rule{Probability: ptr(0.0)}, "..........", false},
		{fault.Rule{Nth: ptr(1)}, "xxxxxxxxxx", true},
		{fault.Rule{Nth: ptr(3)}, "..x..x..x.", true},
		{fault.Rule{Burst: &fault.Burst{Size: 2, Every: 5}}, "xx...xx...", true},
	} {
		for attempt := range uint64(3) { // the ordinal is the call's, not the attempt's
			if got := selected(c.rule, draw.Seed{}, 0, 10, attempt+1); got != c.want {
				t.Errorf("%+v selects %s, want %s", c.rule, got, c.want)
			}
		}
		if got := c.rule.ByCall(); got != c.byCall {
			t.Errorf("%+v: ByCall() = %v", c.rule, got)
		}
	}
}

// Over 100,000 draws a probability shows within 4 standard errors, for each
// rule, seed, block and attempt by itself, and independently of the others.
func TestProbability(t *testing.T) {
	const n = 100_000
	for _, p := range []float64{0.001, 0.01, 0.3, 0.5, 0.999} {
		r := fault.Rule{Probability: ptr(p)}
		base := selected(r, draw.Seed{Seed: 7, Block: 1}, 0, n, 1)
		for what, got := range map[string]string{
			"itself":  base,
			"rule":    selected(r, draw.Seed{Seed: 7, Block: 1}, 1, n, 1),
			"seed":    selected(r, draw.Seed{Seed: 8, Block: 1}, 0, n, 1),
			"block":   selected(r, draw.Seed{Seed: 7, Block: 2}, 0, n, 1),
			"attempt": selected(r, draw.Seed{Seed: 7, Block: 1}, 0, n, 2),
		} {
			within4SE(t, "p of another "+what, strings.Count(got, "x"), n, p)
			if what == "itself" {
				continue
			}
			both := 0
			for i := range n {
				if got[i] == 'x' && base[i] == 'x' {
					both++
				}
			}
			within4SE(t, "both with another "+what, both, n, p*p)
		}
	}
}

func within4SE(t *testing.T, what string, hits, n int, p float64) {
	t.Helper()
	if off := math.Abs(float64(hits) - float64(n)*p); off > max(4*math.Sqrt(float64(n)*p*(1-p)), 1) {
		t.Errorf("%s: %d of %d, want %g", what, hits, n, float64(n)*p)
	}
}

func TestKindsOfCalls(t *testing.T) {
	var k fault.RPCKind
	for _, word := range append(k.Words(), "") {
		if err := k.UnmarshalText([]byte(word)); err != nil || string(k) != word {
			t.Errorf("%q: %q, %v", word, k, err)
		}
	}
	if err := k.UnmarshalText([]byte("stream")); err == nil {
		t.Error("stream is no kind")
	}
}
