package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/heap"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

var soak = flag.Duration("soak", 0, "how long to run at full speed, watching memory and goroutines; 0 is not at all")

// tellGoroutines in a fleet process's environment makes it write how many
// goroutines it has, as a line on standard error, at each SIGUSR1.
const tellGoroutines = "GRPCBENCH_TELL_GOROUTINES"

func answerGoroutines() {
	if os.Getenv(tellGoroutines) == "" {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			fmt.Fprintf(os.Stderr, "%d\n", runtime.NumGoroutine())
		}
	}()
}

// What may have changed between the first minute and the end of a soak.
const (
	soakMemory     = 1.1 // times as much: the collector's pace varies
	soakGoroutines = 20  // more: those of the calls that are under way at the moment
)

// TestSoak is all four kinds of RPC at full speed on the embedded fleet, in a
// process of its own as in any run, for as long as -soak says. Neither memory
// nor goroutines of either process may grow after the first minute, and at the
// end every call is accounted for.
//
//	make soak
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("takes half an hour: make soak")
	}
	heap.Raise()
	plan, err := scenario.Read("soak.yaml", fmt.Appendf(nil, `
name: soak
fleet: {backends: 3}
client: {pool: {size: 4}, balance: round_robin, timeout: 10s}
load:
  - {name: reads, call: GetUser, workers: 40}
  - {name: lists, call: ListUsers, workers: 4, messages: 5}
  - {name: batches, call: BatchCreateUsers, workers: 4, messages: 5}
  - {name: sync, call: SyncUsers, workers: 4, messages: 5}
trials: 1
warmup: 2s
measure: %v
`, *soak), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fleet := &soakFleet{}
	w := soakWatch{t: t, fleet: fleet, first: min(time.Minute, *soak/2), last: *soak - time.Second}
	var calls atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	begun := false
	r, err := bench.Run(ctx, plan, bench.Deps{Spawn: fleet.spawn, Sleep: engine.SleepUntil, Usage: bench.ProcessUsage, Calibrate: true},
		bench.Options{OnProgress: func(p bench.Progress) {
			if p.Phase == bench.Measuring && !begun {
				begun = true
				watching.Go(func() { w.watch(ctx, &calls) })
			}
			if p.Interval == nil {
				return
			}
			for _, s := range p.Interval.Series {
				calls.Add(s.OK + s.Failed)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	trial := &r.Variants[0].Trials[0]
	for i := range trial.Series {
		s := &trial.Series[i]
		t.Logf("%-8s %d calls, %d failed, %d unfinished, %.0f/s", s.Name, s.Calls, s.Failed(), s.Unfinished, s.AchievedPerS)
		if s.Failed() > 0 {
			t.Errorf("%s: %d calls failed: %v", s.Name, s.Failed(), s.Codes)
		}
	}
	t.Logf("measurement %s %v; lag and CPU do not matter here, the books do", trial.Validity.Verdict, trial.Validity.Reasons)
	for _, reason := range trial.Validity.Reasons {
		if reason.Verdict == result.Invalid {
			t.Errorf("the books are not exact: %s", reason.Detail)
		}
	}
	if trial.Partial {
		t.Error("the run did not come to its end")
	}
	watching.Wait()
	w.judge()
}

// soakFleet is the fleet's process, which tells how many goroutines it has.
type soakFleet struct {
	pid   atomic.Int64
	lines chan string
}

func (f *soakFleet) spawn(ctx context.Context) (*fakeserver.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close() // the child has its own
	cmd := exec.Command(self, fleetCommandName)
	cmd.Env = append(os.Environ(), tellGoroutines+"=1")
	cmd.Stderr = writer
	process, err := fakeserver.Spawn(ctx, cmd)
	if err != nil {
		return nil, err
	}
	f.lines = make(chan string, 1)
	go func() {
		defer reader.Close()
		defer close(f.lines)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			f.lines <- lines.Text()
		}
	}()
	f.pid.Store(int64(cmd.Process.Pid))
	return process, nil
}

func (f *soakFleet) goroutines() (int, error) {
	if err := syscall.Kill(int(f.pid.Load()), syscall.SIGUSR1); err != nil {
		return 0, err
	}
	line, ok := <-f.lines
	if !ok {
		return 0, io.ErrUnexpectedEOF
	}
	return strconv.Atoi(line)
}

// soakSample is what both processes have at a moment, each the median of as
// many moments as a sample has: memory in bytes.
type soakSample struct {
	memory, fleetMemory         float64
	goroutines, fleetGoroutines float64
}

func (s soakSample) String() string {
	return fmt.Sprintf("generator %.1f MiB, %.0f goroutines; fleet %.1f MiB, %.0f goroutines",
		s.memory/(1<<20), s.goroutines, s.fleetMemory/(1<<20), s.fleetGoroutines)
}

// soakWatch samples both processes at the first minute, each fifth after, and
// at the end.
type soakWatch struct {
	t           *testing.T
	fleet       *soakFleet
	first, last time.Duration

	samples []soakSample
}

func (w *soakWatch) watch(ctx context.Context, calls *atomic.Int64) {
	start := time.Now()
	for at := w.first; ; at = min(at+5*time.Minute, w.last) {
		// A sample takes a while: it ends at its time.
		if !sleepUntil(ctx, start.Add(at-soakMoments*soakPause)) {
			return
		}
		sample, err := w.sample(ctx)
		if err != nil {
			w.t.Errorf("at %v: %v", at, err)
			return
		}
		w.samples = append(w.samples, sample)
		w.t.Logf("%7v: %s; %d calls", at.Round(time.Second), sample, calls.Load())
		if at == w.last {
			return
		}
	}
}

func sleepUntil(ctx context.Context, until time.Time) bool {
	select {
	case <-time.After(time.Until(until)):
		return true
	case <-ctx.Done():
		return false
	}
}

const (
	soakMoments = 20
	soakPause   = 250 * time.Millisecond
)

func (w *soakWatch) sample(ctx context.Context) (soakSample, error) {
	var all []soakSample
	for range soakMoments {
		memory, err := residentBytes(os.Getpid())
		if err != nil {
			return soakSample{}, err
		}
		fleetMemory, err := residentBytes(int(w.fleet.pid.Load()))
		if err != nil {
			return soakSample{}, err
		}
		goroutines, err := w.fleet.goroutines()
		if err != nil {
			return soakSample{}, err
		}
		all = append(all, soakSample{memory, fleetMemory, float64(runtime.NumGoroutine()), float64(goroutines)})
		if !sleepUntil(ctx, time.Now().Add(soakPause)) {
			return soakSample{}, ctx.Err()
		}
	}
	return soakSample{
		memory:          median(all, func(s soakSample) float64 { return s.memory }),
		fleetMemory:     median(all, func(s soakSample) float64 { return s.fleetMemory }),
		goroutines:      median(all, func(s soakSample) float64 { return s.goroutines }),
		fleetGoroutines: median(all, func(s soakSample) float64 { return s.fleetGoroutines }),
	}, nil
}

// residentBytes is a process's resident set, as Linux tells it.
func residentBytes(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0, err
	}
	// size resident ..., in pages
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm says %q", text)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}

func (w *soakWatch) judge() {
	if len(w.samples) < 2 {
		w.t.Fatalf("%d samples", len(w.samples))
	}
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	w.t.Logf("memory at the end: generator %.3f, fleet %.3f times that at %v", last.memory/first.memory, last.fleetMemory/first.fleetMemory, w.first)
	if last.memory > soakMemory*first.memory || last.fleetMemory > soakMemory*first.fleetMemory {
		w.t.Errorf("memory grew by more than %.0f %%", 100*(soakMemory-1))
	}
	if last.goroutines > first.goroutines+soakGoroutines || last.fleetGoroutines > first.fleetGoroutines+soakGoroutines {
		w.t.Error("there are more goroutines at the end")
	}
}
