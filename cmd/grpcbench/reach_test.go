package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

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

// TestExpiredCertificate is told before the run, by every command, in one sentence.
func TestExpiredCertificate(t *testing.T) {
	dir := t.TempDir()
	pair := selfSignedFor(t, dir, -time.Minute)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOwn(t, l, true, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}})))
	target := l.Addr().String()
	file := filepath.Join(dir, "expired.yaml")
	text := "target: " + target + "\nclient: {tls: {ca: self.pem, server_name: localhost}}\nload: [{call: GetUser, rate: 10/s}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--target", target, "--cacert", filepath.Join(dir, "self.pem"), "--servername", "localhost"}
	method := []string{"--call", "user.v1.UserService/GetUser"}
	for _, args := range [][]string{
		{"run", file},
		append(append([]string{"run", "--rate", "10/s"}, flags...), method...),
		append(append([]string{"call"}, flags...), method...),
		append([]string{"services"}, flags...),
	} {
		t.Chdir(t.TempDir())
		code, stdout, stderr := command(t, args...)
		want := "grpcbench: cannot reach " + target + ": its certificate for localhost expired at "
		if code != exitUsage || stdout != "" || !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: code %d, stdout %q, stderr %q; want %q", args[0], code, stdout, stderr, want)
		}
		if left, _ := os.ReadDir("."); len(left) > 0 {
			t.Errorf("%s left %v behind", args[0], left)
		}
	}
}
