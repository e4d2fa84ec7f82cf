package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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
	scenario := strings.NewReplacer("300ms", "50ms", "1h", "200ms", "trials: 2", "trials: 1000").Replace(endless)
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

// TestKilledFleetIsReported kills the fleet in the warm-up and in the
// measurement: that trial is INVALID, and the run goes on with a new fleet.
func TestKilledFleetIsReported(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to see other processes")
	}
	scenario := strings.NewReplacer("300ms", "1500ms", "1h", "1500ms", "trials: 2", "trials: 1").Replace(endless)
	for name, moment := range map[string]struct {
		is       func(*process) bool
		measured bool // whether the trial whose fleet died was in its measurement
	}{
		"warm-up":     {(*process).warmsUp, false},
		"measurement": {(*process).measures, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// On a busy machine the moment may be over before the fleet is dead: then the
			// test was late, which says nothing of the run, and it is asked again.
			for range 20 {
				out := t.TempDir()
				p := startCommand(t, "run", write(t, "killed.yaml", scenario), "--out", out, "--live", ":0")
				if !p.until(t, name, func() bool { return moment.is(p) }) {
					continue
				}
				for _, child := range fleets(p.Process.Pid) {
					mustSignal(t, child, syscall.SIGKILL)
				}
				err := p.Wait()
				if _, missing := os.Stat(filepath.Join(out, resultName)); missing != nil {
					t.Logf("between two trials: %v\n%s", err, p.stderr.String())
					continue
				}
				r := readJSON(t, filepath.Join(out, resultName))
				died, went, then := 0, 0, false
				for _, v := range r.Variants {
					for _, trial := range v.Trials {
						switch reasons := trial.Validity.Reasons; {
						case len(reasons) > 0 && reasons[0].Code == "fleet_died":
							died++
							then = !trial.Started.IsZero() == moment.measured
						case !trial.Partial && trial.Series[0].OK() > 0:
							went++
						}
					}
				}
				if died == 0 || !then {
					t.Logf("at another moment: %v\n%s", err, p.stderr.String())
					continue
				}
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != exitInvalid {
					t.Errorf("ended with %v, want exit code %d\n%s", err, exitInvalid, p.stderr.String())
				}
				if died != 1 || went != 1 || r.Partial {
					t.Errorf("%d trials whose fleet died, %d others; want one of each (partial %v)\n%s", died, went, r.Partial, p.stdout.String())
				}
				if !strings.Contains(p.stdout.String(), "the fleet's process ended") {
					t.Errorf("the table does not say that the fleet died:\n%s", p.stdout.String())
				}
				return
			}
			t.Error("the fleet was never dead in time")
		})
	}
}
