package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// TestServeWritesItsCA: a client that trusts just the CA that serve wrote calls the
// fleet. One that trusts the system's, or that of an earlier start, does not.
func TestServeWritesItsCA(t *testing.T) {
	scenario := write(t, "secure.yaml", "fleet: {backends: 2, tls: self_signed}\n")
	folder := t.TempDir()
	ca, earlier := filepath.Join(folder, "ca.pem"), filepath.Join(folder, "earlier.pem")
	s := serve(t, scenario, "--port", "0", "--write-ca", earlier)
	s.end()
	// The file may be there, and may be one that only its owner reads.
	if err := os.WriteFile(ca, []byte(strings.Repeat("what was there ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s = serve(t, scenario, "--port", "0", "--write-ca", ca)
	if line := <-s.backends; line != "ca "+ca {
		t.Errorf("it begins with %q, want the CA's file", line)
	}
	info, err := os.Stat(ca)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, mode %v; want 0644", err, info.Mode())
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) != 2 {
		t.Errorf("there is more than the two files: %q", files)
	}
	for range 2 {
		name, address, _ := strings.Cut(<-s.backends, " ")
		for trusted, want := range map[string]codes.Code{ca: codes.OK, earlier: codes.Unavailable, "": codes.Unavailable} {
			if err := getUser(t, address, trusted); status.Code(err) != want {
				t.Errorf("%s, trusting %q: %v, want %v", name, trusted, err, want)
			}
		}
		_, port, _ := strings.Cut(address, ":")
		if code, _, stderr := command(t, "call", "--target", "localhost:"+port, "--cacert", ca, "--call", "user.v1.UserService/GetUser", "--data", `{"user_id": "7"}`); code != exitOK {
			t.Errorf("%s: call: exit code %d: %s", name, code, stderr)
		}
	}
	if _, stderr := s.end(); strings.Contains(stderr, "write-ca") {
		t.Errorf("it advises what was done:\n%s", stderr)
	}
}

// getUser makes a call over TLS by a client that trusts the CA in a file, or the
// system's.
func getUser(t *testing.T, address, ca string) error {
	t.Helper()
	config := clientcore.Default()
	config.Retry.Off = true
	config.TLS = &clientcore.TLS{CA: ca}
	client, err := clientcore.New(config, clientcore.WithTarget(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = userpb.NewUserServiceClient(client).GetUser(ctx, &userpb.GetUserRequest{UserId: "user-7"})
	return err
}

// Who serves over TLS without the flag is told of it, and who gives it where it says
// nothing, what it needs.
func TestServeAndItsCA(t *testing.T) {
	secure := write(t, "secure.yaml", "fleet: {backends: 1, tls: self_signed}\n")
	s := serve(t, secure, "--port", "0")
	if line := <-s.backends; !strings.HasPrefix(line, "b0 ") {
		t.Errorf("it begins with %q, want b0", line)
	}
	if _, stderr := s.end(); !strings.Contains(stderr, "certificates of the fleet's own authority, for localhost; --write-ca FILE.pem writes whom to trust") {
		t.Errorf("it does not say whom to trust:\n%s", stderr)
	}
	if _, stderr := serve(t, smallScenario(t), "--port", "0").end(); strings.Contains(stderr, "write-ca") {
		t.Errorf("a fleet in plain text has no CA:\n%s", stderr)
	}
	nowhere := filepath.Join(t.TempDir(), "no", "ca.pem")
	for want, args := range map[string][]string{
		"--write-ca needs a FILE whose fleet has tls: self_signed":                   {"--write-ca", "ca.pem"},
		"--write-ca needs a fleet with tls: self_signed: this one speaks plain text": {smallScenario(t), "--write-ca", "ca.pem"},
		"--write-ca: saving " + nowhere + ": ":                                       {secure, "--port", "0", "--write-ca", nowhere},
	} {
		if code, stdout, stderr := command(t, append([]string{"serve"}, args...)...); code != exitUsage || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: exit code %d\n%s%s\nwant %q", args, code, stdout, stderr, want)
		}
	}
}
