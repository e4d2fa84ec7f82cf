//go:build unix

package fakeserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// roleKey is the environment variable that makes the test binary play a part.
const roleKey = "GRPCBENCH_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleKey) {
	case "":
		goleak.VerifyTestMain(m)
	case "child":
		if err := ServeChild(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "parent": // spawns a child, says its pid, and waits to be killed
		p, err := Spawn(context.Background(), role("child"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p.cmd.Process.Pid)
		<-p.Done()
	case "mute": // a child that never serves, and does not end by itself
		select {}
	}
}

func role(name string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleKey+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestSpawn(t *testing.T) {
	p, err := Spawn(t.Context(), role("child"))
	must(t, err)
	defer p.Close()
	c, err := DialControl(p.Address(), p.Token(), nil)
	must(t, err)
	defer c.Close()
	addresses, err := c.Configure(t.Context(), Config{Backends: 2, ServiceTime: fixed(ms)})
	must(t, err)
	must(t, c.Reset(t.Context(), 1, 0))
	must(t, c.Start(t.Context(), time.Now(), true))
	client := userpb.NewUserServiceClient(dial(t, addresses[1].Address, nil))
	must(t, get(t.Context(), client, "x", ""))
	s, err := c.Snapshot(t.Context())
	must(t, err)
	if b := s.Backends[1]; b.Codes["OK"] != 1 || b.Asked != ms || b.Actual < ms {
		t.Errorf("%+v", b)
	}
	group, err := syscall.Getpgid(p.cmd.Process.Pid)
	must(t, err)
	if group == syscall.Getpgrp() {
		t.Error("the child is in our process group: Ctrl-C would reach it")
	}
	// An interrupt is not for the child.
	must(t, p.cmd.Process.Signal(os.Interrupt))
	must(t, get(t.Context(), client, "x", ""))
	must(t, p.Close())
	must(t, p.Close())
	select {
	case <-p.Done():
	default:
		t.Error("Done is open after Close")
	}
	_, err = c.Snapshot(t.Context())
	wantCode(t, "control of a fleet that ended", err, codes.Unavailable)
}

func TestChildEndsCleanlyOnSIGTERM(t *testing.T) {
	p, err := Spawn(t.Context(), role("child"))
	must(t, err)
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.Done()
	must(t, p.Close())
}

func TestDoneWhenTheChildIsKilled(t *testing.T) {
	p, err := Spawn(t.Context(), role("child"))
	must(t, err)
	must(t, p.cmd.Process.Kill())
	<-p.Done()
	if err := p.Close(); err == nil {
		t.Error("Close hides that the child was killed")
	}
}

func TestSpawnFails(t *testing.T) {
	if _, err := Spawn(t.Context(), exec.Command("/nonexistent/fleet")); err == nil {
		t.Error("a command that does not exist was spawned")
	}
	if p, err := Spawn(t.Context(), exec.Command("true")); err == nil {
		t.Errorf("a child that ends at once was spawned: %v", p.Address())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
	defer cancel()
	if _, err := Spawn(ctx, role("mute")); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("a child that never serves: %v", err)
	}
}

// kill -9 of the process that spawned a fleet leaves no fleet behind.
func TestNothingIsLeftAfterKill9(t *testing.T) {
	parent := role("parent")
	stdout, err := parent.StdoutPipe()
	must(t, err)
	must(t, parent.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	must(t, syscall.Kill(child, 0))
	must(t, parent.Process.Kill())
	_ = parent.Wait() // it was killed
	t.Cleanup(func() {
		if alive(child) {
			_ = syscall.Kill(child, syscall.SIGKILL)
		}
	})
	eventually(t, "the child ends", func() bool { return !alive(child) })
}

// alive reports whether a process runs; one that ended but that nobody waited
// for (there may be no init here to do it) does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

// ServeChild in this process: ends with its input, and says so when it cannot
// begin.
func TestServeChild(t *testing.T) {
	in, parentOut := io.Pipe()
	parentIn, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- ServeChild(t.Context(), in, out) }()
	_, err := io.WriteString(parentOut, "secret\n")
	must(t, err)
	address, err := bufio.NewReader(parentIn).ReadString('\n')
	must(t, err)
	c, err := DialControl(strings.TrimSpace(address), "secret", nil)
	must(t, err)
	defer c.Close()
	_, err = c.Configure(t.Context(), Default())
	must(t, err)
	must(t, parentOut.Close())
	must(t, <-ended)
	if err := ServeChild(t.Context(), strings.NewReader(""), io.Discard); err == nil {
		t.Error("a child without a token served")
	}
	if err := ServeChild(t.Context(), strings.NewReader(strings.Repeat("x", 2*maxToken)), io.Discard); err == nil {
		t.Error("a child with an endless token served")
	}
}
