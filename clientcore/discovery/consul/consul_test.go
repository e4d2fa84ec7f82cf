package consul_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"go.uber.org/goleak"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/consul"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "s3cr3t-0f-consul"

// agent answers as a Consul agent does, for one service: `make e2e` asks a real
// one.
type agent struct {
	*httptest.Server

	mu        sync.Mutex
	index     uint64
	instances []*api.ServiceEntry
	broken    int           // the next so many queries fail
	changed   chan struct{} // closed by the next change
	queries   []string      // index of each, "" without one
	asked     []http.Header
	raw       []string // each query as it came
}

func newAgent(t *testing.T) *agent {
	a := &agent{index: 10, changed: make(chan struct{})}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *agent) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	wait, _ := strconv.ParseUint(q.Get("index"), 10, 64)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries, a.asked, a.raw = append(a.queries, q.Get("index")), append(a.asked, r.Header), append(a.raw, r.URL.String())
	if a.broken > 0 {
		a.broken--
		http.Error(w, "No cluster leader", http.StatusInternalServerError)
		return
	}
	for wait > 0 && wait >= a.index {
		changed := a.changed
		a.mu.Unlock()
		var over bool
		select {
		case <-changed:
		case <-r.Context().Done():
			over = true
		}
		a.mu.Lock()
		if over {
			return
		}
		if a.index < wait {
			break // the state began anew
		}
	}
	w.Header().Set("X-Consul-Index", strconv.FormatUint(a.index, 10))
	_ = json.NewEncoder(w).Encode(a.instances)
}

// set is the state at an index.
func (a *agent) set(index uint64, instances ...*api.ServiceEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.index, a.instances = index, instances
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *agent) fail(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = n
}

