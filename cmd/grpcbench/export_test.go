package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/clientcore"
)

// What explain --go prints compiles, builds exactly the client of the variant,
// and makes calls: for every variant of every shipped scenario, and for one that
// uses whatever they leave out.
func TestPrintedGoBuildsTheClient(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	plain := serveHealth(t)
	folder := t.TempDir()
	pair := selfSigned(t, folder)
	secured := serveHealth(t, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert})))
	for name, text := range map[string]string{
		"config.json":  `{"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": [{}], "waitForReady": true}]}`,
		"all.yaml":     everything,
		"rest.yaml":    fmt.Sprintf(targeted, plain),
		"secured.yaml": fmt.Sprintf(mutual, secured),
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(name) == ".yaml" {
			files = append(files, file)
		}
	}
	t.Setenv("EXPORTED_TOKEN", "from-the-environment")
	var clients []shipped
	used := map[string]bool{}
	for _, file := range files {
		instead := "" // of the target of a shipped scenario, which is not there
		if filepath.Dir(file) != folder {
			instead = plain
		}
		clients = append(clients, clientsOf(t, file, instead, used)...)
	}
	unused := map[string]bool{}
	note(unused, "", reflect.TypeFor[clientcore.Config](), reflect.Value{}, reflect.Value{})
	for _, path := range slices.Sorted(maps.Keys(unused)) {
		if !used[path] {
			t.Errorf("no client of the test sets %s to anything but its default", path)
		}
	}

	// The program lies in this module as far as the compiler is concerned: an
	// overlay adds its files without writing them there.
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := overlayOf(t, module, clients)
	cmd := exec.Command("go", "run", "-overlay", overlay, "./cmd/grpcbench/shipped", plain)
	cmd.Dir = module
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stderr, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(clients) {
		t.Fatalf("%d clients told of themselves, want %d:\n%s", len(lines), len(clients), out)
	}
	for i, c := range clients {
		want := strings.ReplaceAll(string(c.config), "${EXPORTED_TOKEN}", "from-the-environment")
		if lines[i] != want {
			t.Errorf("%s of %s builds\n%s\nwant\n%s\nby\n%s", c.name, c.file, lines[i], want, c.source)
		}
	}
}

// everything, targeted and mutual are scenarios whose variants use what the shipped
// ones do not: with a fleet, with a target that is found by package targets, and
// with one that wants mTLS.
const everything = `
name: all
fleet: {backends: 1, isolation: inprocess}
load: [{call: GetUser, rate: 10/s}]
client:
  count: 3
  metadata: {authorization: "Bearer ${EXPORTED_TOKEN}", x-odd: "a\"b\\c"}
  methods:
    GetUser: {timeout: 0s, wait_for_ready: false, retry: none}
    user.v1.UserService/ListUsers: {timeout: 1500ms, retry: {attempts: 4, backoff: decorrelated}, compression: gzip}
compare:
  client.balance:
    - {pick_first: {shuffle: true}}
    - {weighted_round_robin: {blackout: 100us, expiration: 20s, update_period: 2s, error_penalty: 2, out_of_band: true, out_of_band_period: 300ms}}
    - {least_request: {choices: 4}}
    - {p2c_ewma: {decay: 3s, penalty: 7s}}
    - {consistent_hash: {field: name, header: x-key, min_ring: 512, max_ring: 2048}}
    - {random_subsetting: {size: 2, shuffle: true, child: least_request}}
    - outlier_detection: {interval: 3s, base_ejection: 4s, max_ejection: 40s, max_ejection_percent: 30, success_rate: {stdev_factor: 2500, enforcement: 90, minimum_hosts: 3, request_volume: 40}, failure_percentage: {threshold: 70, enforcement: 80, minimum_hosts: 2, request_volume: 30}, child: p2c_ewma}
    - {grpclb: {}}
  more:
    pool: {client.pool: {size: 2, lazy: true, pick: least_in_flight, stuck_for: off, max_age: 1h, max_idle: 90s, max_in_flight: 7}}
    rest: {client.breaker: {rate: 30%, scope: method}, client.retry.budget: {ratio: {share: 10%}}, client.windows: {stream: 1MiB, connection: 2MiB}, client.compression: gzip}
`

