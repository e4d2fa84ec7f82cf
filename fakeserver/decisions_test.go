package fakeserver

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// undecided are rules of every sort of selection.
func undecided() Config {
	return Config{Backends: 2, Faults: []fault.Rule{
		{Name: "chance", Probability: ptr(0.2), Inject: unavailable()},
		{Name: "nth", Nth: ptr(7), Where: fault.Where{Kind: fault.Unary}, Inject: fault.Inject{Status: &fault.Status{Code: codes.Aborted}}},
		{Name: "burst", Burst: &fault.Burst{Size: 3, Every: 20}, Where: fault.Where{Backends: []int{1}},
			Inject: fault.Inject{Status: &fault.Status{Code: codes.DataLoss}}},
		{Name: "again", Probability: ptr(0.5), Where: fault.Where{Attempt: ptr(2)}, Inject: fault.Inject{Reset: &fault.Reset{Code: "CANCEL"}}},
		{Name: "cut", Probability: ptr(0.4), Inject: fault.Inject{Truncate: &fault.Truncate{After: 1, Code: codes.OutOfRange}}},
		{Name: "cut later", Probability: ptr(0.4), Inject: fault.Inject{Truncate: &fault.Truncate{After: 2, Code: codes.OutOfRange}}},
	}}
}

// fleet is what a test of decisions needs of a fleet, wherever it runs.
type fleet struct {
	reset    func(seed uint64, block uint32) error
	start    func() error
	snapshot func() (Snapshot, error)
	clients  func() []userpb.UserServiceClient // of each backend, not connected yet
}

func inProcess(t *testing.T, c Config) *fleet {
	t.Helper()
	network := memnet.New()
	f := NewFleet("secret", network.Listen)
	t.Cleanup(f.Close)
	addresses, err := f.Configure(c)
	must(t, err)
	return &fleet{
		reset: f.Reset, start: func() error { f.Start(time.Now(), true); return nil },
		snapshot: func() (Snapshot, error) { return f.Snapshot(), nil },
		clients:  clientsOf(t, addresses, network.Dial),
	}
}

func clientsOf(t *testing.T, addresses []Address, dialer func(context.Context, string) (net.Conn, error)) func() []userpb.UserServiceClient {
	return func() (all []userpb.UserServiceClient) {
		for _, a := range addresses {
			all = append(all, userpb.NewUserServiceClient(dial(t, a.Address, dialer)))
		}
		return all
	}
}

// decided is what each attempt at each call came to, in whichever order they
// were made: its code, and the messages before it.
func (f *fleet) decided(t *testing.T, seed uint64, order *rand.Rand) (map[string]string, []map[string]int64) {
	t.Helper()
	must(t, f.reset(seed, 3))
	must(t, f.start())
	const calls = 400
	clients := f.clients()
	var mu sync.Mutex
	out := map[string]string{}
	var workers sync.WaitGroup
	tasks := make(chan int)
	for range 4 {
		workers.Go(func() {
			for i := range tasks {
				call, attempt := i/2, i%2
				kind := []fault.RPCKind{fault.Unary, fault.ServerStream}[call%2]
				id := fmt.Sprintf("%s/%d", kind, call)
				ctx := metadata.AppendToOutgoingContext(t.Context(), callKey, id)
				if attempt > 0 {
					ctx = metadata.AppendToOutgoingContext(ctx, previousKey, fmt.Sprint(attempt))
				}
				n, err := callers[kind](ctx, clients[call%3%2], 0)
				mu.Lock()
				out[fmt.Sprint(id, "#", attempt)] = fmt.Sprint(status.Code(err), " ", n)
				mu.Unlock()
			}
		})
	}
	for _, i := range order.Perm(2 * calls) {
		tasks <- i
	}
	close(tasks)
	workers.Wait()
	s, err := f.snapshot()
	must(t, err)
	var rules []map[string]int64
	for _, b := range s.Backends {
		rules = append(rules, b.Rules)
	}
	return out, rules
}

// within4 checks a count against its expectation, to 4 standard errors.
func within4(t *testing.T, what string, hits, n int64, p float64) {
	t.Helper()
	if off := math.Abs(float64(hits) - float64(n)*p); off > 4*math.Sqrt(float64(n)*p*(1-p)) {
		t.Errorf("%s: %d of %d, want %g", what, hits, n, float64(n)*p)
	}
}

