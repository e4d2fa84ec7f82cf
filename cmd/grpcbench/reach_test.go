package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

const deadTarget = `
name: dead
target: passthrough:///users:1
client: {retry: none}
load: [{call: GetUser, rate: 100/s}]
warmup: 0s
measure: 1s
`

// TestUnreachableTarget: who calls nobody learns of it before the run, and no
// folder is made for a result.
func TestUnreachableTarget(t *testing.T) {
	file := write(t, "dead.yaml", deadTarget)
	for _, args := range [][]string{{"run", file}, {"capacity", file, "--slo", "p99 < 20ms"}} {
		t.Chdir(t.TempDir())
		code, stdout, stderr := inVirtualTime(t, args...)
		want := "grpcbench: cannot reach passthrough:///users:1: "
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) || !strings.HasSuffix(stderr, "refused (tried for 5s)\n") {
			t.Errorf("%s: code %d, stdout %q, stderr %q; want %q", args[0], code, stdout, stderr, want)
		}
		if left, _ := os.ReadDir("."); len(left) > 0 {
			t.Errorf("%s left %v behind", args[0], left)
		}
	}
}

// TestTargetThatDiesSaysWhy: a server that goes away during the run is a finding,
// and the table says at any width what every call met.
func TestTargetThatDiesSaysWhy(t *testing.T) {
	file := write(t, "dead.yaml", deadTarget)
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		l, err := network.Listen("tcp", "users:1")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		userpb.RegisterUserServiceServer(server, userpb.UnimplementedUserServiceServer{})
		go func() { _ = server.Serve(l) }()
		time.AfterFunc(time.Nanosecond, server.Stop)
		var out, errs bytes.Buffer
		code := runWith(t.Context(), []string{"run", file, "--out", t.TempDir()}, &out, &errs, deps{
			Dial: func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) },
		})
		if code != exitOK {
			t.Errorf("exit code %d: %s", code, errs.String())
		}
		for _, want := range []string{"0.00 % of calls in SLO", "commonest error", "UNAVAILABLE (", "refused"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the table lacks %q:\n%s", want, out.String())
			}
		}
	})
}

// TestInterruptedWhileConnecting ends with 130, as ever.
func TestInterruptedWhileConnecting(t *testing.T) {
	file := write(t, "dead.yaml", deadTarget)
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var out, errs bytes.Buffer
		code := runWith(ctx, []string{"run", file}, &out, &errs, deps{
			Dial: func(ctx context.Context, address string) (net.Conn, error) { return memnet.New().Dial(ctx, address) },
		})
		if code != exitInterrupted || !strings.Contains(errs.String(), "interrupted before the first call") {
			t.Errorf("exit code %d: %s", code, errs.String())
		}
	})
}
