package fakeserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// grace is how long a child may take to end when told to.
const grace = 3 * time.Second

// Process is a child process that holds a fleet. Safe for concurrent use.
type Process struct {
	address, token string

	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
	err   error // of Wait; read after done
	once  sync.Once
}

// Spawn starts cmd, whose main must be ServeChild on its standard input and
// output, and waits until it serves or ctx ends. cmd must not be started;
// Spawn sets its Stdin, Stdout and process group, and leaves its Stderr alone.
//
// The child ends when its standard input does, so it outlives this process by
// no more than a moment, however this process ends. It is in a process group
// of its own, where Ctrl-C does not reach it.
func Spawn(ctx context.Context, cmd *exec.Cmd) (*Process, error) {
	t, err := NewToken()
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("fleet process: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		_ = stdin.Close() // never used
		return nil, fmt.Errorf("fleet process: %w", err)
	}
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("fleet process: %w", err)
	}
	p := &Process{token: t, cmd: cmd, stdin: stdin, done: make(chan struct{})}
	addresses := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n') // "" is how the child fails
		addresses <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, lines)
		// Wait closes stdout, so it comes after the reading.
		p.err = cmd.Wait()
		close(p.done)
	}()
	_, err = io.WriteString(stdin, t+"\n")
	if err == nil {
		select {
		case p.address = <-addresses:
			if p.address != "" {
				return p, nil
			}
			err = errors.New("ended before it served")
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	_ = cmd.Process.Kill() // it may be gone already
	if end := p.Close(); end != nil {
		return nil, fmt.Errorf("fleet process: %w (%v)", err, end)
	}
	return nil, fmt.Errorf("fleet process: %w", err)
}

// Address is where the child serves control.
func (p *Process) Address() string { return p.address }

// Token is what its control service asks for.
func (p *Process) Token() string { return p.token }

// Done is closed when the child has ended and left nothing behind.
func (p *Process) Done() <-chan struct{} { return p.done }

// Close tells the child to end and waits for it; one that does not is killed.
// The error is that of the child's end, nil for a clean one. It may be called
// more than once.
func (p *Process) Close() error {
	p.once.Do(func() {
		_ = p.stdin.Close() // the child may be gone already
		select {
		case <-p.done:
		case <-time.After(grace):
			_ = p.cmd.Process.Kill() // likewise
		}
	})
	<-p.done
	return p.err
}