const targeted = `
name: targeted
target: static:///%s
load: [{call: GetUser, rate: 10/s}]
client: {timeout: 20s}
compare:
  with:
    hedge:
      client.hedge: {after: 20ms, attempts: 3, codes: [UNAVAILABLE, ABORTED], budget: {tokens: {max: 20, ratio: 0.2}}}
      client.methods: {ListUsers: {hedge: {after: p99, attempts: 4, codes: [UNAVAILABLE], budget: {ratio: {share: 5%%, min: 3/s}}}}}
    hedge_ratio: {client.hedge: {after: p50, attempts: 2, budget: {ratio: {share: 11%%, min: 12/s}}}}
    hedge_freely: {client.hedge: {after: p99.9, budget: none}}
    native_method: {client.methods: {user.v1.UserService/GetUser: {retry: native}}}
    no_hedge: {client.hedge: none, client.methods: {ListUsers: {hedge: none}}}
    retry: {client.retry: {attempts: 5, backoff: linear, base: 7ms, max: 9s, jitter: equal, attempt_timeout: 10s, codes: [UNAVAILABLE], budget: {tokens: {max: 20, ratio: 0.2}}}}
    fixed: {client.retry: {backoff: fixed, jitter: {percent: 20}, multiplier: 3, budget: {ratio: {share: 11%%, min: 12/s}}}}
    immediate: {client.retry: {backoff: immediate, jitter: none, budget: none}}
    decorrelated: {client.retry: {backoff: decorrelated, jitter: full}}
    native:
      client.retry: {backoff: native}
      client.methods: {user.v1.UserService/GetUser: {retry: {base: 7ms, max: 9s, multiplier: 3}}}
    methods:
      client.methods:
        GetUser: {wait_for_ready: true, retry: {attempts: 5, backoff: linear, base: 7ms, max: 9s, multiplier: 3, jitter: equal, attempt_timeout: 10s, codes: [UNAVAILABLE], budget: {tokens: {max: 20, ratio: 0.2}}}}
        ListUsers: {retry: {backoff: fixed, jitter: {percent: 20}, budget: {ratio: {share: 11%%, min: 12/s}}}}
        SyncUsers: {retry: {backoff: immediate, jitter: none, budget: none}}
        BatchCreateUsers: {retry: {backoff: exponential, jitter: full}}
        CreateUser: {hedge: {after: 3ms, attempts: 2, budget: {tokens: {max: 5, ratio: 0.5}}}}
    breaker: {client.breaker: {failures: 9, reset: 7s, growth: 1.5, max_reset: 70s, probes: 3, window: 4s, min_calls: 9, codes: [UNAVAILABLE], scope: backend}}
    no_breaker: {client.breaker: none}
    random: {client.pool: {pick: random, stuck_for: 5s}}
    health: {client.health_check: user.v1.UserService}
    method_hedge: {client.methods: {GetUser: {hedge: {after: 3ms, attempts: 2, budget: none}}}}
    file: {client.service_config: config.json}
    wire:
      client.wait_for_ready: true
      client.authority: users.internal
      client.log: failures
      client.keepalive: {time: 20s, timeout: 3s, without_streams: true}
      client.messages: {max_receive: 1MiB, max_send: 2MiB}
      client.connect: {base: 200ms, max: 7s, multiplier: 1.5, jitter: 10%%, timeout: 6s}
`

const mutual = `
name: mutual
target: static:///%s
load: [{call: GetUser, rate: 10/s}]
client: {timeout: 20s}
compare:
  client.tls:
    - {ca: self.pem, cert: self.pem, key: self.key, server_name: localhost}
    - {cert: self.pem, key: self.key, insecure_skip_verify: true}
`

