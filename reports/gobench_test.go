package reports

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// benchLine is one line of benchmark text as its readers split it.
type benchLine struct {
	name  string
	n     int64
	units map[string]float64
}

func readBenchmarks(t *testing.T, text string) []benchLine {
	t.Helper()
	var out []benchLine
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "Benchmark") {
			if f := strings.SplitN(line, ":", 2); line != "\n" && line[0] != '#' && !strings.HasPrefix(line, "Unit ") &&
				!slices.Contains([]string{"goos", "goarch", "pkg", "cpu"}, f[0]) {
				t.Errorf("a line that is nothing: %q", line)
			}
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || len(f)%2 != 0 {
			t.Errorf("%v: %q", err, line)
		}
		l := benchLine{f[0], n, map[string]float64{}}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				t.Errorf("%v: %q", err, line)
			}
			l.units[f[i+1]] = v
		}
		out = append(out, l)
	}
	return out
}

func TestGoBench(t *testing.T) {
	lines := readBenchmarks(t, render(t, formatNamed("gobench").Render, kinds(t), Options{}))
	if len(lines) != 2*8*3 {
		t.Fatalf("%d lines", len(lines))
	}
	if got, want := lines[0].name, "BenchmarkPoolSizes/load=reads/pool.size=1/balance=round_robin/reads.rate=200_s-2"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
	// A quantile that one trial does not have, no trial shows.
	lines = readBenchmarks(t, render(t, formatNamed("gobench").Render, interrupted(t), Options{}))
	for _, l := range lines {
		_, there := l.units["p99-ns"]
		if want := strings.Contains(l.name, "=fixed"); there != want {
			t.Errorf("%s: p99 there: %v", l.name, there)
		}
	}
	// The trial that was cut short is in none.
	if n := len(lines); n != 7+3+3 {
		t.Errorf("%d lines of an interrupted result, want 13", n)
	}
	// Dimensions whose short names are the same keep their whole names, and
	// values that differ never look the same.
	r := kinds(t)
	r.Scenario.Dimensions[0].Name, r.Scenario.Dimensions[1].Name = "client.rate", "fleet.rate"
	for i := range r.Variants {
		s := r.Variants[i].Settings
		s["client.rate"] = map[string]string{"1": "a b", "4": "a/b"}[s["client.pool.size"]]
		s["fleet.rate"] = s["client.balance"]
	}
	names := map[string]bool{}
	for _, l := range readBenchmarks(t, render(t, formatNamed("gobench").Render, r, Options{})) {
		names[l.name] = true
	}
	if !names["BenchmarkPoolSizes/load=reads/client.rate=a_b/fleet.rate=round_robin/reads.rate=200_s-2"] || len(names) != 16 {
		t.Errorf("%d names: %v", len(names), slices.Sorted(maps.Keys(names)))
	}
}

// benchstat itself compares the variants.
func TestBenchstat(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds benchstat")
	}
	file := filepath.Join(t.TempDir(), "bench.txt")
	if err := os.WriteFile(file, []byte(render(t, formatNamed("gobench").Render, outage(t), Options{})), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "benchstat", "-col", "/backoff", "-row", ".name /load", file).CombinedOutput()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{"none", "fixed", "immediate", "exponential", "p50-sec", "in-slo-%", "vs base", "n=7", "Backoffs"} {
		if !strings.Contains(text, want) {
			t.Errorf("benchstat does not show %q:\n%s", want, text)
		}
	}
	// One table for each unit, not one for each run.
	if n := len(regexp.MustCompile("(?m)^.*p50-sec.*$").FindAllString(text, -1)); n != 1 {
		t.Errorf("%d tables of p50:\n%s", n, text)
	}
}
