package clientcore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// native is config with grpc-go's own retries.
func native(attempts int) clientcore.Config {
	cfg := config()
	cfg.Retry = retry.Default()
	cfg.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
	cfg.Retry.Attempts = attempts
	return cfg
}

// TestNativeRetries are grpc-go's: its waits, its header, more than five attempts
// where they are asked for, and each attempt in the books.
func TestNativeRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(6, codes.Unavailable, echo))
		c := n.client(t, native(7), "b0")
		start := time.Now()
		var trace clientcore.Trace
		got, err := call(clientcore.WithTrace(t.Context(), &trace), c, "x")
		if err != nil || got != "x" {
			t.Fatalf("%q, %v", got, err)
		}
		times := b.times(start)
		if len(times) != 7 {
			t.Fatalf("%d attempts, want 7", len(times))
		}
		wait := 100 * ms
		for i := 1; i < len(times); i++ {
			if got := times[i] - times[i-1]; got < wait*8/10 || got > wait*12/10 {
				t.Errorf("wait %d is %v, want %v ± 20 %%", i, got, wait)
			}
			if md := b.metadata()[i].Get("grpc-previous-rpc-attempts"); len(md) != 1 {
				t.Errorf("attempt %d says %v", i+1, md)
			}
			wait *= 2
		}
		if s := c.Stats().Attempts; len(s) != 1 || s[0].Picked != 7 || s[0].Answered != 7 || trace.Picks != 7 || len(trace.Attempts) != 1 {
			t.Errorf("books %+v, trace %d picks in %d attempts", s, trace.Picks, len(trace.Attempts))
		}
	})
}

// TestNativeOfOneMethod: a method may be native where others are not, and the
// other way round.
func TestNativeOfOneMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, none := native(4).Retry, retry.Policy{Off: true}
		for name, test := range map[string]struct {
			cfg           clientcore.Config
			method        *retry.Policy
			unary, stream int
		}{
			"native":     {config(), &own, 4, 3},
			"not native": {native(5), &none, 1, 5},
		} {
			n := newNetwork()
			b := n.start(t, "b0", always(codes.Unavailable))
			cfg := test.cfg
			cfg.Methods = map[string]clientcore.Method{"test.v1.Echo/Unary": {Retry: test.method}}
			c := n.client(t, cfg, "b0")
			_, err := call(t.Context(), c, "x")
			wantCode(t, err, codes.Unavailable)
			if b.attempts() != test.unary {
				t.Errorf("%s: %d attempts, want %d", name, b.attempts(), test.unary)
			}
			_, err = collect(t.Context(), c, serverStream, serverMethod, "x")
			wantCode(t, err, codes.Unavailable)
			if got := b.attempts() - test.unary; got != test.stream {
				t.Errorf("%s: %d attempts of the other method, want %d", name, got, test.stream)
			}
		}
	})
}

// TestNativeBudget: grpc-go's throttling has the policy's tokens; a budget that it
// cannot keep is an error, not ignored.
func TestNativeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", always(codes.Unavailable))
		cfg := native(3)
		cfg.Retry.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 4, Ratio: 0.1}}
		c := n.client(t, cfg, "b0")
		for range 10 {
			_, _ = call(t.Context(), c, "x")
		}
		// Two attempts leave two of four tokens, which is half: no more retries.
		if b.attempts() != 11 {
			t.Errorf("%d attempts of 10 calls, want 11", b.attempts())
		}
	})
	own, shared := native(3).Retry, native(3).Retry
	own.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 4, Ratio: 0.1}}
	budget := config()
	budget.Retry.Budget = own.Budget
	for name, test := range map[string]struct {
		cfg    clientcore.Config
		method *retry.Policy
		field  string
	}{
		"its own":   {native(3), &own, "methods.s.v1.S/M.retry.budget"},
		"another's": {budget, &shared, "methods.s.v1.S/M.retry"},
	} {
		test.cfg.Methods = map[string]clientcore.Method{"s.v1.S/M": {Retry: test.method}}
		var one interface{ Field() string }
		if err := test.cfg.Validate(); !errors.As(err, &one) || one.Field() != test.field {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// raw is config whose balancing and retries are a file's.
func raw(t *testing.T, text string) clientcore.Config {
	t.Helper()
	cfg := config()
	cfg.Balance = balance.Policy{}
	cfg.Retry = retry.Policy{Off: true}
	cfg.ServiceConfig = filepath.Join(t.TempDir(), "service.json")
	if err := os.WriteFile(cfg.ServiceConfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestServiceConfigFile decides over balancing and retries, and its calls are
// counted like others.
func TestServiceConfigFile(t *testing.T) {
	cfg := raw(t, `{
		"loadBalancingConfig": [{"policy_of_tomorrow": {}}, {"round_robin": {}}],
		"methodConfig": [{"name": [{"service": "test.v1.Echo", "method": "Unary"}], "retryPolicy": {
			"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`)
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b0 := n.start(t, "b0", failing(1, codes.Unavailable, echo))
		b1 := n.start(t, "b1", failing(1, codes.Unavailable, echo))
		c := n.client(t, cfg, "b0", "b1")
		time.Sleep(time.Second)
		for range 4 {
			if got, err := call(t.Context(), c, "x"); err != nil || got != "x" {
				t.Errorf("%q, %v", got, err)
			}
		}
		if b0.attempts() != 3 || b1.attempts() != 3 {
			t.Errorf("%d and %d attempts, want 3 each", b0.attempts(), b1.attempts())
		}
		picked := int64(0)
		for _, a := range c.Stats().Attempts {
			picked += a.Picked
		}
		if picked != 6 {
			t.Errorf("%d attempts in the books, want 6", picked)
		}
	})
}

// TestServiceConfigFileIsRefused, never read as something else.
func TestServiceConfigFileIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"no JSON":             {`round_robin`, "is no service config in JSON"},
		"two values":          {`{} {}`, "more than one JSON value"},
		"unknown key":         {`{"loadBalancing": []}`, `"loadBalancing": it knows`},
		"unknown policy":      {`{"loadBalancingConfig": [{"fastest": {}}]}`, "names no policy that this program knows (got fastest)"},
		"unknown policy, old": {`{"loadBalancingPolicy": "fastest"}`, "names no policy that this program knows (got fastest)"},
		"two in one":          {`{"loadBalancingConfig": [{"pick_first": {}, "round_robin": {}}]}`, "must name one policy (got 2 of them)"},
		"ours":                {`{"loadBalancingConfig": [{"` + balance.Name + `": {}}]}`, "must not name"},
		"bad settings":        {`{"loadBalancingConfig": [{"pick_first": "x"}]}`, "pick_first"},
		"bad method":          {`{"methodConfig": [{"name": [{"service": "s"}], "timeout": "soon"}]}`, "malformed duration"},
	} {
		cfg := raw(t, test.text)
		_, err := clientcore.New(cfg, clientcore.WithEndpoints("b0"))
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
	}
	cfg := raw(t, `{}`)
	cfg.Balance = balance.Policy{RoundRobin: &balance.RoundRobin{}}
	cfg.Retry = config().Retry
	cfg.HealthCheck = "users"
	err := cfg.Validate()
	for _, says := range []string{"calls are balanced", "calls are retried", "backends are checked"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("beside other settings: %v, want %q", err, says)
		}
	}
	cfg = raw(t, `{}`)
	cfg.ServiceConfig += ".gone"
	var one interface{ Field() string }
	if err := cfg.ValidateFiles(); !errors.As(err, &one) || one.Field() != "service_config" || status.Code(err) != codes.Unknown {
		t.Errorf("a file that is gone: %v", err)
	}
}
