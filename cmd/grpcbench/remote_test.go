package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
)

// served is a `grpcbench serve` that runs in this process.
type served struct {
	control, token string
	backends       chan string // as it prints them
	end            func() (code int, stderr string)
}

var controlLine = regexp.MustCompile(`^control (\S+?)(?:, token (\S+))?$`)

// serve runs the command until end, or the test's, and waits until it serves.
func serve(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, outWriter := io.Pipe()
	errs, errWriter := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- runWith(ctx, append([]string{"serve"}, args...), outWriter, errWriter, deps{})
		_ = outWriter.Close()
		_ = errWriter.Close()
	}()
	s := &served{backends: make(chan string, 100)}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.backends <- lines.Text()
		}
	})
	lines := bufio.NewScanner(errs)
	var stderr strings.Builder
	next := func() bool {
		more := lines.Scan()
		fmt.Fprintln(&stderr, lines.Text())
		return more
	}
	for s.control == "" && next() {
		if m := controlLine.FindStringSubmatch(lines.Text()); m != nil {
			s.control, s.token = m[1], m[2]
		}
	}
	var once sync.Once
	s.end = func() (int, string) {
		once.Do(func() {
			cancel()
			for next() {
			}
			reading.Wait()
		})
		got := <-code
		code <- got
		return got, stderr.String()
	}
	t.Cleanup(func() { s.end() })
	if s.control == "" {
		_, text := s.end()
		t.Fatalf("it does not serve: %s", text)
	}
	return s
}

const longToken = "0123456789abcdef"

// A scenario drives fleets that serve elsewhere, end to end, on loopback.
func TestRunWithRemoteFleets(t *testing.T) {
	t.Setenv(tokenKey, longToken)
	one, two := serve(t, "--port", "0"), serve(t, "--port", "0")
	if one.token != "" {
		t.Errorf("a token that the user gave was printed: %s", one.token)
	}
	file := write(t, "remote.yaml", `
name: remote
fleet:
  backends: 3
  remote: [`+one.control+`, `+two.control+`]
  token: ${`+tokenKey+`}
  faults: [{name: out, at: 100ms, where: {backends: [1]}, inject: {status: {code: ABORTED}}}]
client: {pool: {size: 1}, retry: none}
load: [{call: GetUser, arrivals: constant, rate: 100/s}]
warmup: 100ms
measure: 500ms
trials: 1
`)
	out := t.TempDir()
	code, stdout, stderr := command(t, "run", file, "--out", out)
	if code != exitOK && code != exitInvalid { // a busy machine may be late
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "books exact") || !strings.Contains(stdout, "fleet on other hosts") {
		t.Errorf("%s", stdout)
	}
	text, err := os.ReadFile(filepath.Join(out, resultName))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), longToken) {
		t.Error("the token is in the result")
	}
	r, err := result.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	fleet := r.Variants[0].Trials[0].Fleet
	if len(fleet.Backends) != 3 || len(fleet.Remotes) != 2 || fleet.Remotes[0].RoundTripNS <= 0 || fleet.Backends[1].Rules["out"] == 0 {
		t.Errorf("%+v", fleet)
	}
	for i, s := range []*served{one, two} {
		code, text := s.end()
		if want := []string{"b0: ", "b1: "}[i]; code != exitOK || !strings.Contains(text, want) || strings.Contains(text, "b2: ") != (i == 0) {
			t.Errorf("exit code %d: %s", code, text)
		}
	}
}

