package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestInterruptKeepsWhatWasMeasured presses Ctrl-C during the measurement.
func TestInterruptKeepsWhatWasMeasured(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	out := t.TempDir()
	p := startCommand(t, "run", write(t, "endless.yaml", endless), "--out", out, "--live", ":0")
	p.mustMeasure(t)
	children := fleets(p.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("%d processes of the run, want one, its fleet", len(children))
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
				// The machine may be busy with other tests: SUSPECT, late, or so late that
				// calls which were due had not left yet.
				if reason.Verdict == result.Invalid && reason.Code != "lag_p99" && reason.Code != "sent_share" {
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
	// So many trials that none of the moments is after the last.
	file := write(t, "short.yaml", strings.NewReplacer("1h", "150ms", "trials: 2", "trials: 1000").Replace(endless))
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

// TestInterruptWithAFrozenFleet: a fleet that answers no more does not keep a
// run from ending, nor from keeping what was measured.
func TestInterruptWithAFrozenFleet(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	t.Parallel()
	out := t.TempDir()
	p := startCommand(t, "run", write(t, "endless.yaml", endless), "--out", out, "--quiet", "--live", ":0")
	p.mustMeasure(t)
	children := fleets(p.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("%d processes of the run, want one, its fleet", len(children))
	}
	// Whom nobody wakes does not see that the run has gone.
	t.Cleanup(func() {
		if t.Failed() { // else it has gone, and another may have its number
			_ = syscall.Kill(children[0], syscall.SIGKILL)
		}
	})
	mustSignal(t, children[0], syscall.SIGSTOP)
	mustSignal(t, p.Process.Pid, syscall.SIGINT)
	select {
	case <-p.done:
		var exit *exec.ExitError
		if !errors.As(p.ended, &exit) || exit.ExitCode() != exitInterrupted {
			t.Errorf("ended with %v, want exit code %d\n%s", p.ended, exitInterrupted, p.stderr.String())
		}
	case <-time.After(5 * time.Minute):
		t.Fatal("it does not end")
	}
	if r := readJSON(t, filepath.Join(out, resultName)); !r.Partial {
		t.Error("the result is not marked partial")
	}
	eventually(t, "the fleet to end", func() bool { return !alive(children[0]) })
}
