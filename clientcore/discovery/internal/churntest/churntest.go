// Package churntest is backends that come and go under load, for the tests of
// providers: whatever the provider, a change of endpoints fails no call.
package churntest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Rate is the calls per second that a Run makes.
const Rate = 2000

// maxInFlight is the calls at once at most. A machine that cannot make Rate, as
// with the race detector and others at work, makes fewer, and does not drown in
// those that are due.
const maxInFlight = 200

// Backends is servers that count their calls.
type Backends struct {
	all []*backend
	// Dialer connects to the backends.
	Dialer func(context.Context, string) (net.Conn, error)
}

type backend struct {
	grpc_health_v1.UnimplementedHealthServer
	address string
	server  *grpc.Server
	calls   atomic.Int64
}

func (b *backend) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	b.calls.Add(1)
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// Memory is n backends without a network, for virtual time.
func Memory(t testing.TB, n int) *Backends {
	listeners := map[string]*bufconn.Listener{}
	b := &Backends{Dialer: func(ctx context.Context, address string) (net.Conn, error) {
		if lis := listeners[address]; lis != nil {
			return lis.DialContext(ctx)
		}
		return nil, fmt.Errorf("nobody listens at %s", address)
	}}
	for i := range n {
		address := fmt.Sprintf("backend-%d:1", i)
		listeners[address] = bufconn.Listen(1 << 16)
		b.serve(t, address, listeners[address])
	}
	return b
}

// Loopback is n backends at 127.0.0.1, 127.0.0.2, … and one port, as the
// addresses of one name in DNS.
func Loopback(t testing.TB, n int) *Backends {
	t.Helper()
	var dialer net.Dialer
	b := &Backends{Dialer: func(ctx context.Context, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", address)
	}}
	var err error
	for range 20 { // a port may be free at one address only
		var listeners []net.Listener
		if listeners, err = listen(n); err == nil {
			for _, lis := range listeners {
				b.serve(t, lis.Addr().String(), lis)
			}
			return b
		}
	}
	t.Fatalf("no port that is free at %d addresses: %v", n, err)
	return nil
}

func listen(n int) ([]net.Listener, error) {
	port := "0"
	var listeners []net.Listener
	for i := range n {
		lis, err := net.Listen("tcp", net.JoinHostPort(fmt.Sprintf("127.0.0.%d", i+1), port))
		if err != nil {
			for _, lis := range listeners {
				_ = lis.Close()
			}
			return nil, err
		}
		listeners = append(listeners, lis)
		if _, port, err = net.SplitHostPort(lis.Addr().String()); err != nil {
			return nil, err
		}
	}
	return listeners, nil
}

func (b *Backends) serve(t testing.TB, address string, lis net.Listener) {
	one := &backend{address: address, server: grpc.NewServer(grpc.WaitForHandlers(true))}
	grpc_health_v1.RegisterHealthServer(one.server, one)
	go func() { _ = one.server.Serve(lis) }()
	t.Cleanup(one.server.Stop)
	b.all = append(b.all, one)
}

// Addresses is where the backends are.
func (b *Backends) Addresses() []string {
	var addresses []string
	for _, one := range b.all {
		addresses = append(addresses, one.address)
	}
	return addresses
}

// Calls is the calls that each backend got so far, in the order of Addresses.
func (b *Backends) Calls() []int64 { return b.counts() }

