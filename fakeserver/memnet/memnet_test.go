package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
)

func TestAddresses(t *testing.T) {
	n := memnet.New()
	a := listen(t, n, "")
	b := listen(t, n, "127.0.0.1:0")
	if a.Addr().String() != "mem:1" || b.Addr().String() != "127.0.0.1:2" || a.Addr().Network() != "mem" {
		t.Errorf("addresses %v, %v", a.Addr(), b.Addr())
	}
	listen(t, n, "named")
	if _, err := n.Listen("tcp", "named"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second listener: %v", err)
	}
}

func TestConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l := listen(t, n, "")
		client, server := connect(t, n, l)
		if client.RemoteAddr() != l.Addr() || server.LocalAddr() != l.Addr() {
			t.Errorf("addresses %v and %v, want %v", client.RemoteAddr(), server.LocalAddr(), l.Addr())
		}
		// Closing the listener leaves the connection alone.
		must(t, l.Close())
		must(t, l.Close())
		_, err := client.Write([]byte("hello"))
		must(t, err)
		got := make([]byte, 5)
		_, err = io.ReadFull(server, got)
		must(t, err)
		if string(got) != "hello" {
			t.Errorf("read %q", got)
		}
		must(t, client.Close())
		if _, err := server.Read(got); err != io.EOF {
			t.Errorf("read from a closed connection: %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		refused := func(when, address string) {
			t.Helper()
			_, err := n.Dial(t.Context(), address)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: %v", when, err)
			}
		}
		refused("nobody listens", "mem:1")
		l := listen(t, n, "")
		// Nobody accepts: a dial waits until the listener closes.
		go func() {
			time.Sleep(time.Second)
			l.Close()
		}()
		refused("closed while dialling", l.Addr().String())
		refused("closed", l.Addr().String())
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		// The address is free again, and the old listener's second Close does
		// not take it from the new one.
		again := listen(t, n, l.Addr().String())
		must(t, l.Close())
		connect(t, n, again)
	})
}

func TestDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		l := listen(t, n, "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, l.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial: %v", err)
		}
	})
}

func listen(t *testing.T, n *memnet.Network, address string) net.Listener {
	t.Helper()
	l, err := n.Listen("tcp", address)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func connect(t *testing.T, n *memnet.Network, l net.Listener) (client, server net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := n.Dial(t.Context(), l.Addr().String())
	must(t, err)
	server = <-accepted
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
