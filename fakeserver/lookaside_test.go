package fakeserver

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lbpb "google.golang.org/grpc/balancer/grpclb/grpc_lb_v1"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
)

// lists are the lists that the balancer told of, each with its time after t0.
func lists(t *testing.T, r *rig, t0 time.Time) <-chan string {
	t.Helper()
	stream, err := lbpb.NewLoadBalancerClient(dial(t, r.Lookaside(), r.network.Dial)).BalanceLoad(t.Context())
	must(t, err)
	must(t, stream.Send(&lbpb.LoadBalanceRequest{}))
	first, err := stream.Recv()
	must(t, err)
	if first.GetInitialResponse() == nil {
		t.Errorf("the first response is %v", first)
	}
	told := make(chan string, 100)
	go func() {
		for {
			out, err := stream.Recv()
			if err != nil {
				return
			}
			var entries []string
			for _, s := range out.GetServerList().GetServers() {
				entries = append(entries, s.LoadBalanceToken)
				if at := fmt.Sprintf("127.0.0.1:%d", s.Port); !s.Drop && !slices.Contains(r.addresses, Address{Name: s.LoadBalanceToken, Address: at}) {
					entries = append(entries, "which is not at "+at)
				}
			}
			told <- strings.Join(entries, " ") + time.Since(t0).Round(ms).String()
		}
	}()
	return told
}

// A balancer or control plane that would send each client to the client's own
// machine is none.
func TestSidesNeedAnAddress(t *testing.T) {
	for address, ok := range map[string]bool{"[::]:0": false, "0.0.0.0:0": false, "127.0.0.1:0": true, "10.0.0.5:0": true} {
		for name, config := range map[string]Config{
			"lookaside": {Backends: 2, Lookaside: &Lookaside{}},
			"xds":       {Backends: 2, XDS: &XDS{}},
			"neither":   {Backends: 2},
		} {
			n := memnet.New()
			f := NewFleet("secret", func(network, asked string) (net.Listener, error) {
				if strings.HasSuffix(asked, ":0") {
					asked = address
				}
				return n.Listen(network, asked)
			})
			_, err := f.Configure(config)
			if want := ok || name == "neither"; (err == nil) != want {
				t.Errorf("%s at %s: %v", name, address, err)
			}
			if err != nil && !strings.Contains(err.Error(), "must listen at one address") {
				t.Errorf("%s at %s: %v", name, address, err)
			}
			f.Close()
		}
	}
}

func TestLookaside(t *testing.T) {
	for _, c := range []struct {
		config Lookaside
		want   string
	}{
		{Lookaside{}, "b0 b1 b2"},
		{Lookaside{Backends: []int{0, 0, 2}}, "b0 b0 b2"},
		{Lookaside{Backends: []int{0, 0, 2}, Drops: 1}, "b0 b0 b2 drop"},
		{Lookaside{Drops: 3}, "b0 drop b1 drop b2 drop"},
		{Lookaside{Backends: []int{1}, Drops: 2}, "b1 drop drop"},
	} {
		t.Run(c.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{Backends: 3, Lookaside: &c.config})
				if got, want := <-lists(t, r, time.Now()), c.want+"0s"; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

// Changes are told of when their time comes, by the fleet's clock, and not before
// it is set; Reset goes back to the first list.
func TestRosterChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 3, Lookaside: &Lookaside{Backends: []int{0}, Changes: []RosterChange{
			{At: -sec, Backends: []int{0, 1}}, {At: 2 * sec, Backends: []int{1, 2}}}}})
		address := r.Lookaside()
		t0 := time.Now().Add(10 * sec)
		told := lists(t, r, t0)
		time.Sleep(5 * sec)
		r.Start(t0, false)
		time.Sleep(10 * sec) // the provisional clock stops short of 0
		t1 := time.Now()
		r.Start(t1, true)
		time.Sleep(3 * sec)
		synctest.Wait()
		var got []string
		for len(told) > 0 {
			got = append(got, <-told)
		}
		if want := []string{"b0-10s", "b0 b1-1s", "b1 b27s"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		must(t, r.Reset(1, 0))
		if got := <-lists(t, r, time.Now()); got != "b00s" || r.Lookaside() != address {
			t.Errorf("after Reset at %s: %s", r.Lookaside(), got)
		}
		_, err := r.Configure(Config{Backends: 1})
		must(t, err)
		if r.Lookaside() != "" {
			t.Errorf("a fleet without one has it at %s", r.Lookaside())
		}
		if _, err := r.network.Dial(t.Context(), address); err == nil {
			t.Error("the old balancer listens")
		}
	})
}

// The address crosses with the control protocol.
func TestLookasideOverControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, _ := controlled(t, "secret")
		c, err := DialControl(address, "secret", n.Dial)
		must(t, err)
		defer c.Close()
		for _, config := range []Config{{Backends: 1, Lookaside: &Lookaside{}}, {Backends: 1}} {
			_, err = c.Configure(t.Context(), config)
			must(t, err)
			if c.Lookaside() != f.Lookaside() || (c.Lookaside() == "") != (config.Lookaside == nil) {
				t.Errorf("control says %q, the fleet %q", c.Lookaside(), f.Lookaside())
			}
		}
	})
}

func TestValidateLookaside(t *testing.T) {
	for _, c := range []struct {
		config Lookaside
		want   string
	}{
		{Lookaside{Backends: []int{0, 2}, Drops: -1},
			"lookaside.backends[1]: must be from 0 to 1 (got 2)\nlookaside.drops: must be from 0 to 10000 (got -1)"},
		{Lookaside{Changes: []RosterChange{{At: sec, Backends: []int{1}}, {At: sec}}},
			"lookaside.changes[1].at: must be after 1s, when the change before it is (got 1s)\nlookaside.changes[1].backends: must name a backend"},
	} {
		if got := render((Config{Backends: 2, Lookaside: &c.config}).Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got, want := render((Config{Backends: 1, LoadReport: &LoadReport{Window: ms}}).Validate()), "load_report.window: must be at least 10ms (got 1ms)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