// Dial is a channel to what r says, in turn.
func (b *Backends) Dial(t testing.TB, r discovery.Registry, opts ...discovery.ResolverOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("churn:///backends",
		grpc.WithResolvers(discovery.Resolver("churn", r, opts...)),
		grpc.WithContextDialer(b.Dialer),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Run makes Rate calls a second by conn while change makes the endpoints the
// first backend, then all three, then the last two. It wants each change to be
// followed, calls to be even after it, and no call to fail. The backend that
// left is stopped at last: nobody may miss it.
func Run(t *testing.T, b *Backends, conn grpc.ClientConnInterface, change func(addresses []string)) {
	t.Helper()
	if len(b.all) != 3 {
		t.Fatalf("churntest: %d backends instead of 3", len(b.all))
	}
	change(b.Addresses()[:1])
	l := begin(t, conn)
	for _, want := range [][]int{{0}, {0, 1, 2}, {1, 2}} {
		var addresses []string
		for _, i := range want {
			addresses = append(addresses, b.all[i].address)
		}
		change(addresses)
		b.follow(t, l, want)
	}
	b.all[0].server.Stop()
	l.wait(Rate / 4)
	l.end()
	if calls, failed := l.begun.Load(), l.failed(); len(failed) > 0 {
		t.Errorf("%d of %d calls failed, the first with: %v", len(failed), calls, failed[0])
	}
}

// follow waits until calls go to the wanted backends and to no other, and then
// wants it to stay so, evenly.
func (b *Backends) follow(t *testing.T, l *load, want []int) {
	t.Helper()
	// Bounded by calls, not by time: a slow machine makes them slowly.
	for tries := 0; !exactly(b.during(l, Rate/10), want); tries++ {
		if tries == 600 || l.over() {
			l.end()
			failed := l.failed()
			t.Fatalf("calls never went to backends %v alone; %d calls failed, the first with: %v", want, len(failed), errors.Join(failed[:min(3, len(failed))]...))
		}
	}
	calls := b.during(l, Rate)
	if !exactly(calls, want) {
		t.Errorf("calls per backend %v: want backends %v alone", calls, want)
	}
	for _, i := range want {
		if mean := Rate / len(want); calls[i] < int64(mean)*3/4 {
			t.Errorf("calls per backend %v: want about %d for backend %d", calls, mean, i)
		}
	}
}

// during is the calls per backend while n are made.
func (b *Backends) during(l *load, n int64) []int64 {
	calls := b.counts()
	l.wait(n)
	for i, after := range b.counts() {
		calls[i] = after - calls[i]
	}
	return calls
}

func (b *Backends) counts() []int64 {
	var counts []int64
	for _, one := range b.all {
		counts = append(counts, one.calls.Load())
	}
	return counts
}

func exactly(calls []int64, want []int) bool {
	for i, n := range calls {
		if (n > 0) != slices.Contains(want, i) {
			return false
		}
	}
	return true
}

// load is calls at Rate, whatever becomes of them.
type load struct {
	begun, done atomic.Int64
	stop        context.CancelFunc
	stopped     context.Context
	all         sync.WaitGroup

	mu       sync.Mutex
	underWay map[int64]struct{} // by number, from 1
	errs     []error
}

func begin(t *testing.T, conn grpc.ClientConnInterface) *load {
	l := &load{underWay: map[int64]struct{}{}}
	l.stopped, l.stop = context.WithCancel(context.Background())
	client := grpc_health_v1.NewHealthClient(conn)
	l.all.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for start := time.Now(); l.stopped.Err() == nil; <-ticker.C {
			due := int64(time.Since(start) * Rate / time.Second)
			for l.begun.Load() < min(due, l.done.Load()+maxInFlight) {
				l.mu.Lock()
				number := l.begun.Add(1)
				l.underWay[number] = struct{}{}
				l.mu.Unlock()
				l.all.Go(func() { l.call(client, number) })
			}
		}
	})
	t.Cleanup(l.end)
	return l
}

func (l *load) call(client grpc_health_v1.HealthClient, number int64) {
	defer l.done.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.underWay, number)
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

func (l *load) failed() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errs)
}

// over is that so much fails that waiting longer is of no use.
func (l *load) over() bool { return len(l.failed()) > Rate }

// wait returns when all calls that have begun and n more are done. On a busy machine
// one that chose its backend long ago may still be on its way there when thousands of
// later ones are done: it would count for what comes after.
func (l *load) wait(n int64) {
	before := l.begun.Load()
	for goal := before + n; (l.done.Load() < goal || l.goesOn(before)) && l.stopped.Err() == nil; {
		time.Sleep(time.Millisecond)
	}
}

// goesOn is whether one of the first n calls is under way.
func (l *load) goesOn(n int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for number := range l.underWay {
		if number <= n {
			return true
		}
	}
	return false
}

// end stops the calls, and waits for those that have begun.
func (l *load) end() {
	l.stop()
	l.all.Wait()
}
