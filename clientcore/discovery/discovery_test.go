package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

// counted counts the watches of a registry.
type counted struct {
	discovery.Registry
	begun, ended atomic.Int64
}

func (c *counted) Watch(ctx context.Context, l discovery.Listener) {
	c.begun.Add(1)
	defer c.ended.Add(1)
	c.Registry.Watch(ctx, l)
}

// heard is a listener that keeps what it is told.
type heard struct {
	mu    sync.Mutex
	lines []string
	slow  func() // called by each Update
}

func (h *heard) Update(endpoints []discovery.Endpoint) {
	if h.slow != nil {
		h.slow()
	}
	var addresses []string
	for _, e := range endpoints {
		addresses = append(addresses, e.Address)
	}
	h.add("[" + strings.Join(addresses, " ") + "]")
}

func (h *heard) Error(err error) { h.add(err.Error()) }

func (h *heard) add(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lines)
}

func (h *heard) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := h.all(); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// watch watches r until the test ends or the function it returns is called.
func watch(t *testing.T, r discovery.Registry, l discovery.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, l)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

func TestStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &discovery.Static{}
		h := &heard{}
		stop := watch(t, r, h)
		h.want(t) // the zero Static has no news yet
		mine := discovery.Addresses("a:1")
		r.Set(mine)
		mine[0].Address = "changed afterwards"
		h.want(t, "[a:1]")
		r.Set(nil)
		h.want(t, "[a:1]", "[]")
		if got, err := discovery.NewStatic(discovery.Addresses("b:1")...).Discover(t.Context()); err != nil || !slices.Equal(got, discovery.Addresses("b:1")) {
			t.Errorf("Discover: %v, %v", got, err)
		}
		stop()
		r.Set(discovery.Addresses("late:1"))
		h.want(t, "[a:1]", "[]")
	})
}

func TestHubSharesOneWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := discovery.NewStatic(discovery.Addresses("a:1")...)
		c := &counted{Registry: r}
		hub := discovery.NewHub(c)
		var one, two, three heard
		stopOne := watch(t, hub, &one)
		one.want(t, "[a:1]")
		r.Set(discovery.Addresses("b:1"))
		one.want(t, "[a:1]", "[b:1]")
		stopTwo := watch(t, hub, &two)
		two.want(t, "[b:1]") // the newest, at once
		stopOne()
		r.Set(discovery.Addresses("c:1"))
		two.want(t, "[b:1]", "[c:1]")
		one.want(t, "[a:1]", "[b:1]")
		if c.begun.Load() != 1 || c.ended.Load() != 0 {
			t.Errorf("%d watches begun, %d ended", c.begun.Load(), c.ended.Load())
		}
		stopTwo()
		if c.ended.Load() != 1 {
			t.Error("the watch goes on though nobody is left")
		}
		watch(t, hub, &three)
		three.want(t, "[c:1]")
		if c.begun.Load() != 2 {
			t.Errorf("%d watches begun, want another one", c.begun.Load())
		}
	})
}

// TestHubErrors: who joins after an error hears of it, and of what was known.
func TestHubErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := discovery.NewHub(scripted{func(ctx context.Context, l discovery.Listener) {
			l.Update(discovery.Addresses("a:1"))
			l.Error(errors.New("lost"))
			time.Sleep(time.Minute)
			l.Update(discovery.Addresses("b:1"))
			<-ctx.Done()
		}})
		var one, two, three heard
		watch(t, hub, &one)
		synctest.Wait()
		watch(t, hub, &two)
		two.want(t, "[a:1]", "lost")
		time.Sleep(time.Minute)
		two.want(t, "[a:1]", "lost", "[b:1]")
		watch(t, hub, &three)
		three.want(t, "[b:1]") // the error is outdated
	})
}

// scripted is a registry whose watch is a function.
type scripted struct {
	watch func(context.Context, discovery.Listener)
}

func (scripted) Discover(context.Context) ([]discovery.Endpoint, error) {
	return nil, errors.New("not asked for")
}
func (s scripted) Watch(ctx context.Context, l discovery.Listener) { s.watch(ctx, l) }

// TestHubHammer joins and leaves while endpoints change: each watch ends up with
// the newest, and no watch of the registry is left.
func TestHubHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &discovery.Static{}
		c := &counted{Registry: r}
		hub := discovery.NewHub(c)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					ctx, cancel := context.WithTimeout(context.Background(), 3*time.Millisecond)
					hub.Watch(ctx, &heard{})
					cancel()
				}
			})
		}
		for i := range 500 {
			r.Set(discovery.Addresses(fmt.Sprintf("a:%d", i)))
			time.Sleep(100 * time.Microsecond)
		}
		all.Wait()
		if c.begun.Load() != c.ended.Load() {
			t.Errorf("%d watches begun, %d ended", c.begun.Load(), c.ended.Load())
		}
		var last heard
		watch(t, hub, &last)
		last.want(t, "[a:499]")
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := discovery.NewStatic(discovery.Addresses("a:1")...)
		var seen, one, two heard
		hub := discovery.NewHub(discovery.Observe(r, &seen))
		watch(t, hub, &one)
		watch(t, hub, &two)
		one.want(t, "[a:1]")
		two.want(t, "[a:1]")
		seen.want(t, "[a:1]") // once, however many watch
	})
}

