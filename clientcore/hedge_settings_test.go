package clientcore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Client streams and bidi streams are not hedged, whatever is set; asking for it in
// so many words is an error.
func TestWhatIsNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(_ int, stream grpc.ServerStream) error {
			time.Sleep(100 * ms)
			return gather(1, stream)
		}
		n := newNetwork()
		b := n.start(t, "b0", slow)
		c := n.client(t, hedged(after(20*ms, 3)), "b0")
		for method, desc := range map[string]*grpc.StreamDesc{clientMethod: clientStream, bidiMethod: bidiStream} {
			was := b.attempts()
			if _, err := collect(t.Context(), c, desc, method, "x,y"); err != nil {
				t.Error(err)
			}
			if got := b.attempts() - was; got != 1 {
				t.Errorf("%s: %d attempts, want 1", method, got)
			}
			var trace clientcore.Trace
			finished := 0
			_, err := collect(clientcore.WithTrace(t.Context(), &trace), c, desc, method, "x", clientcore.CallHedge(after(ms, 2)),
				grpc.OnFinish(func(error) { finished++ }))
			wantCode(t, err, codes.InvalidArgument)
			if trace.Origin != clientcore.OriginClient || finished != 1 || b.attempts()-was != 1 {
				t.Errorf("%s: origin %q, OnFinish %d times, %d attempts", method, trace.Origin, finished, b.attempts()-was)
			}
		}
	})
	// They are retried where the client retries and only the method is hedged.
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(2, codes.Unavailable, echo))
		cfg := config()
		policy := after(20*ms, 2)
		cfg.Methods = map[string]clientcore.Method{"Bidi": {Hedge: &policy}}
		c := n.client(t, cfg, "b0")
		if got, err := collect(t.Context(), c, bidiStream, bidiMethod, "x"); err != nil || got != "x" || b.attempts() != 3 {
			t.Errorf("got %q, %v after %d attempts", got, err, b.attempts())
		}
	})
	// A prepared message is sent once.
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", planned(plan{take: 50 * ms, code: codes.Unavailable}))
		c := n.client(t, hedged(after(20*ms, 3)), "b0")
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		prepared := &grpc.PreparedMsg{}
		if err := prepared.Encode(stream, text("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		was := b.attempts()
		hedgedStream, err := c.NewStream(t.Context(), serverStream, serverMethod)
		if err != nil {
			t.Fatal(err)
		}
		if err := hedgedStream.SendMsg(prepared); err != nil {
			t.Fatal(err)
		}
		wantCode(t, hedgedStream.RecvMsg(&wrapperspb.BytesValue{}), codes.Unavailable)
		if got := b.attempts() - was; got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
		_ = stream.CloseSend()
		for stream.RecvMsg(&wrapperspb.BytesValue{}) == nil {
		}
	})
}

