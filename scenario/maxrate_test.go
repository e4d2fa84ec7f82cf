package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planOf reads a document of a test.
func planOf(t *testing.T, text string, opts Options) *Plan {
	t.Helper()
	plan, err := Read(filepath.Join(t.TempDir(), "x.yaml"), []byte(text), opts)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// What a load offers at its peak counts shapes, sessions, bursts, mixes and
// replayed arrivals, and closed loops are left the rest.
func TestPeak(t *testing.T) {
	replay := filepath.Join(t.TempDir(), "arrivals")
	// Five within 1 s, across a whole second; twice as fast: six.
	if err := os.WriteFile(replay, []byte("0\n0.5\n1.2\n1.3\n1.4\n1.45\n3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		load       string
		peak, left float64
	}{
		"rate":     {"{call: GetUser, rate: 300/s}", 300, 0},
		"shape":    {"{call: GetUser, rate: 100/s, shape: {spike: {times: 4, at: 1s, for: 1s}}}", 400, 0},
		"sessions": {"{call: GetUser, rate: 20/s, sessions: {calls: 5, think: 1s}}", 100, 0},
		"bursts":   {"{call: GetUser, rate: 20/s, arrivals: {bursts: {size: 50}}}", 50, 0},
		"mix":      {"{mix: {GetUser: 3, ListUsers: 1}, rate: 200/s, arrivals: {bursts: {size: 400}}}", 400, 0},
		"replay":   {"{call: GetUser, arrivals: {replay: {file: " + replay + "}}}", 5, 0},
		"faster":   {"{call: GetUser, arrivals: {replay: {file: " + replay + ", speed: 2}}}", 6, 0},
		"closed":   {"{call: GetUser, workers: 4}", 0, 1000},
		"both":     {"{call: GetUser, workers: 4}, {name: b, call: GetUser, rate: 300/s}", 300, 700},
	} {
		t.Run(name, func(t *testing.T) {
			text := "target: localhost:1\nmax_rate: 1000/s\nload: [" + strings.Replace(c.load, "call: GetUser", "name: a, call: GetUser", 1) + "]\n"
			s := planOf(t, text, Options{}).Base
			if got := s.peak(); got < c.peak-1e-9 || got > c.peak+1e-9 || s.ClosedRate() != c.left {
				t.Errorf("peak %v, %v left; want %v and %v", got, s.ClosedRate(), c.peak, c.left)
			}
		})
	}
}

// A load above max_rate is an error at what is above it, of every variant that is.
func TestAboveMaxRate(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"one entry": {"max_rate: 400/s", "x.yaml:6:34: load[0].rate: reads comes to 500/s at its peak, and max_rate is 400/s"},
		"together":  {"max_rate: 550/s\ncompare: {load.reads.rate: [400/s, 550/s]}", "max_rate: leaves nothing for closed loops: must be more than the 550/s of the open ones (got 550/s) (in variant load.reads.rate=550/s)"},
		"nothing":   {"max_rate: 0/s", "max_rate: must be > 0/s (got 0/s)"},
		"no unit":   {"max_rate: 500", "max_rate: "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fails(t, Options{}, c.text); !strings.Contains(got, c.want) {
				t.Errorf("%s\nlacks %q", got, c.want)
			}
		})
	}
	_, err := Read("x.yaml", []byte("target: localhost:1\nmax_rate: 550/s\nload: [{name: a, call: GetUser, rate: 500/s}, {call: ListUsers, rate: 60/s}]\n"), Options{})
	if want := "x.yaml:2:1: max_rate: the load comes to 560/s at its peaks (a 500/s, listusers 60/s): must be at least that (got 550/s)"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nlacks %q", err, want)
	}
}