// A service config that is printed is one that a client reads, and says on
// standard error what it cannot say.
func TestPrintedServiceConfig(t *testing.T) {
	file := write(t, "portable.yaml", `
name: portable
fleet: {backends: 1, isolation: inprocess}
load: [{call: GetUser, rate: 10/s}]
client:
  pool: {size: 1}
  balance: {least_request: {choices: 3}}
  timeout: 1500ms
  health_check: user.v1.UserService
  methods: {user.v1.UserService/ListUsers: {timeout: 10s, retry: none}, SyncUsers: {timeout: 3s}}
compare:
  retry:
    same: {client.retry: {attempts: 4, base: 50ms, max: 2s, jitter: {percent: 20}, budget: {tokens: {max: 10, ratio: 0.1}}}}
    native: {client.retry: {backoff: native, attempts: 3}}
    other: {client.retry: {attempts: 9, backoff: linear, jitter: full, attempt_timeout: 100ms, budget: {ratio: {}}}}
    ewma: {client.balance: p2c_ewma, client.retry: none}
`)
	golden := func(variant string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := command(t, "explain", file, "--variant", variant, "--service-config")
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", variant, code, stderr)
		}
		return stdout, stderr
	}
	same, told := golden("same")
	for _, want := range []string{
		`"least_request_experimental": {`, `"choiceCount": 3`, `"timeout": "1.5s"`, `"timeout": "10s"`,
		`"maxAttempts": 4`, `"initialBackoff": "0.05s"`, `"maxTokens": 10`, `"service": "user.v1.UserService"`, `"method": "ListUsers"`, `"method": "SyncUsers"`, `"timeout": "3s"`, `"serviceName": "user.v1.UserService"`,
	} {
		if !strings.Contains(same, want) {
			t.Errorf("%s is not in\n%s", want, same)
		}
	}
	if strings.Contains(told, "retry") || strings.Contains(told, "balance") {
		t.Errorf("what can be said is told of as missing:\n%s", told)
	}
	// grpcbench itself takes it as a variant's service_config.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "same.json"), []byte(same), 0o644); err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(dir, "taken.yaml")
	if err := os.WriteFile(taken, []byte("fleet: {backends: 1}\nload: [{call: GetUser, rate: 10/s}]\nclient: {service_config: same.json}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, "validate", taken); code != exitOK {
		t.Errorf("validate: exit code %d: %s", code, stderr)
	}
	if code, again, _ := command(t, "explain", taken, "--service-config"); code != exitOK || !strings.Contains(again, `"maxAttempts": 4`) {
		t.Errorf("a service config of a service config: exit code %d\n%s", code, again)
	}

	if native, _ := golden("native"); !strings.Contains(native, `"maxAttempts": 3`) {
		t.Errorf("native:\n%s", native)
	}
	other, told := golden("other")
	if strings.Contains(other, "retryPolicy") {
		t.Errorf("a policy that differs was put in:\n%s", other)
	}
	for _, path := range []string{"client.retry.attempts", "client.retry.backoff", "client.retry.jitter", "client.retry.attempt_timeout", "client.retry.budget"} {
		if !strings.Contains(told, "the service config is not all: "+path+": ") {
			t.Errorf("%s is not told of:\n%s", path, told)
		}
	}
	ewma, told := golden("ewma")
	if strings.Contains(ewma, "loadBalancingConfig") || !strings.Contains(told, "p2c_ewma") {
		t.Errorf("p2c_ewma: told\n%s\nprinted\n%s", told, ewma)
	}
}

func TestExplainVariantRefuses(t *testing.T) {
	file := smallScenario(t)
	filed := write(t, "filed.yaml", "fleet: {backends: 1}\nload: [{call: GetUser, rate: 10/s}]\nclient: {metadata: {a: '${file:/token}'}}\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{file, "--go"}, "--variant: which variant? There are retry=none, retry=immediate"},
		{[]string{file, "--variant", "nome"}, "--variant: no variant is named nome, did you mean none?"},
		{[]string{file, "--variant", "none", "--go", "--service-config"}, "give one"},
		{[]string{filed, "--go"}, "client.metadata.a: a secret in a file cannot be printed as Go"},
	} {
		code, _, stderr := command(t, slices.Concat([]string{"explain"}, c.args)...)
		if code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %q, want %q", c.args, code, stderr, c.want)
		}
	}
}

// A run needs its secrets before it begins; they are nowhere in the result, not
// even when a server repeats them.
func TestSecretsStaySecret(t *testing.T) {
	file := write(t, "secret.yaml", strings.Replace(small, "load:", "client: {metadata: {authorization: 'Bearer ${GRPCBENCH_TEST_TOKEN}'}}\nload:", 1))
	out := filepath.Join(t.TempDir(), "out")
	code, _, stderr := command(t, "run", file, "--out", out)
	if code != exitUsage || !strings.Contains(stderr, "client.metadata.authorization: ${GRPCBENCH_TEST_TOKEN}: the environment variable GRPCBENCH_TEST_TOKEN is not set") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was left behind")
	}
	t.Setenv("GRPCBENCH_TEST_TOKEN", "injected failure")
	echo := write(t, "echo.yaml", strings.NewReplacer("load:", "client: {metadata: {authorization: '${GRPCBENCH_TEST_TOKEN}'}}\nload:",
		"code: UNAVAILABLE", "code: UNAVAILABLE, message: 'bad token: injected failure'").Replace(small))
	code, stdout, stderr := inVirtualTime(t, "run", echo, "--out", out)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	saved, err := os.ReadFile(filepath.Join(out, resultName))
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Variants json.RawMessage }
	if err := json.Unmarshal(saved, &r); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(r.Variants, []byte("bad token: ***")) {
		t.Error("the server's message is not in the result")
	}
	if bytes.Contains(r.Variants, []byte("injected failure")) || strings.Contains(stdout+stderr, "injected failure") {
		t.Error("the secret is in the result, or was printed")
	}
}