// The nearer setting wins: the call's, the method's, the client's.
func TestHedgeOverrides(t *testing.T) {
	fast, off, retries := after(10*ms, 3), hedge.Policy{Off: true}, retry.Policy{Attempts: 3}
	none := retry.Policy{Off: true}
	part := hedge.Policy{Attempts: 4}
	for name, test := range map[string]struct {
		client *hedge.Policy // nil: the client retries
		method clientcore.Method
		opts   []grpc.CallOption
		want   int // attempts that a call makes whose attempts are never answered
		fails  int // attempts that a call makes whose attempts fail at once
	}{
		"the client hedges":                {client: &fast, want: 3, fails: 3},
		"the method does not hedge":        {client: &fast, method: clientcore.Method{Hedge: &off}, want: 1, fails: 1},
		"the method retries instead":       {client: &fast, method: clientcore.Method{Retry: &retries}, want: 1, fails: 3},
		"the method says it does not":      {client: &fast, method: clientcore.Method{Retry: &none}, want: 3, fails: 3},
		"the method hedges as the client":  {client: &fast, method: clientcore.Method{Hedge: &part}, want: 4, fails: 4},
		"only the method hedges":           {method: clientcore.Method{Hedge: &fast}, want: 3, fails: 3},
		"the method hedges, not retries":   {method: clientcore.Method{Hedge: &fast, Retry: &none}, want: 3, fails: 3},
		"the call hedges":                  {opts: []grpc.CallOption{clientcore.CallHedge(fast)}, want: 3, fails: 3},
		"the call hedges otherwise":        {client: &fast, opts: []grpc.CallOption{clientcore.CallHedge(part)}, want: 4, fails: 4},
		"the call does not hedge":          {client: &fast, opts: []grpc.CallOption{clientcore.CallHedge(off)}, want: 1, fails: 1},
		"the call retries":                 {client: &fast, opts: []grpc.CallOption{clientcore.CallAttempts(2)}, want: 1, fails: 2},
		"the later option counts":          {opts: []grpc.CallOption{clientcore.CallAttempts(2), clientcore.CallHedge(fast)}, want: 3, fails: 3},
		"the later option counts, retried": {opts: []grpc.CallOption{clientcore.CallHedge(fast), clientcore.CallAttempts(2)}, want: 1, fails: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
					m := &wrapperspb.BytesValue{}
					if err := stream.RecvMsg(m); err != nil {
						return err
					}
					if string(m.Value) == "fail" {
						return status.Error(codes.Unavailable, "no")
					}
					return silence(stream)
				})
				cfg := config()
				cfg.Timeout = time.Second
				if test.client != nil {
					cfg = hedged(*test.client)
					cfg.Timeout = time.Second
				}
				cfg.Methods = map[string]clientcore.Method{"Unary": test.method}
				c := n.client(t, cfg, "b0")
				_, err := call(t.Context(), c, "stall", test.opts...)
				wantCode(t, err, codes.DeadlineExceeded)
				if got := b.attempts(); got != test.want {
					t.Errorf("%d attempts without an answer, want %d", got, test.want)
				}
				_, err = call(t.Context(), c, "fail", test.opts...)
				wantCode(t, err, codes.Unavailable)
				if got := b.attempts() - test.want; got != test.fails {
					t.Errorf("%d attempts that fail, want %d", got, test.fails)
				}
			})
		})
	}
}

func TestCallHedgeOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		c := n.client(t, config(), "b0")
		_, err := call(t.Context(), c, "x", clientcore.CallHedge(hedge.Policy{Attempts: 101}))
		wantCode(t, err, codes.InvalidArgument)
		if want := "clientcore: CallHedge: attempts: must be between 1 and 100 (got 101)"; status.Convert(err).Message() != want {
			t.Errorf("%v, want %s", err, want)
		}
		native := config()
		native.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
		_, err = call(t.Context(), n.client(t, native, "b0"), "x", clientcore.CallHedge(after(ms, 2)))
		wantCode(t, err, codes.InvalidArgument)
		if b.attempts() != 0 {
			t.Errorf("%d attempts", b.attempts())
		}
	})
}