// Faults are injected by hand into a fleet that serves.
func TestFaultByHand(t *testing.T) {
	t.Setenv(tokenKey, "")
	s := serve(t, write(t, "fleet.yaml", "fleet: {backends: 2, faults: [{name: late, at: 1h, inject: down}]}\n"), "--port", "0")
	if len(s.token) < minToken {
		t.Fatalf("token %q", s.token)
	}
	fault := func(wantCode int, want string, args ...string) {
		t.Helper()
		code, stdout, stderr := command(t, append([]string{"fault", s.control}, args...)...)
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("fault %v: exit code %d, want %d with %q:\n%s%s", args, code, wantCode, want, stdout, stderr)
		}
	}
	fault(exitUsage, "needs the fleet's --token", "list")
	fault(exitUsage, "must be the fleet's token", "list", "--token", "x")
	t.Setenv(tokenKey, s.token)

	<-s.backends
	_, address, _ := strings.Cut(<-s.backends, " ")
	config := clientcore.Default()
	config.Retry.Off = true
	client, err := clientcore.New(config, clientcore.WithTarget(address))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	call := func() codes.Code {
		_, err := userpb.NewUserServiceClient(client).GetUser(t.Context(), &userpb.GetUserRequest{})
		return status.Code(err)
	}
	if got := call(); got != codes.OK {
		t.Errorf("before: %v", got)
	}
	fault(exitOK, "mine\n", "add", "{name: mine, where: {backends: [1]}, inject: {status: {code: ABORTED}}}")
	if got := call(); got != codes.Aborted {
		t.Errorf("with the fault: %v", got)
	}
	fault(exitOK, "NAME  KIND    FROM           NOW     MET\nlate  down    configuration  closed  0\nmine  status  hand           open    1\n", "list")
	fault(exitOK, "", "remove", "mine")
	if got := call(); got != codes.OK {
		t.Errorf("after: %v", got)
	}
	fault(exitUsage, `none of the name "mine"`, "remove", "mine")
	fault(exitUsage, "FAULT:1:2: injekt: unknown key, did you mean inject?", "add", "{injekt: down}")
	fault(exitUsage, "fault: where.backends[0]: must be from 0 to 1 (got 7)", "add", "{where: {backends: [7]}, inject: down}")
	fault(exitUsage, "want ADDRESS list", "add")
	fault(exitUsage, "want ADDRESS list", "mend", "x")
}

// Others can reach a fleet only when that is asked for, and with a token that the
// user has chosen.
func TestServeBeyondLoopbackNeedsAToken(t *testing.T) {
	for name, c := range map[string]struct {
		env, want string
		args      []string
	}{
		"no token":    {"", "needs a --token", []string{"--listen", "0.0.0.0"}},
		"short token": {"short", "of 16 characters or more", []string{"--listen", "::"}},
		"short flag":  {longToken, "of 16 characters or more", []string{"--listen", "0.0.0.0", "--token", "short"}},
		"no address":  {longToken, "must be an IP address", []string{"--listen", "everywhere"}},
		"no port":     {longToken, "--control must be 0 to 65535", []string{"--control", "70000"}},
		"no file":     {longToken, "need a FILE", []string{"--set", "fleet.backends=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(tokenKey, c.env)
			if code, _, stderr := command(t, append([]string{"serve"}, c.args...)...); code != exitUsage || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d, %s", code, stderr)
			}
		})
	}
	t.Setenv(tokenKey, longToken)
	s := serve(t, "--listen", "0.0.0.0", "--port", "0")
	if !strings.HasPrefix(s.control, "[::]:") && !strings.HasPrefix(s.control, "0.0.0.0:") {
		t.Errorf("control at %s", s.control)
	}
}

