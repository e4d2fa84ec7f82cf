package clientcore_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// MostAttempts goes by the setting that holds for a method, and never counts
// hedges of a call that cannot be hedged.
func TestMostAttempts(t *testing.T) {
	three, none := retry.Default(), retry.Default()
	three.Attempts = 3
	none.Off = true
	four, never := hedge.Default(), hedge.Default()
	four.Attempts = 4
	never.Off = true
	single := hedge.Default()
	single.Attempts = 1
	for name, c := range map[string]struct {
		retry       retry.Policy
		hedge       *hedge.Policy
		config      string // file of a service config
		method      clientcore.Method
		one, stream int
	}{
		"none":                    {none, nil, "", clientcore.Method{}, 1, 1},
		"retries":                 {three, nil, "", clientcore.Method{}, 3, 3},
		"hedges":                  {none, &four, "", clientcore.Method{}, 4, 1},
		"no retries of a method":  {three, nil, "", clientcore.Method{Retry: &none}, 1, 1},
		"a method's retries":      {none, &four, "", clientcore.Method{Retry: &three}, 3, 3},
		"a method's hedges":       {three, nil, "", clientcore.Method{Hedge: &four}, 4, 3},
		"one attempt is no hedge": {three, nil, "", clientcore.Method{Hedge: &single}, 3, 3},
		"a method is not hedged":  {none, &four, "", clientcore.Method{Hedge: &never}, 1, 1},
		"gRPC's service config":   {none, nil, "service.json", clientcore.Method{}, 5, 5},
		"one attempt is no retry": {func() retry.Policy { p := three; p.Attempts = 1; return p }(), nil, "", clientcore.Method{}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientcore.Default()
			cfg.Retry, cfg.Hedge, cfg.ServiceConfig = c.retry, c.hedge, c.config
			if one, stream := cfg.MostAttempts(c.method, false), cfg.MostAttempts(c.method, true); one != c.one || stream != c.stream {
				t.Errorf("%d, and %d of a client's stream; want %d and %d", one, stream, c.one, c.stream)
			}
		})
	}
}

// A method whose hedges are one attempt has the client's retries: as many attempts as
// MostAttempts says, on the wire and in a service config.
func TestOneAttemptIsNoHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(2, codes.Unavailable, echo))
		cfg := config()
		single := hedge.Default()
		single.Attempts = 1
		method := clientcore.Method{Hedge: &single}
		cfg.Methods = map[string]clientcore.Method{"test.v1.Echo/Unary": method}
		if _, err := call(t.Context(), n.client(t, cfg, "b0"), "x"); err != nil {
			t.Error(err)
		}
		if got, most := b.attempts(), cfg.MostAttempts(method, false); got != 3 || most != 3 {
			t.Errorf("%d attempts of at most %d, want 3 of 3", got, most)
		}
		cfg.Retry.Jitter = retry.Jitter{Percent: &retry.Percent{Percent: 20}}
		text, _, err := cfg.PortableServiceConfig("")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(text), "retryPolicy"); got != 2 {
			t.Errorf("%d retry policies, want the client's and the method's:\n%s", got, text)
		}
	})
}
