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

func mustSignal(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}
