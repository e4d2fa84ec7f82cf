package etcd_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.uber.org/goleak"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/etcd"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registered is a value as the naming package writes it.
func registered(address string) string {
	text, err := json.Marshal(struct {
		Op uint8
		endpoints.Endpoint
	}{0, endpoints.Endpoint{Addr: address}})
	if err != nil {
		panic(err) // two strings and a number
	}
	return string(text)
}

// heard passes on what a watch tells.
type heard chan string

func (h heard) Update(found []discovery.Endpoint) {
	var addresses []string
	for _, e := range found {
		addresses = append(addresses, e.Address)
	}
	h <- "[" + strings.Join(addresses, " ") + "]"
}

func (h heard) Error(err error) { h <- err.Error() }

// want is what is heard next, each containing what is wanted.
func (h heard) want(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := h.next(t); !strings.Contains(got, w) {
			t.Fatalf("heard %s, want %s", got, w)
		}
	}
}

func (h heard) next(t *testing.T) string {
	t.Helper()
	select {
	case got := <-h:
		return got
	case <-time.After(time.Minute):
		t.Fatal("heard nothing for a minute")
		return ""
	}
}

// start is a server and a registry of the target users, which waits for an answer for
// as long as a test may take: that a busy machine is slow is no error. Time is real:
// etcd's client waits on a channel that belongs to no bubble.
func start(t *testing.T) (*server, *etcd.Registry) {
	t.Helper()
	s := newServer(t)
	return s, connect(t, s, time.Minute)
}