// waits returns when the newest query is one beyond index.
func (a *agent) waits(t *testing.T, index string) {
	t.Helper()
	for range 60_000 {
		a.mu.Lock()
		last := a.queries[len(a.queries)-1]
		a.mu.Unlock()
		if last == index {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("no query waits beyond %s", index)
}

func (a *agent) registry(t *testing.T, c consul.Config) *consul.Registry {
	t.Helper()
	// No connection is kept alive: what the watch leaves behind is its own.
	client, err := api.NewClient(&api.Config{Address: a.URL, Token: token, Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	c.Backoff = discovery.Backoff{Base: time.Millisecond, Max: 10 * time.Millisecond, Multiplier: 2}
	r, err := consul.New(client, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func instance(address string, weight int) *api.ServiceEntry {
	host, port, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(port)
	return &api.ServiceEntry{Node: &api.Node{Address: "10.9.9.9"}, Service: &api.AgentService{
		ID: "users-" + address, Address: host, Port: n, Weights: api.AgentWeights{Passing: weight}}}
}

// heard passes on what a watch tells.
type heard chan string

func (h heard) Update(endpoints []discovery.Endpoint) { h <- fmt.Sprint(endpoints) }
func (h heard) Error(err error)                       { h <- "error: " + err.Error() }

func (h heard) want(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-h:
		if got != want && !(strings.HasPrefix(want, "error: ") && strings.Contains(got, strings.TrimPrefix(want, "error: "))) {
			t.Fatalf("heard %s, want %s", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("heard nothing, want %s", want)
	}
}

func watch(t *testing.T, r discovery.Registry) (h heard, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	h = make(heard, 1000)
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
	a := newAgent(t)
	a.set(10, instance("10.0.0.2:80", 1), instance("10.0.0.1:80", 7))
	h, stop := watch(t, a.registry(t, consul.Config{Service: "users"}))
	h.want(t, "[{10.0.0.1:80 7} {10.0.0.2:80 1}]")
	a.set(11, instance("10.0.0.1:80", 7), instance("10.0.0.2:80", 1)) // another order, another index
	a.set(12, instance("10.0.0.2:80", 1))
	h.want(t, "[{10.0.0.2:80 1}]")
	a.set(13, instance("10.0.0.2:80", 1), instance(":81", 1)) // the node's address
	h.want(t, "[{10.0.0.2:80 1} {10.9.9.9:81 1}]")
	a.set(14, instance("10.0.0.3:80", 1), instance("10.0.0.2:0", 1)) // nothing to call it at
	h.want(t, "[{10.0.0.3:80 1}]")
	h.want(t, `error: consul: service users: the address of instance users-10.0.0.2:0 must have a port from 1 to 65535 (got "10.0.0.2:0")`)
	a.set(15)
	h.want(t, "[]")
	stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.queries[0] != "" || a.queries[1] != "10" {
		t.Errorf("indices %q: the first query must not wait, the second beyond what it saw", a.queries)
	}
}

// TestIndexGoesBack: a state that began anew is seen, though its index is below
// the one that was waited beyond.
func TestIndexGoesBack(t *testing.T) {
	a := newAgent(t)
	a.set(1000, instance("10.0.0.1:80", 1))
	h, stop := watch(t, a.registry(t, consul.Config{Service: "users"}))
	h.want(t, "[{10.0.0.1:80 1}]")
	a.waits(t, "1000") // Consul ends queries that wait when it restores a snapshot
	a.set(5, instance("10.0.0.2:80", 1))
	h.want(t, "[{10.0.0.2:80 1}]")
	a.set(6, instance("10.0.0.3:80", 1)) // a query beyond 1000 would not see it
	h.want(t, "[{10.0.0.3:80 1}]")
	stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.queries[1:], ""); i < 0 {
		t.Errorf("indices %q: none after the first does without waiting", a.queries)
	}
}

// TestWithoutIndex: a server that gives no index is not asked without pause.
func TestWithoutIndex(t *testing.T) {
	a := newAgent(t)
	a.set(0, instance("10.0.0.1:80", 1))
	begin := time.Now()
	h, stop := watch(t, a.registry(t, consul.Config{Service: "users"}))
	h.want(t, "[{10.0.0.1:80 1}]")
	time.Sleep(10 * time.Millisecond)
	stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if most := 1 + int(time.Since(begin)/(100*time.Millisecond)); len(a.queries) > most {
		t.Errorf("%d queries in %v", len(a.queries), time.Since(begin))
	}
}

// TestErrors: failures are told and retried, and the endpoints told again when
// they are over. What is told never has the token.
func TestErrors(t *testing.T) {
	a := newAgent(t)
	a.fail(3)
	a.set(10, instance("10.0.0.1:80", 1))
	r := a.registry(t, consul.Config{Service: "users"})
	h, stop := watch(t, r)
	for range 3 {
		h.want(t, "error: consul: service users: Unexpected response code: 500 (No cluster leader")
	}
	h.want(t, "[{10.0.0.1:80 1}]")
	stop()
	a.Close()
	_, err := r.Discover(t.Context())
	if err == nil {
		t.Fatal("no error without a server")
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v %#v", r, r, r)} {
		if strings.Contains(text, token) {
			t.Errorf("%s has the token", text)
		}
	}
}

func TestQuery(t *testing.T) {
	a := newAgent(t)
	r := a.registry(t, consul.Config{Service: "users", Tags: []string{"v2", "eu"}, Datacenter: "dc7", Wait: time.Minute})
	if _, err := r.Discover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "/v1/health/service/users?dc=dc7&passing=1&tag=v2&tag=eu&wait=60000ms"; a.raw[0] != want {
		t.Errorf("asked %s, want %s", a.raw[0], want)
	}
	if got := a.asked[0].Get("X-Consul-Token"); got != token {
		t.Errorf("token %q", got)
	}
	a.set(11, instance("10.0.0.2:0", 1))
	if got, err := r.Discover(t.Context()); err == nil {
		t.Errorf("Discover: %v without an error, though no instance has a port", got)
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		config consul.Config
		want   string
	}{
		{consul.Config{}, `consul: Service must name a service (got "")`},
		{consul.Config{Service: "a/b"}, `consul: Service must name a service (got "a/b")`},
		{consul.Config{Service: "a", Tags: []string{"x", ""}}, "consul: Tags must not have an empty tag"},
		{consul.Config{Service: "a", Wait: time.Hour}, "consul: Wait must be from 1ms to 10m0s, or 0 for 5m0s (got 1h0m0s)"},
		{consul.Config{Service: "a", Wait: time.Microsecond}, "consul: Wait must be from 1ms to 10m0s, or 0 for 5m0s (got 1µs)"},
		{consul.Config{Service: "a", Backoff: discovery.Backoff{Base: time.Second, Max: time.Second}}, "consul: Backoff must be at least 1 (got 0)"},
	} {
		client, err := api.NewClient(api.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := consul.New(client, test.config); err == nil || err.Error() != test.want {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.want)
		}
	}
}

// TestTrapWatchStops ends a watch while a query waits for a change, and while a
// failure is waited out: goleak would find a goroutine that is left.
func TestTrapWatchStops(t *testing.T) {
	a := newAgent(t)
	a.set(10, instance("10.0.0.1:80", 1))
	h, stop := watch(t, a.registry(t, consul.Config{Service: "users"}))
	h.want(t, "[{10.0.0.1:80 1}]")
	stop()
	a.fail(1 << 30)
	h, stop = watch(t, a.registry(t, consul.Config{Service: "users"}))
	h.want(t, "error: No cluster leader")
	stop()
	if err := goleak.Find(goleak.IgnoreCurrent()); err != nil {
		t.Error(err)
	}
}

func TestChurn(t *testing.T) {
	a := newAgent(t)
	b := churntest.Loopback(t, 3)
	index := uint64(10)
	churntest.Run(t, b, b.Dial(t, a.registry(t, consul.Config{Service: "users"})), func(addresses []string) {
		var instances []*api.ServiceEntry
		for _, address := range addresses {
			instances = append(instances, instance(address, 1))
		}
		index++
		a.set(index, instances...)
	})
}

func TestTrapNewestUpdateIsNeverLost(t *testing.T) {
	a := newAgent(t)
	index := uint64(10)
	churntest.Newest(t, a.registry(t, consul.Config{Service: "users"}), func(address string) {
		index++
		a.set(index, instance(address, 1))
	})
}