func TestResolver(t *testing.T) {
	check := func(t *testing.T, call func() error, want codes.Code, text string) {
		t.Helper()
		err := call()
		if status.Code(err) != want || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("the call ends with %v, want %v %q", err, want, text)
		}
	}
	tests := map[string]func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error){
		"a call waits for the first endpoints": func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error) {
			call := dial()
			start := time.Now()
			time.AfterFunc(3*time.Second, func() { r.Set(discovery.Addresses(b.Addresses()...)) })
			check(t, call, codes.OK, "")
			if waited := time.Since(start); waited != 3*time.Second {
				t.Errorf("waited %v", waited)
			}
		},
		"no endpoints from the start": func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error) {
			r.Set(nil)
			check(t, dial(), codes.Unavailable, "the registry has no endpoints")
		},
		"an empty answer is passed over": func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error) {
			r.Set(discovery.Addresses(b.Addresses()...))
			call := dial()
			check(t, call, codes.OK, "")
			r.Set(nil)
			synctest.Wait()
			check(t, call, codes.OK, "")
		},
		"an empty answer counts when told so": func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error) {
			r.Set(discovery.Addresses(b.Addresses()...))
			call := dial(discovery.WithKeepLast(false))
			check(t, call, codes.OK, "")
			r.Set(nil)
			synctest.Wait()
			check(t, call, codes.Unavailable, "") // in round_robin's words
			r.Set(discovery.Addresses(b.Addresses()...))
			synctest.Wait()
			check(t, call, codes.OK, "")
		},
		"an address twice is one backend": func(t *testing.T, b *churntest.Backends, r *discovery.Static, dial func(...discovery.ResolverOption) func() error) {
			r.Set(discovery.Addresses(b.Addresses()[0], b.Addresses()[0]))
			check(t, dial(), codes.OK, "")
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := churntest.Memory(t, 1)
				r := &discovery.Static{}
				test(t, b, r, func(opts ...discovery.ResolverOption) func() error {
					client := grpc_health_v1.NewHealthClient(b.Dial(t, r, opts...))
					return func() error {
						ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
						defer cancel()
						_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
						return err
					}
				})
			})
		})
	}
}

// TestResolverErrors: an error before endpoints fails calls with its text, one
// after them fails none.
func TestResolverErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := churntest.Memory(t, 1)
		conn := b.Dial(t, scripted{func(ctx context.Context, l discovery.Listener) {
			l.Error(errors.New("the registry burns"))
			time.Sleep(time.Minute)
			l.Update(discovery.Addresses(b.Addresses()...))
			l.Error(errors.New("the registry burns again"))
			<-ctx.Done()
		}})
		client := grpc_health_v1.NewHealthClient(conn)
		_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "the registry burns") {
			t.Errorf("the call ends with %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
			t.Errorf("an error takes endpoints away: %v", err)
		}
	})
}

func TestBackoffWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := discovery.Backoff{Base: time.Second, Max: 5 * time.Second, Multiplier: 2}
		start, begun := time.Now(), []time.Duration{}
		var h heard
		r := scripted{func(ctx context.Context, l discovery.Listener) {
			b.Watch(ctx, l, func(_ context.Context, l discovery.Listener) error {
				begun = append(begun, time.Since(start))
				if len(begun) == 5 {
					l.Update(discovery.Addresses("a:1")) // ends the row of failures
				}
				return fmt.Errorf("failure %d", len(begun))
			})
		}}
		stop := watch(t, r, &h)
		time.Sleep(19*time.Second + time.Millisecond)
		stop()
		// Waits 1 2 4 5, then 1 2 4 again; the one in progress is cut short.
		if want := []time.Duration{0, 1e9, 3e9, 7e9, 12e9, 13e9, 15e9, 19e9}; !slices.Equal(begun, want) {
			t.Errorf("begun at %v, want %v", begun, want)
		}
		h.want(t, "failure 1", "failure 2", "failure 3", "failure 4", "[a:1]", "failure 5", "failure 6", "failure 7", "failure 8")
	})
}

func TestBackoffWait(t *testing.T) {
	b := discovery.Backoff{Base: time.Second, Max: time.Minute, Multiplier: 3, Jitter: 0.5}
	for _, test := range []struct {
		n      int
		random float64
		want   time.Duration
	}{
		{1, 0, 500 * time.Millisecond}, {1, 0.5, time.Second}, {2, 0.5, 3 * time.Second},
		{5, 0.5, time.Minute}, {1 << 30, 0.5, time.Minute}, {5, 0, 30 * time.Second},
	} {
		if got := b.Wait(test.n, test.random); got != test.want {
			t.Errorf("Wait(%d, %v) = %v, want %v", test.n, test.random, got, test.want)
		}
	}
	b.Seed = 7
	one, two := b.Waits(), b.Waits()
	for range 100 {
		w := one(1)
		if w != two(1) {
			t.Fatal("the same seed gives other waits")
		}
		if w < 500*time.Millisecond || w > 1500*time.Millisecond {
			t.Fatalf("wait %v outside of 1s ±50%%", w)
		}
	}
}

func TestBackoffValidate(t *testing.T) {
	if err := discovery.DefaultBackoff().Validate(); err != nil {
		t.Error(err)
	}
	err := discovery.Backoff{Base: -1, Max: -2, Multiplier: 0.5, Jitter: 2}.Validate()
	const want = "must be > 0 (got -1ns)\nmust be at least base, -1ns (got -2ns)\nmust be at least 1 (got 0.5)\nmust be between 0 and 1 (got 2)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
