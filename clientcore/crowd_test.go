package clientcore_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// endpointsOf is a resolver's state, one endpoint for each address.
func endpointsOf(addresses ...string) (s resolver.State) {
	for _, a := range addresses {
		s.Endpoints = append(s.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: a}}})
	}
	return s
}

// broadcast is a resolver that updates all channels; grpc's manual one knows the
// last that was made.
type broadcast struct {
	mu       sync.Mutex
	state    resolver.State
	channels map[*broadcasting]struct{}
}

type broadcasting struct {
	resolver.ClientConn
	from *broadcast
}

func (*broadcast) Scheme() string { return "test" }

func (b *broadcast) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &broadcasting{cc, b}
	if b.channels == nil {
		b.channels = map[*broadcasting]struct{}{}
	}
	b.channels[r] = struct{}{}
	return r, cc.UpdateState(b.state)
}

func (b *broadcast) update(s resolver.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
	for r := range b.channels {
		_ = r.UpdateState(s)
	}
}

func (*broadcasting) ResolveNow(resolver.ResolveNowOptions) {}

func (r *broadcasting) Close() {
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	delete(r.from.channels, r)
}

// fast reconnects and retries soon.
func fast(cfg *clientcore.Config) {
	cfg.Connect.Base, cfg.Connect.Max = ms, 20*ms
	cfg.Retry.Base, cfg.Retry.Max, cfg.Retry.Attempts = ms, 50*ms, 20
	cfg.Retry.Jitter = retry.Jitter{Full: &retry.Full{}}
	cfg.WaitForReady = true
	cfg.Timeout = time.Minute
}

// TestTenThousandGoroutines call through one Client while its channels grow old,
// its backends die and return, and its endpoints change. Each call is answered
// with its own words; no goroutine is left; the client's books and the backends'
// agree.
func TestTenThousandGoroutines(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const goroutines = 10_000
	for name, change := range map[string]func(*clientcore.Config){
		"round_robin": func(*clientcore.Config) {},
		"least_in_flight, p2c_ewma, breaker": func(cfg *clientcore.Config) {
			cfg.Pool.Pick = pool.Pick{LeastInFlight: &pool.LeastInFlight{}}
			p2c := &balance.P2CEWMA{}
			p2c.SetDefaults()
			cfg.Balance = balance.Policy{P2CEWMA: p2c}
			guard := breaker.Default()
			guard.Scope, guard.Failures, guard.Reset = breaker.Backend, 50, 5*ms
			cfg.Breaker = &guard
		},
	} {
		t.Run(name, func(t *testing.T) {
			if raceEnabled && name == "round_robin" {
				t.Skip("the other one is enough for the race detector, and takes seconds")
			}
			n := newNetwork()
			addresses := []string{"b0", "b1", "b2"}
			var backends []*backend
			for _, a := range addresses {
				backends = append(backends, n.start(t, a, echo))
			}
			r := &broadcast{state: endpointsOf(addresses...)}
			cfg := clientcore.Default()
			fast(&cfg)
			cfg.Pool.Size = 4
			cfg.Pool.MaxAge = 100 * ms
			cfg.Pool.StuckFor = pool.Patience(200 * ms)
			change(&cfg)
			c, err := clientcore.New(cfg, clientcore.WithTarget("test:///users"), clientcore.WithResolvers(r), clientcore.WithDialer(n.dial))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()

			stop := make(chan struct{})
			var churn sync.WaitGroup
			churn.Go(func() {
				random := rand.New(rand.NewPCG(1, 2))
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					case <-time.After(10 * ms):
					}
					// b0 stays, so that there is somewhere to go; one of the others dies.
					b := backends[1+random.IntN(2)]
					b.down()
					n.cut(b.address)
					r.update(endpointsOf(addresses[:1+random.IntN(3)]...))
					_ = c.Stats()
					b.up()
				}
			})
			var ok, committed, finished atomic.Int64
			var calls sync.WaitGroup
			for g := range goroutines {
				calls.Go(func() {
					time.Sleep(time.Duration(rand.IntN(1000)) * ms)
					want := fmt.Sprint(g)
					var got string
					var err error
					finish := grpc.OnFinish(func(error) { finished.Add(1) })
					switch g % 10 {
					case 0:
						got, err = collect(t.Context(), c, bidiStream, bidiMethod, want, finish)
					case 1:
						got, err = collect(t.Context(), c, serverStream, serverMethod, want, finish)
					default:
						got, err = call(t.Context(), c, want, finish)
					}
					switch {
					case err == nil && got == want:
						ok.Add(1)
					case g%10 < 2 && got == want && status.Code(err) == codes.Unavailable:
						// A stream whose backend died between the message and
						// the status: it is committed, and cannot be retried.
						committed.Add(1)
					default:
						t.Errorf("call %d: %q, %v", g, got, err)
					}
				})
			}
			calls.Wait()
			close(stop)
			churn.Wait()
			if ok.Load()+committed.Load() != goroutines || finished.Load() != goroutines || committed.Load() > goroutines/100 {
				t.Errorf("%d calls OK, %d cut off after their message, OnFinish ran %d times, of %d",
					ok.Load(), committed.Load(), finished.Load(), goroutines)
			}
			s := c.Stats()
			var answered, unknown int64
			for _, a := range s.Attempts {
				if a.Picked != a.Answered+a.Unknown {
					t.Errorf("books do not balance: %+v", a)
				}
				answered += a.Answered
				unknown += a.Unknown
			}
			received := int64(0)
			for _, b := range backends {
				received += int64(b.attempts())
			}
			if answered > received || received > answered+unknown || answered < goroutines {
				t.Errorf("%d answered, %d unknown, but the backends received %d", answered, unknown, received)
			}
			if s.Pool.InFlight != 0 || s.Pool.Recycles == 0 {
				t.Errorf("%+v: calls left in flight, or no channel was recycled", s.Pool)
			}
			t.Logf("%d answered, %d unknown, %d received, %+v", answered, unknown, received, s.Pool)
		})
	}
}

// TestRecyclingLosesNoCall: without any retry no call and no stream notices that
// channels are replaced for their age or because they had nothing to do.
func TestRecyclingLosesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for _, a := range []string{"b0", "b1"} {
			n.start(t, a, func(attempt int, s grpc.ServerStream) error {
				time.Sleep(time.Duration(attempt%40) * 5 * ms) // up to the age of a channel
				return echo(attempt, s)
			})
		}
		cfg := config()
		cfg.Retry = retry.Policy{Off: true}
		cfg.Pool.Size = 3
		cfg.Pool.MaxAge, cfg.Pool.MaxIdle = 200*ms, 50*ms
		c := n.client(t, cfg, "b0", "b1")
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				want := fmt.Sprint(i)
				var got string
				var err error
				if i%3 == 0 {
					got, err = collect(t.Context(), c, bidiStream, bidiMethod, want)
				} else {
					got, err = call(t.Context(), c, want)
				}
				if err != nil || got != want {
					t.Errorf("call %d: %q, %v", i, got, err)
				}
			})
			pause := 2 * ms
			if i%250 == 249 {
				pause = 400 * ms // for channels to be idle
			}
			time.Sleep(pause)
		}
		all.Wait()
		time.Sleep(time.Second)
		s := c.Stats().Pool
		if s.Recycles < 10 || s.Idled < 3 || s.InFlight != 0 {
			t.Errorf("%+v: too few replacements to show anything", s)
		}
	})
}
