package main

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/scenario"
)

// direct is a run without a file, against the service at users:1.
func direct(more ...string) []string {
	return append([]string{"run", "--target", own, "--call", "user.v1.UserService/GetUser", "--warmup", "0s", "--measure", "1s"}, more...)
}

// TestRunWithoutFile prints the table that the file which --save writes does, and
// has its hash.
func TestRunWithoutFile(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TOKEN", "s3cret-of-mine")
	code, first, stderr := againstOwn(t, "", direct("--rate", "100/s", "--arrivals", "constant", "--slo", "50ms", "--timeout", "200ms",
		"--compare", "client.pool.size=1,2", "--trials", "2", "--metadata", "authorization=Bearer ${TOKEN}", "--max-in-flight", "50",
		"--set", "client.wait_for_ready=true", "--gate", "p50 < 30ms", "--label", "a=b", "--out", "first", "--save", "saved.yaml")...)
	if code != exitOK {
		t.Fatalf("code %d, %s", code, stderr)
	}
	saved, err := os.ReadFile("saved.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const want = `# grpcbench run --arrivals constant --call user.v1.UserService/GetUser --compare client.pool.size=1,2 --gate 'p50 < 30ms' --max-in-flight 50 --measure 1s --metadata 'authorization=Bearer ${TOKEN}' --rate 100/s --set client.wait_for_ready=true --slo 50ms --target passthrough:///users:1 --timeout 200ms --trials 2 --warmup 0s
name: getuser
target: passthrough:///users:1
client:
  timeout: 200ms
  metadata:
    authorization: "Bearer ${TOKEN}"
  wait_for_ready: true
load:
  - call: user.v1.UserService/GetUser
    rate: 100/s
    arrivals: constant
    max_in_flight: 50
    slo: 50ms
compare:
  client.pool.size: [1, 2]
trials: 2
warmup: 0s
measure: 1s
gates: [p50 < 30ms]
`
	if string(saved) != want {
		t.Errorf("saved\n%s\nwant\n%s", saved, want)
	}
	code, second, stderr := againstOwn(t, "", "run", "saved.yaml", "--out", "second")
	if code != exitOK || second != first {
		t.Errorf("code %d, %s; the file's table is\n%s\nthe flags' was\n%s", code, stderr, second, first)
	}
	a, b := readJSON(t, "first/"+resultName), readJSON(t, "second/"+resultName)
	if a.Scenario.SHA256 != b.Scenario.SHA256 || a.Scenario.SHA256 == "" || a.Scenario.File != "saved.yaml" {
		t.Errorf("hashes %s and %s of %s", a.Scenario.SHA256, b.Scenario.SHA256, a.Scenario.File)
	}
	for _, text := range []string{first, string(saved), a.Scenario.Document, stderr} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the secret is in %s", text)
		}
	}

	// Unsaved it is the same workload, and its own words say where it is from.
	code, third, stderr := againstOwn(t, "", direct("--rate", "100/s", "--arrivals", "constant", "--slo", "50ms", "--timeout", "200ms",
		"--compare", "client.pool.size=1,2", "--trials", "2", "--metadata", "authorization=Bearer ${TOKEN}", "--max-in-flight", "50",
		"--set", "client.wait_for_ready=true", "--out", "third")...)
	c := readJSON(t, "third/"+resultName)
	if code != exitOK || c.Scenario.WorkloadSHA256 != a.Scenario.WorkloadSHA256 || !strings.Contains(third, "command line") {
		t.Errorf("code %d, %s; %s", code, stderr, third)
	}
}

// Two targets are compared like any setting.
func TestRunWithoutFileComparesTargets(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := againstOwn(t, "", "run", "--compare", "target=passthrough:///users:1,passthrough:///new:1", "--call", "user.v1.UserService/GetUser",
		"--rate", "50/s", "--warmup", "0s", "--measure", "1s", "--trials", "1")
	if code != exitOK || !strings.Contains(stdout, "passthrough:///users:1 *") || !strings.Contains(stdout, "passthrough:///new:1 ") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	code, _, stderr = againstOwn(t, "", "run", "--compare", "target=passthrough:///users:1,passthrough:///nobody:1", "--call", "user.v1.UserService/GetUser",
		"--rate", "50/s", "--out", "none")
	if _, err := os.Stat("none"); code != exitUsage || !strings.Contains(stderr, "cannot reach passthrough:///nobody:1") || err == nil {
		t.Errorf("code %d, %s (%v)", code, stderr, err)
	}
}

// A closed loop, over TLS, and the table says that nothing was verified.
func TestRunWithoutFileOverTLS(t *testing.T) {
	dir := t.TempDir()
	pair := selfSigned(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOwn(t, l, true, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}})))
	run := []string{"run", "--target", l.Addr().String(), "--call", "user.v1.UserService/GetUser", "--workers", "2", "--connections", "1",
		"--warmup", "0s", "--measure", "200ms", "--quiet"}
	for name, test := range map[string]struct {
		args       []string
		unverified bool
	}{
		"verified":   {[]string{"--cacert", filepath.Join(dir, "self.pem"), "--servername", "localhost"}, false},
		"unverified": {[]string{"--insecure-skip-verify"}, true},
	} {
		t.Chdir(t.TempDir())
		code, stdout, stderr := command(t, append(append([]string{}, run...), append(test.args, "--save", "sub.yaml")...)...)
		if code != exitOK && code != exitInvalid {
			t.Errorf("%s: code %d, %s", name, code, stderr)
		}
		if strings.Contains(stdout, "NOT VERIFIED") != test.unverified || strings.Contains(stderr, "accepts ANY server's certificate") != test.unverified {
			t.Errorf("%s: %s%s", name, stdout, stderr)
		}
		if code, _, stderr := command(t, "validate", "sub.yaml"); code != exitOK {
			t.Errorf("%s: what was saved: %s", name, stderr)
		}
	}
}

// Rates, and workers, are compared as any setting is: then there is no other.
func TestRunWithoutFileComparesRates(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, compare := range []string{"load.0.rate=100/s,200/s", "load.getuser.workers=1,2"} {
		out := t.TempDir()
		code, _, stderr := againstOwn(t, "", direct("--compare", compare, "--trials", "1", "--quiet", "--out", out)...)
		if code != exitOK {
			t.Errorf("%s: code %d, %s", compare, code, stderr)
			continue
		}
		if r := readJSON(t, filepath.Join(out, resultName)); len(r.Variants) != 2 || r.Variants[1].Trials[0].Series[0].OK() == 0 {
			t.Errorf("%s: %d variants", compare, len(r.Variants))
		}
	}
}

// TestDryRun runs nothing: nobody is at the target.
func TestDryRun(t *testing.T) {
	t.Chdir(t.TempDir())
	code, stdout, stderr := command(t, "run", "--target", "localhost:1", "--call", "user.v1.UserService/ListUsers", "--messages", "5",
		"--rate", "2/ms", "--dry-run", "--save", "it.yaml")
	if code != exitOK || !strings.Contains(stdout, "listusers · it.yaml · seed 1") || !strings.Contains(stdout, "calls        20,000 due (2,000/s)") {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
	_, explained, _ := command(t, "explain", "it.yaml")
	if _, again, _ := command(t, "run", "it.yaml", "--dry-run"); again != explained || again != stdout {
		t.Errorf("of the file:\n%s\nwant\n%s", again, explained)
	}
	if left, _ := os.ReadDir("."); len(left) != 1 {
		t.Errorf("it left %v", left)
	}
}

// A warning is told once, where the rest is told.
func TestDryRunWarnsOnce(t *testing.T) {
	code, stdout, stderr := command(t, "run", smallScenario(t), "--dry-run")
	if code != exitOK || stderr != "" || strings.Count(stdout, "warning: 2 trials cannot show a difference") != 1 {
		t.Errorf("code %d, %s%s", code, stdout, stderr)
	}
}

// What is done with a run is no part of its scenario: least of all the secret that a
// receiver of metrics is shown.
func TestSavedSaysNothingOfWhoIsTold(t *testing.T) {
	t.Chdir(t.TempDir())
	code, _, stderr := command(t, direct("--rate", "5/s", "--dry-run", "--save", "it.yaml", "--prometheus", ":0", "--json", "--quiet", "--out", "here",
		"--otlp", "http://127.0.0.1:1", "--otlp-header", "Authorization=Bearer s3cret-of-mine", "--gate", "p50 < 30ms")...)
	if code != exitOK {
		t.Fatal(stderr)
	}
	text, err := os.ReadFile("it.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const want = "# grpcbench run --call user.v1.UserService/GetUser --gate 'p50 < 30ms' --measure 1s --rate 5/s --target passthrough:///users:1 --warmup 0s\n"
	if first, _, _ := strings.Cut(string(text), "name:"); first != want {
		t.Errorf("saved\n%swant\n%s", first, want)
	}
}

// TestSavedElsewhere: files are named from the folder that the scenario is in.
func TestSavedElsewhere(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	selfSigned(t, dir)
	for _, file := range []string{"token", "sub/x"} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("s3cret-of-mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, stderr := command(t, "run", "--target", "localhost:1", "--call", "user.v1.UserService/GetUser", "--rate", "1/s", "--cacert", "self.pem",
		"--cert", filepath.Join(dir, "self.pem"), "--key", "self.key", "--bearer-file", "token", "--dry-run", "--save", "sub/it.yaml")
	if code != exitOK {
		t.Fatal(stderr)
	}
	text, err := os.ReadFile("sub/it.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`ca: "../self.pem"`, "cert: " + filepath.Join(dir, "self.pem"), `key: "../self.key"`, `authorization: "Bearer ${file:../token}"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	plan, err := scenario.Read("sub/it.yaml", text, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.CheckSecrets(); err != nil {
		t.Error(err)
	}
}

// TestRunFlagMistakes: the flag is named, not a line that nobody wrote; nothing is
// left behind.
func TestRunFlagMistakes(t *testing.T) {
	file := smallScenario(t)
	tests := map[string]struct {
		args []string
		want string
	}{
		"a bare rate":          {direct("--rate", "500"), "grpcbench: --rate: must be a rate such as 900/s, 2/ms or 60/m, or a share such as 60% (got 500), did you mean 500/s?\n"},
		"a share of nothing":   {direct("--rate", "50%"), "grpcbench: --rate: "},
		"no load":              {direct(), "how much? Give --rate 500/s"},
		"two loads compared":   {direct("--compare", "load.0.rate=5/s,6/s", "--workers", "2"), "--rate and --workers are two kinds of load"},
		"a rate and rates":     {direct("--compare", "load.0.rate=5/s,6/s", "--rate", "2/s"), "--compare load.0.rate and --rate set the same: give one"},
		"two loads":            {direct("--rate", "5/s", "--workers", "2"), "--rate and --workers are two kinds of load"},
		"no target":            {[]string{"run", "--call", "a.B/C", "--rate", "5/s"}, "which server? Give --target"},
		"no method":            {[]string{"run", "--target", own, "--rate", "5/s"}, "which method? Give --call"},
		"a wrong target":       {[]string{"run", "--target", "http://x", "--call", "user.v1.UserService/GetUser", "--rate", "5/s"}, `grpcbench: --target: unknown scheme "http"`},
		"no workers":           {direct("--workers", "none"), "grpcbench: --workers: must be "},
		"closed with arrivals": {direct("--workers", "2", "--arrivals", "constant"), "grpcbench: --arrivals: "},
		"arrivals":             {direct("--rate", "5/s", "--arrivals", "poison"), "grpcbench: --arrivals: must be constant, poisson, uniform, bursts or replay (got poison), did you mean poisson?"},
		"slo":                  {direct("--rate", "5/s", "--slo", "5"), "grpcbench: --slo: "},
		"timeout":              {direct("--rate", "5/s", "--timeout", "-1s"), "grpcbench: --timeout: must be >= 0"},
		"connections":          {direct("--rate", "5/s", "--connections", "0"), "grpcbench: --connections: "},
		"messages":             {direct("--rate", "5/s", "--messages", "3"), "grpcbench: --messages: "},
		"measure":              {direct("--rate", "5/s", "--measure", "-1s"), "--measure must be > 0 (got -1s)"},
		"trials":               {direct("--rate", "5/s", "--trials", "0"), "--trials must be at least 1"},
		"gate":                 {direct("--rate", "5/s", "--gate", "p9 < 3"), "grpcbench: --gate: "},
		"set":                  {direct("--rate", "5/s", "--set", "client.pol=3"), "did you mean pool?"},
		"compare nothing":      {direct("--rate", "5/s", "--compare", "client.pool.size"), "want PATH=A,B"},
		"compare unknown":      {direct("--rate", "5/s", "--compare", "client.pol.size=1,2"), "grpcbench: --compare client.pol.size: client.pol: unknown key, did you mean pool?"},
		"compare a wrong one":  {direct("--rate", "5/s", "--compare", "client.timeout=1s,x"), "grpcbench: --compare client.timeout"},
		"compare and set":      {direct("--rate", "5/s", "--connections", "2", "--compare", "client.pool.size=1,2"), "--compare client.pool.size and --connections set the same"},
		"compare targets":      {direct("--rate", "5/s", "--compare", "target=a:1,b:2"), "--compare target and --target both say whom to call"},
		"only":                 {direct("--rate", "5/s", "--only", "a"), "--only chooses variants of a scenario file"},
		"a literal secret":     {direct("--rate", "5/s", "-H", "X-Api-Key: s3cret-of-mine"), "--metadata x-api-key: its value must be named, as '${NAME}'"},
		"a wrong secret":       {direct("--rate", "5/s", "-H", "x-api-key=${NOT_SET_ANYWHERE}"), "NOT_SET_ANYWHERE is not set"},
		"metadata of gRPC":     {direct("--rate", "5/s", "-H", "grpc-timeout=1"), "grpcbench: --metadata grpc-timeout: "},
		"no bearer's file":     {direct("--rate", "5/s", "--bearer-file", "nowhere"), "nowhere"},
		"no CA":                {direct("--rate", "5/s", "--cacert", "nowhere.pem"), "grpcbench: --cacert: must be a file that exists (nowhere.pem does not)"},
		"a CA for nothing":     {direct("--rate", "5/s", "--cacert", "x.pem", "--insecure-skip-verify"), "grpcbench: --cacert: must be left out"},
		"no data":              {direct("--rate", "5/s", "--data", "@nowhere.json"), "--data: nowhere.json: no such file or directory"},
		"no JSON":              {direct("--rate", "5/s", "--data", `{"userId": }`), "--data: line 1, column 1"},
		"half of JSON":         {direct("--rate", "5/s", "--data", `{"userId": `), "--data: line 1, column 11: unexpected EOF"},
		"empty input":          {direct("--rate", "5/s", "--data", "@-"), "--data @-: there is nothing on standard input"},
		"save no YAML":         {direct("--rate", "5/s", "--save", "x.json"), "--save: want a name that ends in .yaml (got x.json)"},
		"save over a file":     {direct("--rate", "5/s", "--save", file), "is there already (--force replaces it)"},
		"save nowhere":         {direct("--rate", "5/s", "--dry-run", "--save", "no/such/folder.yaml"), "--save: "},
		"force nothing":        {direct("--rate", "5/s", "--force"), "--force is for --save"},
		"unreachable":          {[]string{"run", "--target", "passthrough:///nobody:1", "--call", "user.v1.UserService/GetUser", "--rate", "5/s", "--save", "x.yaml"}, "cannot reach passthrough:///nobody:1: dial mem nobody:1: connect: connection refused (tried for 5"},
		"with a file":          {[]string{"run", file, "--rate", "5/s"}, "--rate is of a scenario on the command line, and " + file + " is one in a file: give --set load.0.rate=… to change that"},
		"save with a file":     {[]string{"run", file, "--save", "x.yaml"}, "--save is of a scenario on the command line"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := againstOwn(t, "", test.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "s3cret") {
				t.Errorf("code %d, stdout %q, stderr %q; want %q", code, stdout, stderr, test.want)
			}
			if left, _ := os.ReadDir("."); len(left) > 0 {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}