func connect(t *testing.T, s *server, timeout time.Duration) *etcd.Registry {
	t.Helper()
	r, err := etcd.Connect(s.config(), etcd.Config{Target: "users",
		Timeout: timeout, Backoff: discovery.Backoff{Base: time.Millisecond, Max: 10 * time.Millisecond, Multiplier: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// impatient is a registry that gives a server up that does not answer within a second:
// one that is gone, or that a busy machine has left no time for.
func impatient(t *testing.T, s *server) *etcd.Registry { return connect(t, s, time.Second) }

// comesTo hears errors of etcd, and then what is wanted.
func (h heard) comesTo(t *testing.T, want string) {
	t.Helper()
	for {
		switch got := h.next(t); {
		case got == want:
			return
		case !strings.HasPrefix(got, "etcd: target users: "):
			t.Fatalf("heard %s, want errors and then %s", got, want)
		}
	}
}

// watch watches until the test ends or the function it returns is called.
func watch(t *testing.T, r discovery.Registry) (h heard, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	h = make(heard, 10_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Watch(ctx, h)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return h, stop
}

func TestWatch(t *testing.T) {
	s, r := start(t)
	s.put("users/b", registered("b:1"), "users2/x", registered("x:1"))
	h, stop := watch(t, r)
	h.want(t, "[b:1]")
	s.put("users/a", registered("a:1"), "users/c", registered("c:1")) // one revision, one update
	h.want(t, "[a:1 b:1 c:1]")
	s.put("users/b", "")
	h.want(t, "[a:1 c:1]")
	s.put("users2/y", registered("y:1")) // another target: nothing is heard
	s.put("users/a", registered("a:2"))
	h.want(t, "[a:2 c:1]")
	s.put("users/d", "not JSON")
	h.want(t, "[a:2 c:1]", "etcd: key users/d: must be JSON with an Addr: invalid")
	s.put("users/d", `{"Addr":"d"}`)
	h.want(t, "[a:2 c:1]", `etcd: key users/d: Addr must be host:port (got "d")`)
	s.put("users/d", "", "users/a", "", "users/c", "")
	h.want(t, "[]")
	stop()
	s.put("users/late", registered("late:1"))
	if len(h) > 0 {
		t.Errorf("heard %s after the end", <-h)
	}
}

// TestNothingBetweenListAndWatch changes a key after it was read and before the
// watch begins.
func TestNothingBetweenListAndWatch(t *testing.T) {
	s, r := start(t)
	s.put("users/a", registered("a:1"))
	s.inRange = func() { s.put("users/b", registered("b:1")) }
	h, _ := watch(t, r)
	h.want(t, "[a:1]", "[a:1 b:1]")
}

// TestCompaction: what happened since the keys were read is compacted away
// before the watch begins. The keys are read again; nothing failed.
func TestCompaction(t *testing.T) {
	s, r := start(t)
	s.put("users/a", registered("a:1"))
	s.inRange = func() {
		s.put("users/a", "")
		s.put("users/b", registered("b:1"))
		s.put("users/c", registered("c:1"))
		s.compact()
	}
	h, stop := watch(t, r)
	h.want(t, "[a:1]", "[b:1 c:1]")
	s.put("users/b", "")
	h.want(t, "[c:1]")
	stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ranges != 2 || !slices.Equal(s.watches, []int64{3, 6}) {
		t.Errorf("%d ranges, watches from %v: want 2, from 3 and 6", s.ranges, s.watches)
	}
}

// TestOutage: a server that is gone is an error, and what changed while nobody
// could see it is known after it.
func TestOutage(t *testing.T) {
	s := newServer(t)
	s.put("users/a", registered("a:1"))
	h, _ := watch(t, impatient(t, s))
	h.comesTo(t, "[a:1]")
	s.down()
	h.want(t, "etcd: target users: ")
	s.put("users/a", "")
	s.put("users/b", registered("b:1"))
	s.compact()
	s.up()
	h.comesTo(t, "[b:1]")
}

// TestTrapWatchStops ends a watch while it follows, and while no server is
// there: goleak finds any goroutine that is left.
func TestTrapWatchStops(t *testing.T) {
	s := newServer(t)
	r := impatient(t, s)
	before := goleak.IgnoreCurrent()
	h, stop := watch(t, r)
	h.comesTo(t, "[]")
	stop()
	s.down()
	h, stop = watch(t, r)
	h.want(t, "etcd: target users: ")
	stop()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

func TestDiscover(t *testing.T) {
	s, r := start(t)
	if got, err := r.Discover(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Discover: %v, %v", got, err)
	}
	s.put("users/a", "{}")
	if got, err := r.Discover(t.Context()); err == nil {
		t.Errorf("Discover: %v without an error, though no key has an address", got)
	}
	s.put("users/b", registered("b:1"))
	if got, err := r.Discover(t.Context()); err != nil || !slices.Equal(got, discovery.Addresses("b:1")) {
		t.Errorf("Discover: %v, %v", got, err)
	}
	s.down()
	if got, err := impatient(t, s).Discover(t.Context()); err == nil {
		t.Errorf("Discover without a server: %v", got)
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		config etcd.Config
		want   string
	}{
		{etcd.Config{}, `etcd: Target must be the name that endpoints are registered for, without a slash at its end (got "")`},
		{etcd.Config{Target: "users/"}, `etcd: Target must be the name that endpoints are registered for, without a slash at its end (got "users/")`},
		{etcd.Config{Target: "users", Timeout: -1}, "etcd: Timeout must be > 0, or 0 for 5s (got -1ns)"},
	} {
		if _, err := etcd.Connect(clientv3.Config{}, test.config); err == nil || err.Error() != test.want {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.want)
		}
	}
}

func TestChurn(t *testing.T) {
	s, r := start(t)
	b := churntest.Memory(t, 3)
	keys := map[string]bool{}
	churntest.Run(t, b, b.Dial(t, r), func(addresses []string) {
		var pairs []string
		for key := range keys {
			pairs = append(pairs, key, "")
		}
		clear(keys)
		for _, address := range addresses {
			key := "users/" + address
			keys[key] = true
			pairs = append(pairs, key, registered(address))
		}
		s.put(pairs...)
	})
}

func TestTrapNewestUpdateIsNeverLost(t *testing.T) {
	s, r := start(t)
	churntest.Newest(t, r, func(address string) { s.put("users/only", registered(address)) })
}
