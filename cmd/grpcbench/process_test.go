package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// process is grpcbench as an operating system's process, with its fleet in
// another.
type process struct {
	*exec.Cmd
	stdout, stderr output
	done           chan struct{}
	ended          error // read after done
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func startCommand(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, append([]string{asCommand}, args...)...), done: make(chan struct{})}
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.ended = p.Cmd.Wait()
	}()
	// What it writes is in folders of the test, which are removed after it.
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.done
	})
	return p
}

// Wait returns when the process has ended, and its fleet, which has its output too.
func (p *process) Wait() error {
	<-p.done
	return p.ended
}

// page is a page of a run that was started with --live :0; "" before there is one.
func (p *process) page(path string) string {
	at := liveLine.FindStringSubmatch(p.stderr.String())
	if at == nil {
		return ""
	}
	response, err := http.Get(at[1] + path)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body) // what there is of it
	return string(text)
}

var (
	liveLine = regexp.MustCompile(`(?m)^live: (http\S+)\n`)
	someOK   = regexp.MustCompile(`(?m)^grpcbench_calls\{.*code="OK".*\} [1-9]`)
)

// until waits for a moment of a run, and says whether it came before the run's end.
func (p *process) until(t *testing.T, what string, is func() bool) (came bool) {
	t.Helper()
	eventually(t, what, func() bool {
		select {
		case <-p.done:
			return true
		default:
			came = is()
			return came
		}
	})
	return came
}

// measures says whether a measured call has ended OK.
func (p *process) measures() bool { return someOK.MatchString(p.page("metrics")) }

// warmsUp says whether a trial is in its warm-up.
func (p *process) warmsUp() bool { return strings.Contains(p.page(""), "warming up") }

// mustMeasure waits until a run has measured something.
func (p *process) mustMeasure(t *testing.T) {
	t.Helper()
	if !p.until(t, "a measured call", p.measures) {
		t.Fatalf("it ended before anything was measured: %v\n%s", p.ended, p.stderr.String())
	}
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

// eventually polls until ok or until minutes have gone, which only a broken
// program takes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
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

// endless is a run that is over only when it is told to end.
const endless = `
name: endless
fleet: {backends: 2, service_time: {fixed: 1ms}}
load: [{name: reads, call: GetUser, rate: 200/s}]
compare: {client.pool.size: [1, 2]}
trials: 2
warmup: 300ms
measure: 1h
`

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

func mustSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}
