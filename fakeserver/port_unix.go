//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package fakeserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// reserve finds a free loopback port and keeps it with a socket that is bound
// but does not listen: connections are refused, other processes cannot bind
// it, and listenReserved can.
func reserve() (address string, release func(), err error) {
	// As the net package does: no child may inherit the socket in between.
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", nil, os.NewSyscallError("socket", err)
	}
	release = func() { _ = unix.Close(fd) }
	fail := func(call string, err error) (string, func(), error) {
		release()
		return "", nil, os.NewSyscallError(call, err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return fail("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return fail("bind", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return fail("getsockname", err)
	}
	inet, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return fail("getsockname", fmt.Errorf("unexpected address %T", name))
	}
	return fmt.Sprintf("127.0.0.1:%d", inet.Port), release, nil
}

// listenReserved listens at an address that reserve keeps.
func listenReserved(network, address string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
		})
		if err != nil {
			return err
		}
		return set
	}}
	return config.Listen(context.Background(), network, address)
}
