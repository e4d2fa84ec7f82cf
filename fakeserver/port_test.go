//go:build unix

package fakeserver

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// On real TCP: while down, connections are refused and open ones were reset;
// the port stays the backend's; afterwards it listens there again.
func TestDownOnTCP(t *testing.T) {
	f := NewFleet("", nil)
	defer f.Close()
	addresses, err := f.Configure(Config{Backends: 1, Faults: []fault.Rule{{Inject: down()}}})
	must(t, err)
	address := addresses[0].Address
	client := userpb.NewUserServiceClient(dial(t, address, nil))
	must(t, get(t.Context(), client, "x", ""))
	silent, err := net.Dial("tcp", address)
	must(t, err)
	defer silent.Close()
	eventually(t, "two connections", func() bool { return f.Snapshot().Backends[0].ConnectionsOpen == 2 })

	f.Start(time.Now(), true)
	eventually(t, "refused", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	must(t, silent.SetReadDeadline(time.Now().Add(2*time.Minute)))
	if err := drain(silent); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the open connection: %v, want a reset", err)
	}
	if l, err := net.Listen("tcp", address); err == nil {
		l.Close()
		t.Error("somebody else could take the port")
	}
	// The clock is not set after Reset: the backend is back, on its address.
	must(t, f.Reset(1, 0))
	_, err = client.GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.WaitForReady(true))
	must(t, err)
	if got := f.Snapshot().Backends[0]; got.Address != address || got.Codes["OK"] != 1 {
		t.Errorf("%+v", got)
	}
}

// A window that ends opens the port again, without a Reset.
func TestUpAgainOnTCP(t *testing.T) {
	f := NewFleet("", nil)
	defer f.Close()
	addresses, err := f.Configure(Config{Backends: 1, Faults: []fault.Rule{{For: 50 * ms, Inject: down()}}})
	must(t, err)
	client := userpb.NewUserServiceClient(dial(t, addresses[0].Address, nil))
	must(t, get(t.Context(), client, "x", ""))
	t0 := time.Now()
	f.Start(t0, true)
	eventually(t, "down", func() bool { return f.Snapshot().Backends[0].Faults["down"] == 1 })
	_, err = client.GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.WaitForReady(true))
	for err != nil { // sent before the reset, it has failed
		_, err = client.GetUser(t.Context(), &userpb.GetUserRequest{}, grpc.WaitForReady(true))
	}
	if since := time.Since(t0); since < 50*ms {
		t.Errorf("served %v after the window began", since)
	}
}

// drain reads until an error, which it returns.
func drain(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	return err
}

// eventually polls until it is so, or until minutes have gone, which only a broken
// program takes.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick, late := time.NewTicker(ms), time.After(2*time.Minute)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}