func TestValidateHedge(t *testing.T) {
	for want, change := range map[string]func(*clientcore.Config){
		"hedge.attempts: must be between 1 and 100 (got 101)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Attempts: 101})
		},
		"hedge.after: must be > 0 (got -1ns)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Delay: -1}})
		},
		"hedge.after: must be between p1 and p99.99 (got p100)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Percentile: 100}})
		},
		"hedge.after: must be either a duration or a percentile": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Delay: 1, Percentile: 95}})
		},
		"hedge.codes[0]: must be a code of a failure (got OK)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Codes: []codes.Code{codes.OK}})
		},
		"hedge.codes: must name at least one code": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Codes: []codes.Code{}})
		},
		"hedge.budget.tokens.max: must be between 1 and 1000 (got 0)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Budget: retry.Budget{Tokens: &retry.Tokens{Ratio: 1}}})
		},
		"hedge.attempts: must be between 1 and 100 (got 0)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{})
			c.Hedge.Attempts = 0
		},
		"hedge: must not be set together with retry": func(c *clientcore.Config) { p := hedge.Default(); c.Hedge = &p },
		"methods.M.hedge.attempts: must be between 1 and 100 (got -1)": method("M", clientcore.Method{
			Hedge: &hedge.Policy{Attempts: -1}}),
		"methods.M.hedge: must not be set together with retry": method("M", clientcore.Method{
			Hedge: &hedge.Policy{}, Retry: &retry.Policy{Attempts: 2}}),
		"methods.a/M.hedge: must not be set while the client's retry is native": func(c *clientcore.Config) {
			c.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
			method("a/M", clientcore.Method{Hedge: &hedge.Policy{}})(c)
		},
		"hedge: must be none: service_config says": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{})
			c.Balance, c.ServiceConfig = balance.Policy{}, "x.json"
		},
		"methods.M.hedge: must be none: service_config says": func(c *clientcore.Config) {
			c.Balance, c.Retry.Off, c.ServiceConfig = balance.Policy{}, true, "x.json"
			method("M", clientcore.Method{Hedge: &hedge.Policy{}})(c)
		},
	} {
		cfg := clientcore.Default()
		change(&cfg)
		err := cfg.Validate()
		if err == nil {
			t.Errorf("accepted: %s", want)
			continue
		}
		errs := err.(interface{ Unwrap() []error }).Unwrap()
		fielded, ok := errs[0].(interface{ Field() string })
		if len(errs) != 1 || !ok || !strings.HasPrefix(fielded.Field()+": "+errs[0].Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for name, change := range map[string]func(*clientcore.Config){
		"none beside retry":                             func(c *clientcore.Config) { c.Hedge = &hedge.Policy{Off: true, Attempts: -3} },
		"a method that hedges where the client retries": method("M", clientcore.Method{Hedge: &hedge.Policy{}}),
	} {
		cfg := clientcore.Default()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What of hedges a gRPC service config can say, gRFC A6 has the words for.
func TestHedgesInAServiceConfig(t *testing.T) {
	p := after(20*ms, 3)
	p.Codes = []codes.Code{codes.Unavailable, codes.Canceled}
	p.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 10, Ratio: 0.1}}
	cfg := hedged(p)
	cfg.Methods = map[string]clientcore.Method{
		"a.B/None":    {Hedge: &hedge.Policy{Off: true}},
		"a.B/Learns":  {Hedge: &hedge.Policy{After: hedge.After{Percentile: 95}}},
		"a.B/Many":    {Hedge: &hedge.Policy{Attempts: 6, Budget: retry.Budget{Ratio: &retry.Ratio{}}}},
		"a.B/Timeout": {Timeout: new(time.Duration)},
	}
	text, unsaid, err := cfg.PortableServiceConfig("")
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		MethodConfig []struct {
			Name          []struct{ Service, Method string }
			RetryPolicy   any
			HedgingPolicy *struct {
				MaxAttempts         int
				HedgingDelay        string
				NonFatalStatusCodes []string
			}
		}
		RetryThrottling map[string]float64
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"maxTokens": 10, "tokenRatio": 0.1}, said.RetryThrottling); diff != "" {
		t.Errorf("throttling (-want +got):\n%s", diff)
	}
	for _, m := range said.MethodConfig {
		name := m.Name[0].Method
		if m.RetryPolicy != nil {
			t.Errorf("%q is retried", name)
		}
		switch h := m.HedgingPolicy; name {
		case "", "Timeout":
			if h == nil || h.MaxAttempts != 3 || h.HedgingDelay != "0.02s" || cmp.Diff([]string{"UNAVAILABLE", "CANCELLED"}, h.NonFatalStatusCodes) != "" {
				t.Errorf("%q: %+v", name, h)
			}
		default:
			if h != nil {
				t.Errorf("%q: %+v", name, h)
			}
		}
	}
	var got []string
	for _, one := range unsaid.(interface{ Unwrap() []error }).Unwrap() {
		if path := one.(interface{ Field() string }).Field(); strings.Contains(path, "hedge") {
			got = append(got, path)
		}
	}
	want := []string{"hedge", "methods.a.B/Learns.hedge.after", "methods.a.B/Many.hedge.attempts", "methods.a.B/Many.hedge.budget"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unsaid (-want +got):\n%s", diff)
	}
	// grpc-go would ignore it without a word.
	file := filepath.Join(t.TempDir(), "service.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	raw := clientcore.Default()
	raw.Balance, raw.Retry.Off, raw.ServiceConfig = balance.Policy{}, true, file
	if err := raw.ValidateFiles(); err == nil || !strings.Contains(err.Error(), "methodConfig[0].hedgingPolicy, which grpc-go does not act on") {
		t.Errorf("a hedgingPolicy in a file: %v", err)
	}
}
