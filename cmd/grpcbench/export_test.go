package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
)

// shipped is one client that is printed as Go, compiled and run.
type shipped struct {
	name   string
	file   string
	source string
	config []byte // as JSON
}

// clientsOf prints every variant of a scenario as Go, and holds it against the
// variant as YAML.
func clientsOf(t *testing.T, file string) []shipped {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenario.Read(file, text, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []shipped
	for _, v := range plan.Variants {
		code, yaml, stderr := command(t, "explain", file, "--variant", v.Name)
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", v.Name, code, stderr)
		}
		cfg, err := clientyaml.Read("client.yaml", []byte(yaml))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		want, err := json.Marshal(v.Scenario.Client.Config)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		revealed := bytes.ReplaceAll(want, []byte("${EXPORTED_TOKEN}"), []byte("from-the-environment"))
		if !v.Scenario.Client.Retry.Off && !bytes.Equal(got, revealed) {
			// A policy that is off has settings that nobody reads, and no text.
			t.Errorf("%s as YAML gives\n%s\nwant\n%s", v.Name, got, revealed)
		}
		code, source, stderr := command(t, "explain", file, "--variant", v.Name, "--go")
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", v.Name, code, stderr)
		}
		all = append(all, shipped{name: v.Name, file: file, source: source, config: want})
	}
	return all
}

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
	files = append(files, write(t, "all.yaml", everything))
	t.Setenv("EXPORTED_TOKEN", "from-the-environment")
	var clients []shipped
	for _, file := range files {
		clients = append(clients, clientsOf(t, file)...)
	}

	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(lis) }()
	t.Cleanup(server.Stop)

	// The program lies in this module as far as the compiler is concerned: an
	// overlay adds its files without writing them there.
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := overlayOf(t, module, clients)
	cmd := exec.Command("go", "run", "-overlay", overlay, "./cmd/grpcbench/shipped", lis.Addr().String())
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

// overlayOf writes the clients, each a package, and a main that tells of each and
// makes a call with it.
func overlayOf(t *testing.T, module string, clients []shipped) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	add := func(name, text string) {
		real := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(real, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(module, "cmd/grpcbench/shipped", name)] = real
	}
	var imports, tells strings.Builder
	for i, c := range clients {
		add(fmt.Sprintf("c%d/client.go", i), c.source)
		fmt.Fprintf(&imports, "\tc%d %q\n", i, fmt.Sprintf("github.com/grpcbench/grpcbench/cmd/grpcbench/shipped/c%d", i))
		fmt.Fprintf(&tells, "\ttell(%q, c%d.Config(), c%d.New)\n", c.name, i, i)
	}
	add("main.go", fmt.Sprintf(shipper, imports.String(), tells.String()))
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const shipper = `package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/clientcore"
%s)

func main() {
%s}

func tell(name string, cfg clientcore.Config, make func(...clientcore.Option) (*clientcore.Client, error)) {
	text, err := json.Marshal(cfg)
	if err != nil {
		log.Fatalf("%%s: %%v", name, err)
	}
	os.Stdout.Write(append(text, '\n'))
	client, err := make(clientcore.WithEndpoints(os.Args[1]))
	if err != nil {
		log.Fatalf("%%s: %%v", name, err)
	}
	defer client.Close()
	if cfg.Balance.NeedsLookaside() {
		return // there is none here
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, header, ok := cfg.Balance.Key(); ok {
		ctx = metadata.AppendToOutgoingContext(ctx, header, "key")
	}
	if _, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		log.Fatalf("%%s: %%v", name, err)
	}
}
`

// everything is a scenario whose variants use what the shipped ones do not.
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
    - pick_first
    - {weighted_round_robin: {blackout: 100us}}
    - least_request
    - p2c_ewma
    - consistent_hash
    - {random_subsetting: {child: least_request}}
    - {outlier_detection: {success_rate: {}, child: p2c_ewma}}
    - grpclb
  more:
    pool: {client.pool: {size: 2, lazy: true, pick: least_in_flight, stuck_for: off, max_age: 1h, max_idle: 90s, max_in_flight: 7}}
    rest: {client.breaker: {rate: 30%, scope: method}, client.retry.budget: {ratio: {share: 10%}}, client.windows: {stream: 1MiB, connection: 2MiB}, client.compression: gzip}
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
		if !strings.Contains(told, "not in the service config: "+path+": ") {
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
