package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// process is grpcbench as an operating system's process, with its fleet in
// another.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func startCommand(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, append([]string{asCommand}, args...)...)}
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// fleets are the processes whose parent is pid.
func fleets(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		// pid (comm) state ppid ...; comm may hold spaces and brackets.
		rest := string(text[bytes.LastIndexByte(text, ')')+1:])
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

// eventually polls until ok or until half a minute has gone, which only a
// broken program takes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func alive(pid int) bool {
	// A zombie that its new parent has not reaped yet is dead too.
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	return f[0] != "Z" && f[0] != "X"
}

const endless = `
name: endless
fleet: {backends: 2, service_time: {fixed: 1ms}}
load: [{name: reads, call: GetUser, rate: 200/s}]
compare: {client.pool.size: [1, 2]}
trials: 2
warmup: 300ms
measure: 60s
`

// TestInterruptKeepsWhatWasMeasured presses Ctrl-C during the measurement.
func TestInterruptKeepsWhatWasMeasured(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	out := t.TempDir()
	p := startCommand(t, "run", write(t, "endless.yaml", endless), "--out", out)
	var children []int
	eventually(t, "a fleet process", func() bool { children = fleets(p.Process.Pid); return len(children) == 1 })
	// Long enough to be in the measurement on any machine: the result tells
	// whether it was.
	select {
	case <-time.After(2500 * time.Millisecond):
	case <-t.Context().Done():
	}
	mustSignal(t, p.Process.Pid, syscall.SIGINT)
	err := p.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Fatalf("ended with %v, want exit code %d\n%s", err, exitInterrupted, p.stderr.String())
	}
	r := readJSON(t, filepath.Join(out, resultName))
	if !r.Partial || len(r.Variants[0].Trials)+len(r.Variants[1].Trials) != 1 {
		t.Fatalf("want one partial trial; partial %v, %d and %d trials", r.Partial, len(r.Variants[0].Trials), len(r.Variants[1].Trials))
	}
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			if s := trial.Series[0]; !trial.Partial || s.OK() == 0 || s.Check() != nil || s.OK()+s.Unfinished != s.Calls {
				t.Errorf("partial trial: %d of %d OK, %d unfinished, books %v", s.OK(), s.Calls, s.Unfinished, s.Check())
			}
			for _, reason := range trial.Validity.Reasons {
				// The machine may be busy with other tests: late, or SUSPECT.
				if reason.Verdict == result.Invalid && reason.Code != "lag_p99" {
					t.Errorf("%s: %s", reason.Code, reason.Detail)
				}
			}
		}
	}
	if !strings.Contains(p.stdout.String(), "PARTIAL") {
		t.Errorf("the table does not say that it is partial:\n%s", p.stdout.String())
	}
	eventually(t, "the fleet to end", func() bool { return !alive(children[0]) })
}

// TestInterruptAtAnyMoment presses Ctrl-C at many moments, before the fleet
// stands and between trials among them.
func TestInterruptAtAnyMoment(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	file := write(t, "short.yaml", strings.Replace(endless, "60s", "150ms", 1))
	for delay := 20 * time.Millisecond; delay < 1200*time.Millisecond; delay += 130 * time.Millisecond {
		t.Run(delay.String(), func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out")
			p := startCommand(t, "run", file, "--out", out, "--quiet")
			var children []int
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for began := time.Now(); time.Since(began) < delay; <-tick.C {
				if more := fleets(p.Process.Pid); len(more) > 0 {
					children = more
				}
			}
			mustSignal(t, p.Process.Pid, syscall.SIGINT)
			err := p.Wait()
			var exit *exec.ExitError
			errors.As(err, &exit)
			switch {
			case exit != nil && exit.ExitCode() == exitInterrupted && strings.Contains(p.stderr.String(), "interrupted before"):
				// There was nothing to keep yet.
				if _, err := os.Stat(out); err == nil {
					t.Error("it left something behind")
				}
			case exit != nil && exit.ExitCode() == exitInterrupted:
				if r := readJSON(t, filepath.Join(out, resultName)); !r.Partial {
					t.Error("the result is not marked partial")
				}
			case exit != nil && exit.ExitCode() == -1:
				// The signal came before main had said that it wants it.
				if _, err := os.Stat(out); err == nil {
					t.Error("it left something behind")
				}
			default:
				t.Errorf("ended with %v\n%s", err, p.stderr.String())
			}
			for _, child := range children {
				eventually(t, "the fleet to end", func() bool { return !alive(child) })
			}
		})
	}
}

