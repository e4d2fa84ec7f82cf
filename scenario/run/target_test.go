package run_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

// counting answers at once, and counts.
type counting struct {
	userpb.UnimplementedUserServiceServer
	calls atomic.Int64
}

func (c *counting) GetUser(_ context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	c.calls.Add(1)
	return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
}

const targetScenario = `
name: target
target: %s
client: {count: 2, pool: {size: 2}, balance: round_robin, retry: none}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 200/s}]
trials: 1
warmup: 0s
measure: 10s
`

// TestStaticTarget calls all addresses of the target's text.
func TestStaticTarget(t *testing.T) {
	inWorld(t, func(w *world) {
		var a, b counting
		w.serve("a:1", &a)
		w.serve("b:2", &b)
		r := w.run(w.plan(targetScenario, "static:///a:1,b:2"))
		mustBeExact(t, r)
		if a, b := a.calls.Load(), b.calls.Load(); a+b != 2000 || a < 950 || b < 950 {
			t.Errorf("%d and %d calls, want 2000, half each", a, b)
		}
	})
}

// TestFileTarget replaces the target's file during the run: calls follow, and
// none fails.
func TestFileTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	place := func(text string) {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	inWorld(t, func(w *world) {
		var a, b counting
		w.serve("a:1", &a)
		w.serve("b:2", &b)
		place("a:1\n")
		time.AfterFunc(5*time.Second, func() { place("b:2\n") })
		r := w.run(w.plan(targetScenario, "file://"+path+"?every=100ms"))
		mustBeExact(t, r)
		if series := r.Variants[0].Trials[0].Series[0]; series.OK() != 2000 {
			t.Errorf("%d calls OK, want 2000", series.OK())
		}
		// The change is at 5 s and seen within 100 ms: 1000 to 1020 calls before it.
		if a, b := a.calls.Load(), b.calls.Load(); a < 990 || a > 1030 || a+b != 2000 {
			t.Errorf("%d calls before the change and %d after it, want about 1000 each", a, b)
		}
	})
}

// TestTargetEnvironment: what the environment has wrong is told before any call.
func TestTargetEnvironment(t *testing.T) {
	t.Setenv("ETCDCTL_CACERT", filepath.Join(t.TempDir(), "none.pem"))
	inWorld(t, func(w *world) {
		_, err := run.Run(w.Context(), w.plan(targetScenario, "etcd://127.0.0.1:2379/users"), w.deps(), run.Options{Version: "test"})
		if err == nil || !strings.Contains(err.Error(), "ETCDCTL_CACERT") {
			t.Errorf("error %v, want one that names ETCDCTL_CACERT", err)
		}
	})
}

// TestTargetDies: a server that is gone in the middle of a run is a finding, not an
// error of the run: its calls failed, each is accounted for, and the result says
// that nobody was there when it ended.
func TestTargetDies(t *testing.T) {
	inWorld(t, func(w *world) {
		stop := w.stoppable("a:1", &counting{})
		time.AfterFunc(2*time.Second+time.Millisecond, stop)
		r := w.run(w.plan(`
target: passthrough:///a:1
client: {pool: {size: 1}, retry: none, connect: {base: 1s, max: 1s}}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 1s
measure: 3s
`))
		trial := r.Variants[0].Trials[0]
		s := trial.Series[0]
		if err := s.Check(); err != nil || s.Calls != 300 || s.OK() != 101 || s.Codes["UNAVAILABLE"] != 199 {
			t.Errorf("%v, %d calls, %v", err, s.Calls, s.Codes)
		}
		if s.Origins[result.OriginTransport]+s.Origins[result.OriginBalancer]+s.Origins[result.OriginPool] != 199 {
			t.Errorf("%v", s.Origins)
		}
		v := trial.Validity
		if r.Partial || v.Verdict != result.Suspect || len(v.Reasons) != 1 || v.Reasons[0].Code != "target_lost" || v.Reasons[0].Figure != 2 {
			t.Errorf("partial %v, %+v", r.Partial, v)
		}
	})
}
