// Package memnet is a network in memory. gRPC over it runs inside
// testing/synctest, where a socket would keep virtual time from advancing.
package memnet

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc/test/bufconn"
)

// window is the bytes that one direction of a connection holds before Write
// blocks.
const window = 256 << 10

// Network is one network of its own: addresses of different ones do not meet.
// The zero Network is not usable. Safe for concurrent use.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*listener
	listened  int
	dialled   int
}

// New makes an empty network.
func New() *Network {
	return &Network{listeners: map[string]*listener{}}
}

// Listen listens at address, which must be free, or at a fresh one: mem:1,
// mem:2, … when address is "", and with the host that is asked for, as
// 127.0.0.1:1, when it ends in ":0". network is not looked at.
// Closing the listener frees the address and leaves accepted connections open.
func (n *Network) Listen(_, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, fresh := strings.CutSuffix(address, ":0"); fresh || address == "" {
		n.listened++
		address = fmt.Sprintf("%s:%d", cmp.Or(host, "mem"), n.listened)
	}
	if n.listeners[address] != nil {
		return nil, failure("listen", addr(address), "bind", syscall.EADDRINUSE)
	}
	l := &listener{Listener: bufconn.Listen(window), network: n, addr: addr(address)}
	n.listeners[address] = l
	return l, nil
}

// Dial connects to address. Its error wraps syscall.ECONNREFUSED when nobody
// listens there, and is ctx.Err() when ctx ended first.
func (n *Network) Dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.dialled++
	from := addr(fmt.Sprintf("mem:client:%d", n.dialled))
	n.mu.Unlock()
	if l == nil {
		return nil, failure("dial", addr(address), "connect", syscall.ECONNREFUSED)
	}
	c, err := l.dial(ctx, from)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, failure("dial", l.addr, "connect", syscall.ECONNREFUSED)
	}
	return c, nil
}

func failure(op string, at addr, call string, err error) error {
	return &net.OpError{Op: op, Net: at.Network(), Addr: at, Err: os.NewSyscallError(call, err)}
}

// addr is an address of the network.
type addr string

func (addr) Network() string  { return "mem" }
func (a addr) String() string { return string(a) }
