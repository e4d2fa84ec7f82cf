package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/result"
)

// The bounds of rendering a result of 64 variants × 10 trials, in any format: under
// 5 s, which BenchmarkReports shows, and under 200 MB.
const (
	scaleVariants, scaleTrials = 64, 10
	scaleMemory                = 200 << 20
)

// scaleResult is a file with such a result: a real run's trial of 20 s with two
// load entries and an outage, as often as that.
func scaleResult(tb testing.TB, trial result.Trial, like *result.Result) string {
	tb.Helper()
	r := *like
	r.Scenario.Dimensions = []result.Dimension{{Name: "pool.size", Baseline: "1"}, {Name: "backoff", Baseline: "kind-0"}}
	r.Variants = nil
	for i := range scaleVariants {
		v := like.Variants[0]
		size, backoff := fmt.Sprint(1+i/8), fmt.Sprint("kind-", i%8)
		v.Name, v.Settings = "pool.size="+size+",backoff="+backoff, map[string]string{"pool.size": size, "backoff": backoff}
		v.Trials = make([]result.Trial, scaleTrials)
		for j := range v.Trials {
			v.Trials[j] = trial
			v.Trials[j].Index, v.Trials[j].Block = j, j
		}
		r.Variants = append(r.Variants, v)
	}
	file := filepath.Join(tb.TempDir(), resultName)
	if err := r.Save(file); err != nil {
		tb.Fatal(err)
	}
	return file
}

const scaleScenario = `
name: scale
fleet:
  backends: 3
  isolation: inprocess
  service_time: {exponential: 3ms}
  faults: [{name: outage, at: 5s, for: 3s, where: {backends: [1]}, inject: down}]
load:
  - {name: reads, call: GetUser, arrivals: poisson, rate: 100/s, slo: 50ms}
  - {name: lists, call: ListUsers, arrivals: poisson, rate: 20/s, messages: 3, slo: 100ms}
trials: 1
warmup: 0s
measure: 20s
`

func scaleFile(tb testing.TB, run func(args ...string) int) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "scale.yaml")
	if err := os.WriteFile(file, []byte(scaleScenario), 0o644); err != nil {
		tb.Fatal(err)
	}
	out := tb.TempDir()
	if code := run("run", file, "--quiet", "--out", out); code != exitOK && code != exitInvalid {
		tb.Fatalf("exit code %d", code)
	}
	r, err := readResult(out)
	if err != nil {
		tb.Fatal(err)
	}
	return scaleResult(tb, r.Variants[0].Trials[0], r)
}

// renders renders the file in a process of its own: how much of a processor that
// took, and the most memory it had.
func renders(tb testing.TB, file string, f reports.Format) (cpu time.Duration, memory int64) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self, asCommand, "report", file, "--format", f.Name, "--output", filepath.Join(tb.TempDir(), "out"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// Not the system's own account of an ended process: that begins with what this
	// one had when it made the other.
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for poll := time.NewTicker(2 * time.Millisecond); ; {
		if text, err := os.ReadFile(status); err == nil {
			if found := peakMemory.FindSubmatch(text); found != nil {
				kib, err := strconv.ParseInt(string(found[1]), 10, 64)
				if err != nil {
					tb.Fatal(err)
				}
				memory = kib << 10
			}
		}
		select {
		case err := <-ended:
			poll.Stop()
			if err != nil {
				tb.Fatalf("%s: %v\n%s", f.Name, err, out.Bytes())
			}
			if memory == 0 {
				tb.Skip("needs /proc to see how much memory a process has")
			}
			return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory
		case <-poll.C:
		}
	}
}

var peakMemory = regexp.MustCompile(`VmHWM:\s*([0-9]+) kB`)

// TestReportsOfManyVariantsFitIntoMemory: 64 variants × 10 trials, every format.
func TestReportsOfManyVariantsFitIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("renders large results")
	}
	t.Parallel()
	file := scaleFile(t, func(args ...string) int {
		code, _, _ := inVirtualTime(t, args...)
		return code
	})
	for _, f := range reports.Formats() {
		if _, memory := renders(t, file, f); memory > scaleMemory {
			t.Errorf("%s takes %d MB, must be under %d", f.Name, memory>>20, scaleMemory>>20)
		}
	}
}

// BenchmarkReports shows how long each format takes, and its memory.
func BenchmarkReports(b *testing.B) {
	file := scaleFile(b, func(args ...string) int { return runWith(b.Context(), args, os.Stderr, os.Stderr, deps{}) })
	if info, err := os.Stat(file); err == nil {
		b.Logf("result.json: %d MB", info.Size()>>20)
	}
	for _, f := range reports.Formats() {
		b.Run(f.Name, func(b *testing.B) {
			var most int64
			var used time.Duration
			for b.Loop() {
				cpu, memory := renders(b, file, f)
				most, used = max(most, memory), used+cpu
			}
			b.ReportMetric(float64(most>>20), "MB")
			b.ReportMetric(used.Seconds()/float64(b.N), "CPU-s/op")
		})
	}
}