// TestKillLeavesNoFleet ends the command as the kernel's out-of-memory killer
// would.
func TestKillLeavesNoFleet(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	p := startCommand(t, "run", write(t, "endless.yaml", endless), "--out", t.TempDir())
	var children []int
	eventually(t, "a fleet process", func() bool { children = fleets(p.Process.Pid); return len(children) == 1 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	eventually(t, "the fleet to end", func() bool { return !alive(children[0]) })
}

// TestKillLosesNoWholeTrial: what was complete when the process was killed is
// in the result, marked partial.
func TestKillLosesNoWholeTrial(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	out := t.TempDir()
	scenario := strings.NewReplacer("300ms", "50ms", "60s", "200ms", "trials: 2", "trials: 100").Replace(endless)
	p := startCommand(t, "run", write(t, "long.yaml", scenario), "--out", out, "--quiet")
	path := filepath.Join(out, resultName)
	eventually(t, "a second trial", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && bytes.Count(text, []byte(`"measured_ns"`)) >= 2
	})
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
	r := readJSON(t, path)
	trials := 0
	for _, v := range r.Variants {
		trials += len(v.Trials)
	}
	if !r.Partial || trials < 2 {
		t.Errorf("partial %v with %d trials", r.Partial, trials)
	}
	if code, stdout, stderr := command(t, "report", path); code != exitOK || !strings.Contains(stdout, "PARTIAL") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

// TestInterruptWithAFrozenFleet: a fleet that answers no more does not keep a
// run from ending, nor from keeping what was measured.
func TestInterruptWithAFrozenFleet(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	t.Parallel()
	out := t.TempDir()
	p := startCommand(t, "run", write(t, "endless.yaml", endless), "--out", out, "--quiet")
	var children []int
	eventually(t, "a fleet process", func() bool { children = fleets(p.Process.Pid); return len(children) == 1 })
	<-time.After(2 * time.Second)
	mustSignal(t, children[0], syscall.SIGSTOP)
	mustSignal(t, p.Process.Pid, syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
			t.Errorf("ended with %v, want exit code %d\n%s", err, exitInterrupted, p.stderr.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	if r := readJSON(t, filepath.Join(out, resultName)); !r.Partial {
		t.Error("the result is not marked partial")
	}
	eventually(t, "the fleet to end", func() bool { return !alive(children[0]) })
}

// TestKilledFleetIsReported kills the fleet in the warm-up and in the
// measurement: that trial is INVALID, and the run goes on with a new fleet.
func TestKilledFleetIsReported(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	scenario := strings.NewReplacer("300ms", "1500ms", "60s", "1500ms", "trials: 2", "trials: 1").Replace(endless)
	for _, after := range []time.Duration{700 * time.Millisecond, 2200 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			p := startCommand(t, "run", write(t, "killed.yaml", scenario), "--out", out)
			var children []int
			eventually(t, "a fleet process", func() bool { children = fleets(p.Process.Pid); return len(children) == 1 })
			<-time.After(after)
			mustSignal(t, children[0], syscall.SIGKILL)
			err := p.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitInvalid {
				t.Fatalf("ended with %v, want exit code %d\n%s", err, exitInvalid, p.stderr.String())
			}
			r := readJSON(t, filepath.Join(out, resultName))
			died, went := 0, 0
			for _, v := range r.Variants {
				for _, trial := range v.Trials {
					switch reasons := trial.Validity.Reasons; {
					case len(reasons) > 0 && reasons[0].Code == "fleet_died":
						died++
					case !trial.Partial && trial.Series[0].OK() > 0:
						went++
					}
				}
			}
			if died != 1 || went != 1 || r.Partial {
				t.Errorf("%d trials whose fleet died, %d others; want one of each (partial %v)\n%s", died, went, r.Partial, p.stdout.String())
			}
			if !strings.Contains(p.stdout.String(), "the fleet's process ended") {
				t.Errorf("the table does not say that the fleet died:\n%s", p.stdout.String())
			}
		})
	}
}

func mustSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}