// The look-aside balancer and load reports reach clients of a fleet in a process
// of its own, too.
func TestBalancingWithTheFleetInAProcess(t *testing.T) {
	file := write(t, "process.yaml", `
name: process
fleet:
  backends: 3
  service_time: {fixed: 2ms}
  lookaside: {backends: [0, 0, 2]}
  faults: [{at: -2s, where: {backends: [1]}, inject: {latency: 40ms}}]
client: {pool: {size: 1}, retry: none}
load: [{call: GetUser, arrivals: constant, rate: 300/s}]
compare: {client.balance: [grpclb, weighted_round_robin]}
warmup: 1s
measure: 1s
trials: 1
`)
	var slow float64
	for range 5 {
		out := t.TempDir()
		p := startCommand(t, "run", file, "--out", out)
		_ = p.Wait() // a busy machine may be late: exit code 3
		text, err := os.ReadFile(filepath.Join(out, resultName))
		if err != nil {
			t.Fatalf("%v: %s", err, p.stderr.String())
		}
		r, err := result.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		share := func(variant, backend int) float64 {
			var total int64
			picks := r.Variants[variant].Trials[0].Client.Picks
			for _, p := range picks {
				total += p.Picks
			}
			return float64(picks[backend].Picks) / float64(total)
		}
		if got := []float64{share(0, 0), share(0, 1), share(0, 2)}; got[0] < 0.6 || got[0] > 0.7 || got[1] != 0 {
			t.Errorf("grpclb: shares %.3f, want 2:0:1", got)
		}
		// Reports that come late on a busy machine are no weights yet, and the calls of
		// a second are made at once then. Without reports it is a third every time.
		if slow = share(1, 1); slow <= 0.25 {
			return
		}
	}
	t.Errorf("weighted_round_robin: the slow backend has %.3f of the calls", slow)
}

// Clients that balance by ring_hash, as xDS says, are never ready before their first
// call: nobody waits for it.
func TestXDSRingHash(t *testing.T) {
	file := write(t, "ring.yaml", `
name: ring
fleet: {backends: 3, isolation: inprocess, xds: {policy: ring_hash}}
client: {pool: {size: 1}, retry: none}
load: [{call: GetUser, arrivals: constant, rate: 120/s}]
warmup: 300ms
measure: 500ms
trials: 1
`)
	var took time.Duration
	for range 5 {
		out := t.TempDir()
		began := time.Now()
		code, _, stderr := command(t, "run", file, "--out", out)
		if code != exitOK && code != exitInvalid { // a busy machine may be late
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		text, err := os.ReadFile(filepath.Join(out, resultName))
		if err != nil {
			t.Fatal(err)
		}
		r, err := result.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		trial := r.Variants[0].Trials[0]
		if s := trial.Series[0]; s.OK() != s.Planned || s.Planned == 0 {
			t.Errorf("%d of %d calls were OK", s.OK(), s.Planned)
		}
		if picks := trial.Client.Picks; len(picks) != 3 || picks[0].Picks == 0 || picks[1].Picks == 0 || picks[2].Picks == 0 {
			t.Errorf("picks %+v", picks)
		}
		// It would have been waited for for 5 s, each time. A busy machine takes as long
		// now and then.
		if took = trial.Started.Sub(began); took <= 4*time.Second {
			return
		}
	}
	t.Errorf("the measurement began after %v, with a warm-up of 0.3 s", took)
}

// Clients find a fleet with a control plane by xDS, and follow it: no call is
// lost, and the books hold.
func TestXDSFleet(t *testing.T) {
	file := write(t, "xds.yaml", `
name: xds
fleet:
  backends: 3
  isolation: inprocess
  xds: {policy: round_robin, changes: [{at: 500ms, backends: [1, 2]}]}
client: {pool: {size: 1}, retry: none}
load: [{call: GetUser, workers: 4, think: 10ms}] # calls that are due, and late, would all be made before the change
warmup: 300ms
measure: 3s
trials: 1
`)
	out := t.TempDir()
	code, stdout, stderr := command(t, "run", file, "--out", out)
	if code != exitOK && code != exitInvalid { // a busy machine may be late
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "books exact") {
		t.Errorf("%s", stdout)
	}
	text, err := os.ReadFile(filepath.Join(out, resultName))
	if err != nil {
		t.Fatal(err)
	}
	r, err := result.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Variants[0].Trials[0].Series[0]; s.OK() != s.Planned || s.Planned == 0 {
		t.Errorf("%d of %d calls were OK", s.OK(), s.Planned)
	}
	// A third of the calls of half a second, and then none for two and a half.
	if picks := r.Variants[0].Trials[0].Client.Picks; picks[0].Picks == 0 || 2*picks[0].Picks > picks[1].Picks || 2*picks[0].Picks > picks[2].Picks {
		t.Errorf("picks %+v", picks)
	}
}
