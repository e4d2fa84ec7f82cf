//go:build unix

package fakeserver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// Two runs with one seed make the same decisions, call by call, whatever the
// order of the calls and wherever the fleet runs.
func TestSameDecisionsEverywhere(t *testing.T) {
	p, err := Spawn(t.Context(), role("child"))
	must(t, err)
	defer p.Close()
	control, err := DialControl(p.Address(), p.Token(), nil)
	must(t, err)
	defer control.Close()
	addresses, err := control.Configure(t.Context(), undecided())
	must(t, err)
	there := &fleet{
		reset:    func(seed uint64, block uint32) error { return control.Reset(t.Context(), seed, block) },
		start:    func() error { return control.Start(t.Context(), time.Now().Add(-time.Second), true) },
		snapshot: func() (Snapshot, error) { return control.Snapshot(t.Context()) },
		clients:  clientsOf(t, addresses, nil),
	}
	here := inProcess(t, undecided())
	order := rand.New(rand.NewPCG(1, 2))
	want, counts := here.decided(t, 5, order)
	met := map[string]int{}
	for _, fate := range want {
		met[fate]++
	}
	for _, fate := range []string{"OK 1", "OK 3", "Unavailable 0", "Aborted 0", "DataLoss 0", "Canceled 0", "OutOfRange 1", "OutOfRange 2"} {
		if met[fate] < 5 {
			t.Errorf("%d attempts ended %s: nothing to compare", met[fate], fate)
		}
	}
	for where, f := range map[string]*fleet{"in process, again": here, "in another process": there} {
		got, gotCounts := f.decided(t, 5, order)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", where, d)
		}
		if d := cmp.Diff(counts, gotCounts); d != "" {
			t.Errorf("counted %s (-want +got):\n%s", where, d)
		}
	}
	if got, _ := there.decided(t, 6, order); cmp.Equal(want, got) {
		t.Error("another seed: the same decisions")
	}
}
