package fakeserver

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/controlpb"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// controlled is a fleet that serves control on a network in memory.
func controlled(t *testing.T, token string) (f *Fleet, n *memnet.Network, address string, served <-chan error) {
	t.Helper()
	n = memnet.New()
	f = NewFleet(token, n.Listen)
	t.Cleanup(f.Close)
	l, err := n.Listen("tcp", "control")
	must(t, err)
	ends := make(chan error, 1)
	go func() { ends <- f.ServeControl(l) }()
	return f, n, "control", ends
}

func TestControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, served := controlled(t, "secret")
		c, err := DialControl(address, "secret", n.Dial)
		must(t, err)
		defer c.Close()
		ctx := t.Context()
		addresses, err := c.Configure(ctx, Config{Backends: 2, ServiceTime: fixed(ms), Faults: []fault.Rule{{At: sec, Inject: unavailable()}}})
		must(t, err)
		if d := cmp.Diff([]Address{{Name: "b0", Address: "127.0.0.1:1"}, {Name: "b1", Address: "127.0.0.1:2"}}, addresses); d != "" {
			t.Error(d)
		}
		must(t, c.Reset(ctx, 1, 2))
		t0 := time.Now().Add(ms)
		must(t, c.Start(ctx, t0, true))
		client := userpb.NewUserServiceClient(dial(t, addresses[1].Address, n.Dial))
		must(t, get(ctx, client, "x", ""))
		sleepTo(t0, sec-1)
		must(t, get(ctx, client, "x", ""))
		sleepTo(t0, sec+2*ms)
		wantCode(t, "in the window", get(ctx, client, "x", ""), codes.Unavailable)
		s, err := c.Snapshot(ctx)
		must(t, err)
		if d := cmp.Diff(f.Snapshot(), s); d != "" {
			t.Error(d)
		}
		if s.Backends[1].Codes["UNAVAILABLE"] != 1 || s.Backends[1].Codes["OK"] != 2 {
			t.Errorf("%+v", s)
		}

		var field interface{ Field() string }
		if _, err := c.Configure(ctx, Config{}); !errors.As(err, &field) || field.Field() != "backends" {
			t.Errorf("an invalid configuration: %v", err)
		}
		_, err = c.client.Configure(ctx, &controlpb.ConfigureRequest{Config: []byte(`{"Backends": 1, "Novelty": 2}`)})
		wantCode(t, "a setting of a newer client", err, codes.InvalidArgument)
		_, err = c.client.Configure(ctx, &controlpb.ConfigureRequest{Config: []byte(`{"Backends": 0}`)})
		wantCode(t, "an invalid configuration from elsewhere", err, codes.InvalidArgument)

		f.Close()
		if err := <-served; err != nil {
			t.Errorf("ServeControl: %v", err)
		}
		_, err = c.Snapshot(ctx)
		wantCode(t, "a fleet that is gone", err, codes.Unavailable)
	})
}

func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ fleet, client string }{{"secret", ""}, {"secret", "secreT"}, {"secret", "secret2"}, {"", ""}} {
			f, n, address, _ := controlled(t, c.fleet)
			control, err := DialControl(address, c.client, n.Dial)
			must(t, err)
			_, err = control.Configure(t.Context(), Default())
			wantCode(t, c.client, err, codes.Unauthenticated)
			if len(f.Snapshot().Backends) != 0 {
				t.Errorf("%q configured a fleet of %q", c.client, c.fleet)
			}
			must(t, control.Close())
		}
		a, err := NewToken()
		must(t, err)
		b, err := NewToken()
		must(t, err)
		if len(a) != 32 || a == b {
			t.Errorf("tokens %q and %q", a, b)
		}
	})
}

// A control connection that never says a word must not hold Close up.
func TestCloseWithASilentConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, n, address, _ := controlled(t, "secret")
		addresses, err := f.Configure(Default())
		must(t, err)
		for _, a := range []string{address, addresses[0].Address} {
			c, err := n.Dial(t.Context(), a)
			must(t, err)
			defer c.Close()
		}
		synctest.Wait()
		took(t, "Reset", 0, func() { must(t, f.Reset(0, 0)) })
		took(t, "Close", 0, f.Close)
	})
}
