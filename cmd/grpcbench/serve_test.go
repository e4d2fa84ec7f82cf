package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// TestServeServesTheFleet calls each backend of a fleet that serves alone, on
// real TCP.
func TestServeServesTheFleet(t *testing.T) {
	file := write(t, "alone.yaml", `
name: alone
fleet:
  backends: 2
  faults: [{where: {backends: [1]}, inject: {status: {code: ABORTED, message: as told}}}]
load: [{call: GetUser, rate: 1/s}]
`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- runWith(ctx, []string{"serve", file, "--port", "0"}, writer, &stderr, deps{})
		_ = writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	for _, want := range []struct {
		name string
		code codes.Code
	}{{"b0", codes.OK}, {"b1", codes.Aborted}} {
		if !lines.Scan() {
			cancel()
			t.Fatalf("exit code %d: %s", <-code, stderr.String())
		}
		name, address, _ := strings.Cut(lines.Text(), " ")
		if name != want.name {
			t.Errorf("backend %q, want %q", name, want.name)
		}
		config := clientcore.Default()
		config.Retry.Off = true
		client, err := clientcore.New(config, clientcore.WithTarget(address))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		reply, err := userpb.NewUserServiceClient(client).GetUser(ctx, &userpb.GetUserRequest{UserId: "user-7", ResponseBytes: 100})
		if status.Code(err) != want.code {
			t.Errorf("%s: %v, want %v", name, err, want.code)
		}
		if err == nil && (reply.GetUser().GetId() != "user-7" || len(reply.GetUser().GetPayload()) != 100) {
			t.Errorf("%s: %v", name, reply)
		}
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
	for _, want := range []string{"b0: 1 attempt, OK 1", "b1: 1 attempt, ABORTED 1"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, stderr.String())
		}
	}
}

// Whoever is to use the fleet is told where everything listens, the servers that
// tell of its backends included.
func TestServeSaysWhereEverythingIs(t *testing.T) {
	s := serve(t, write(t, "sides.yaml", "fleet: {backends: 1, lookaside: {}, xds: {}}\n"), "--port", "0")
	s.end()
	var names []string
	for len(s.backends) > 0 {
		name, address, _ := strings.Cut(<-s.backends, " ")
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("%s is at %q", name, address)
		}
		names = append(names, name)
	}
	if want := []string{"b0", "lookaside", "xds"}; !slices.Equal(names, want) {
		t.Errorf("it tells of %q, want %q", names, want)
	}
}

// Where variants differ in their fleet, serve says whose it is.
func TestServeSaysWhoseFleetItIs(t *testing.T) {
	file := write(t, "differ.yaml", `
name: differ
fleet: {backends: 2}
load: [{call: GetUser, rate: 1/s}]
compare:
  fleet.backends: [1, 2]
  client.pool.size: [1, 2]
`)
	for want, args := range map[string][]string{
		"serving differ, the fleet of fleet.backends=1,pool.size=1 (--only serves another variant's);": nil,
		"serving differ;": {"--only", "fleet.backends=2"},
	} {
		_, stderr := serve(t, append([]string{file, "--port", "0"}, args...)...).end()
		if !strings.Contains(stderr, want) {
			t.Errorf("%v: want %q in\n%s", args, want, stderr)
		}
	}
}

// A fleet that is on other machines is not served here without a word.
func TestServeOfARemoteFleetWarns(t *testing.T) {
	file := write(t, "remote.yaml", "fleet: {backends: 2, remote: [localhost:7000], token: '${T}'}\n")
	_, stderr := serve(t, file, "--port", "0").end()
	if want := "remote.yaml: warning: fleet.remote: "; !strings.Contains(stderr, want) {
		t.Errorf("want %q in\n%s", want, stderr)
	}
	if _, stderr := serve(t, smallScenario(t), "--port", "0").end(); strings.Contains(stderr, "warning") {
		t.Errorf("a warning for nothing:\n%s", stderr)
	}
}

func TestServeNeedsAFleet(t *testing.T) {
	file := write(t, "target.yaml", "name: x\ntarget: localhost:50051\nload: [{call: GetUser, rate: 1/s}]\n")
	if code, _, stderr := command(t, "serve", file); code != exitUsage || !strings.Contains(stderr, "not a fleet") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if code, _, stderr := command(t, "serve", smallScenario(t), "--port", "70000"); code != exitUsage || !strings.Contains(stderr, "0 to 65535") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