// The parts of a mix sum up to its rate but for rounding, which is no more of a rate,
// and leaves none for closed loops.
func TestMaxRateOfAMix(t *testing.T) {
	text := func(weights, more string) []byte {
		return []byte("target: localhost:1\nmax_rate: 100/s\nload: [{name: all, mix: " + weights + ", rate: 100/s}" + more + "]\n")
	}
	const above, below = "{CreateUser: 1, GetUser: 4, ListUsers: 1}", "{CreateUser: 5, GetUser: 6, ListUsers: 1}"
	sums := map[string]float64{}
	for _, weights := range []string{above, below} {
		plan, err := Read("x.yaml", text(weights, ""), Options{})
		if err != nil {
			t.Errorf("%s: %v", weights, err)
			continue
		}
		sums[weights] = plan.Base.peak()
	}
	if !(sums[above] > 100 && sums[below] < 100) {
		t.Fatalf("the rates are exact: %v: take other weights", sums)
	}
	for _, weights := range []string{above, below} {
		const want = "max_rate: leaves nothing for closed loops"
		if _, err := Read("x.yaml", text(weights, ", {name: crew, call: GetUser, workers: 4}"), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", weights, err, want)
		}
	}
}

const elsewhere = `
name: elsewhere
target: users.internal:443
client: {retry: {attempts: 3}}
load:
  - {name: reads, call: GetUser, rate: 500/s, shape: {spike: {times: 3, at: 1s, for: 1s}}}
trials: 2
warmup: 1s
measure: 10s
`

// Before a run calls servers beyond this machine it says whom, how hard, how often
// and how long.
func TestAnnouncement(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string // old, new, …
		more    string
		want    string
	}{
		"one target": {nil, "", `grpcbench: this run calls users.internal:443, beyond this machine:
  calls     up to 1,500/s at the peak; about 13,000 in all, warm-ups included
  attempts  at worst 3 a call: 4,500/s
  time      22 s: 1 variant × 2 trials × (1s warm-up + 10s measured)
`},
		"several, one of them here": {nil, "max_rate: 2000/s\ncompare: {target: [a.internal:443, localhost:443, b.internal:443]}\n",
			`grpcbench: this run calls a.internal:443 and b.internal:443, beyond this machine:
  calls     up to 1,500/s at the peak (max_rate 2,000/s); about 39,000 in all, warm-ups included
  attempts  at worst 3 a call: 4,500/s
  time      66 s: 3 variants × 2 trials × (1s warm-up + 10s measured)
`},
		"closed loops": {[]string{"rate: 500/s, shape: {spike: {times: 3, at: 1s, for: 1s}}", "workers: 8", "attempts: 3", "attempts: 1"}, "", `grpcbench: this run calls users.internal:443, beyond this machine:
  calls     at no set rate, as many as 8 workers come to
  attempts  one a call
  time      22 s: 1 variant × 2 trials × (1s warm-up + 10s measured)
`},
		"closed loops held": {[]string{"load:\n", "load:\n  - {name: more, call: GetUser, workers: 8}\n", "attempts: 3}}", "attempts: 3}, methods: {GetUser: {hedge: {attempts: 2}}}}"},
			"max_rate: 1600/s\n",
			`grpcbench: this run calls users.internal:443, beyond this machine:
  calls     up to 1,600/s at the peak (max_rate 1,600/s); about 13,000 in all, warm-ups included,
            and as many as 8 workers come to
  attempts  at worst 2 a call: 3,200/s
  time      22 s: 1 variant × 2 trials × (1s warm-up + 10s measured)
`},
		// Nobody has been asked yet whether the client sends a stream of it, which is not hedged.
		"an unknown method": {[]string{"call: GetUser", "call: a.B/C", "attempts: 3}}", "attempts: 3}, methods: {a.B/C: {hedge: {attempts: 5}}}}"}, "", `grpcbench: this run calls users.internal:443, beyond this machine:
  calls     up to 1,500/s at the peak; about 13,000 in all, warm-ups included
  attempts  at worst 5 a call: 7,500/s
  time      22 s: 1 variant × 2 trials × (1s warm-up + 10s measured)
`},
		"this machine": {[]string{"users.internal", "localhost"}, "", ""},
		"a fleet":      {[]string{"target: users.internal:443", "fleet: {backends: 1}"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.NewReplacer(c.replace...).Replace(elsewhere) + c.more
			if got := planOf(t, text, Options{}).Announcement(); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	got := planOf(t, elsewhere, Options{}).SearchAnnouncement(2000, []int{1, 16})
	want := `grpcbench: this search calls users.internal:443, beyond this machine:
  calls     more and more, until a rate misses the SLO or is 2,000/s; as many as up to 16 workers
            come to
  attempts  at worst 3 a call
  time      as long as it takes: 1 variant, in trials of 1s warm-up + 10s measured
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
