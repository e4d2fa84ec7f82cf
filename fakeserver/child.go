package fakeserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// maxToken is the longest token line, in bytes.
const maxToken = 1 << 10

// ServeChild is the main of a child process that holds a fleet. It reads the
// token, one line, from in, serves control on a loopback port, writes that
// address to out as one line, and serves until in is at its end (the parent is
// gone, however it went), ctx ends, or SIGTERM comes; all three are a clean
// end with a nil error. SIGINT is ignored: Ctrl-C is the parent's to handle.
// in is closed when it is an io.Closer.
func ServeChild(ctx context.Context, in io.Reader, out io.Writer) error {
	if c, ok := in.(io.Closer); ok {
		defer c.Close()
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt) // and never read
	defer signal.Stop(interrupts)

	lines := bufio.NewReaderSize(in, maxToken)
	line, err := lines.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("reading the token: %w", err)
	}
	// Only now: before, SIGTERM simply ends the process.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	fleet := NewFleet(strings.TrimSpace(string(line)), nil)
	defer fleet.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- fleet.ServeControl(listener) }()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		fleet.Close()
		return errors.Join(fmt.Errorf("writing the address: %w", err), <-served)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// An error is an end as good as EOF.
		_, _ = io.Copy(io.Discard, lines)
	}()
	select {
	case err := <-served:
		return err
	case <-ended:
	case <-ctx.Done():
	}
	fleet.Close()
	if err := <-served; !errors.Is(err, ErrClosed) { // the end may come before the beginning
		return err
	}
	return nil
}