// Over 100,000 calls an injected probability shows, and the fleet's count of
// it is the clients', to the call.
func TestProbabilityOverManyCalls(t *testing.T) {
	n := int64(100_000)
	if testing.Short() || raceEnabled {
		n = 10_000
	}
	const p, workers = 0.05, 16
	f := inProcess(t, Config{Backends: 2, Faults: []fault.Rule{
		{Name: "first", Probability: ptr(p), Inject: unavailable()},
		{Name: "second", Probability: ptr(2 * p), Inject: fault.Inject{Status: &fault.Status{Code: codes.Aborted}}},
	}})
	must(t, f.reset(11, 0))
	must(t, f.start())
	clients := f.clients()
	var seen [codes.Unauthenticated + 1]atomic.Int64
	var next atomic.Int64
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				seen[status.Code(get(t.Context(), clients[worker%2], fmt.Sprintf("reads/%d", i), ""))].Add(1)
			}
		})
	}
	all.Wait()
	first, second := seen[codes.Unavailable].Load(), seen[codes.Aborted].Load()
	within4(t, "first", first, n, p)
	within4(t, "second", second, n, (1-p)*2*p) // it is asked where the first did not happen
	if ok := seen[codes.OK].Load(); ok+first+second != n {
		t.Errorf("%d calls ended OK, %d and %d with a fault: not %d in all", ok, first, second, n)
	}
	s, err := f.snapshot()
	must(t, err)
	counted := map[string]int64{}
	for _, b := range s.Backends {
		for rule, n := range b.Rules {
			counted[rule] += n
		}
	}
	if d := cmp.Diff(map[string]int64{"first": first, "second": second}, counted); d != "" {
		t.Errorf("clients and fleet count differently (-clients +fleet):\n%s", d)
	}
}

// Many calls at once on one connection, over TCP: each reset ends the call
// that it is for, after exactly the messages that it is to come after.
func TestResetsEndTheRightCalls(t *testing.T) {
	const seed, p, calls, workers = 9, 0.3, 1000, 32
	rules := []fault.Rule{
		{Probability: ptr(p), Where: fault.Where{Kind: fault.Unary}, Inject: fault.Inject{Reset: &fault.Reset{Code: "CANCEL"}}},
		{Probability: ptr(p), Where: fault.Where{Kind: fault.ServerStream}, Inject: fault.Inject{Reset: &fault.Reset{Code: "CANCEL", After: 2}}},
	}
	f := NewFleet("secret", nil)
	defer f.Close()
	addresses, err := f.Configure(Config{Backends: 1, Faults: rules})
	must(t, err)
	must(t, f.Reset(seed, 0))
	f.Start(time.Now().Add(-sec), true)
	client := userpb.NewUserServiceClient(dial(t, addresses[0].Address, nil))
	tasks := make(chan int)
	var all sync.WaitGroup
	var met [2]atomic.Int64
	for range workers {
		all.Go(func() {
			for i := range tasks {
				which, id, got := i%2, fmt.Sprintf("calls/%d", i), ""
				ctx := metadata.AppendToOutgoingContext(t.Context(), callKey, id)
				if which == 0 {
					_, err := client.GetUser(ctx, &userpb.GetUserRequest{})
					got = status.Code(err).String()
				} else {
					n, err := readList(ctx, client, 4, 30_000)
					got = fmt.Sprint(status.Code(err), " ", n)
				}
				want := []string{"OK", "OK 4"}[which]
				if rules[which].Selects(draw.Seed{Seed: seed}, which, fault.Subject{Call: draw.Hash(id), Attempt: 1}) {
					met[which].Add(1)
					want = []string{"Canceled", "Canceled 2"}[which]
				}
				if got != want {
					t.Errorf("%s: %s, want %s", id, got, want)
				}
			}
		})
	}
	for i := range calls {
		tasks <- i
	}
	close(tasks)
	all.Wait()
	s := f.Snapshot().Backends[0]
	if d := cmp.Diff(map[string]int64{"reset[0]": met[0].Load(), "reset[1]": met[1].Load()}, s.Rules); d != "" || s.ConnectionsOpened != 1 {
		t.Errorf("%d connections, counted (-want +got):\n%s", s.ConnectionsOpened, d)
	}
}

// readList reads a stream of messages to its end.
func readList(ctx context.Context, c userpb.UserServiceClient, messages, size int32) (n int, err error) {
	ss, err := c.ListUsers(ctx, &userpb.ListUsersRequest{UserId: "7", Messages: messages, ResponseBytes: size})
	for err == nil {
		if _, err = ss.Recv(); err == nil {
			n++
		}
	}
	return n, ended(err)
}
