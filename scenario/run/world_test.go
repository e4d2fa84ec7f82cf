package run_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// world is an in-memory network in a bubble of virtual time.
type world struct {
	*testing.T
	net *memnet.Network
}

// inWorld runs f in virtual time; the bubble proves that no goroutine is left.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(&world{T: t, net: memnet.New()}) })
}

func (w *world) deps() run.Deps {
	return run.Deps{
		Listen: w.net.Listen,
		Dial:   func(ctx context.Context, address string) (net.Conn, error) { return w.net.Dial(ctx, address) },
	}
}

// plan reads a scenario written in the test.
func (w *world) plan(format string, args ...any) *scenario.Plan {
	w.Helper()
	plan, err := scenario.Read("test.yaml", fmt.Appendf(nil, format, args...), scenario.Options{})
	if err != nil {
		w.Fatal(err)
	}
	return plan
}

// run carries the plan out.
func (w *world) run(plan *scenario.Plan) *result.Result {
	w.Helper()
	r, err := run.Run(w.Context(), plan, w.deps(), run.Options{Version: "test"})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// serve runs a UserService that is not the fleet's, at an address of its own.
func (w *world) serve(address string, service userpb.UserServiceServer, opts ...grpc.ServerOption) {
	w.Helper()
	w.stoppable(address, service, opts...)
}

// stoppable is serve, and stops what it serves.
func (w *world) stoppable(address string, service userpb.UserServiceServer, opts ...grpc.ServerOption) (stop func()) {
	w.Helper()
	listener, err := w.net.Listen("tcp", address)
	if err != nil {
		w.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	userpb.RegisterUserServiceServer(server, service)
	reflection.Register(server)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	stop = func() { server.Stop(); <-done }
	w.Cleanup(stop)
	return stop
}

// mustBeExact fails the test when a trial's books are not.
func mustBeExact(t *testing.T, r *result.Result) {
	t.Helper()
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			for _, reason := range trial.Validity.Reasons {
				t.Errorf("%s, trial %d: %s: %s", v.Name, trial.Index, reason.Code, reason.Detail)
			}
			for i := range trial.Series {
				if err := trial.Series[i].Check(); err != nil {
					t.Errorf("%s, trial %d: %s: %v", v.Name, trial.Index, trial.Series[i].Name, err)
				}
			}
		}
	}
}

// received sums the fleet's attempts over its backends.
func received(t result.Trial) int64 {
	var n int64
	for _, b := range t.Fleet.Backends {
		for _, m := range b.Attempts {
			n += m
		}
	}
	return n
}
