package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

const (
	// greetPatience is how long a build may take to greet, and to read a plan.
	greetPatience = 20 * time.Second
	// stopPatience is how long a build may take to close the books of a trial that
	// is to stop, and to end.
	stopPatience = 20 * time.Second
)

// Build is a build of grpcbench in a process of its own, which runs trials on
// command: see Protocol.
type Build struct {
	// Path is the program, for messages.
	Path        string
	Environment result.Environment

	cmd    *exec.Cmd
	orders *json.Encoder
	stdin  io.Closer
	lines  chan json.RawMessage // closed when the process has ended
	words  *lastWords
	garble error // why the lines ended, where that is not their end; read after lines
	end    error // of the process; read after lines
	once   sync.Once
}

// StartBuild starts cmd, whose main must be ServeTrials on its standard input and
// output, and hears its greeting. cmd must not be started.
func StartBuild(ctx context.Context, cmd *exec.Cmd) (*Build, error) {
	b := &Build{Path: cmd.Path, cmd: cmd, lines: make(chan json.RawMessage), words: &lastWords{}}
	cmd.Stderr = b.words
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		_ = stdin.Close() // never used
		return nil, err
	}
	b.stdin, b.orders = stdin, json.NewEncoder(stdin)
	if err := cmd.Start(); err != nil {
		return nil, startError(err)
	}
	go b.listen(stdout)
	var g greeting
	if err := b.hear(ctx, greetPatience, &g); err != nil {
		b.kill()
		return nil, fmt.Errorf("it does not run trials on command, as grpcbench does (protocol %d): %w", Protocol, err)
	}
	if g.Protocol != Protocol || g.Schema != result.SchemaVersion {
		_ = b.Close() // it has done nothing yet
		return nil, fmt.Errorf("it speaks protocol %d of trials with results of schema %d, and this grpcbench protocol %d with schema %d: take builds that are nearer to one another",
			g.Protocol, g.Schema, Protocol, result.SchemaVersion)
	}
	b.Environment = g.Environment
	return b, nil
}

// startError is the system's own words: the path is told already.
func startError(err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		return cause
	}
	return err
}

// listen passes the process's lines on until it ends.
func (b *Build) listen(stdout io.Reader) {
	defer close(b.lines)
	decoder := json.NewDecoder(bufio.NewReader(stdout))
	for {
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			if !errors.Is(err, io.EOF) {
				b.garble = err
			}
			break
		}
		b.lines <- line
	}
	_, _ = io.Copy(io.Discard, stdout)
	// Wait closes stdout, so it comes after the reading.
	b.end = b.cmd.Wait()
}

// hear waits for the next line.
func (b *Build) hear(ctx context.Context, patience time.Duration, into any) error {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case line, more := <-b.lines:
		if !more {
			return b.gone()
		}
		if err := json.Unmarshal(line, into); err != nil {
			return fmt.Errorf("it says what nobody understands: %w", err)
		}
		return nil
	case <-patient.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("it said nothing for %v", patience)
	}
}

// gone says how the process ended, once its lines have.
func (b *Build) gone() error {
	how := "it ended"
	switch {
	case b.garble != nil:
		how = "it says what nobody understands: " + b.garble.Error()
	case b.end != nil:
		how = "it ended with " + b.end.Error()
	}
	if words := b.words.String(); words != "" {
		return fmt.Errorf("%s: %s", how, words)
	}
	return errors.New(how)
}

// read has the build read the scenario, and agree on what that comes to.
func (b *Build) read(ctx context.Context, ask planOrder, sum string) error {
	if err := b.orders.Encode(ask); err != nil {
		return b.refused(ctx)
	}
	var answer planAnswer
	switch err := b.hear(ctx, greetPatience, &answer); {
	case err != nil:
		return err
	case answer.Refused != "":
		return fmt.Errorf("it does not run this scenario: %s", answer.Refused)
	case answer.Sum != sum:
		return errors.New("it makes another load, other faults or other times of this scenario: results would not be of the same thing")
	}
	return nil
}

// refused is why an order could not be given: the process is gone, and says how.
func (b *Build) refused(ctx context.Context) error {
	var nothing json.RawMessage
	for {
		if err := b.hear(ctx, stopPatience, &nothing); err != nil {
			return err
		}
	}
}

// trial has the build run a trial. When ctx ends it is stopped, and comes back
// partial, or nil where it was not measuring yet.
func (b *Build) trial(ctx context.Context, o trialOrder, died <-chan struct{}, each func(trialReport)) (*result.Trial, error) {
	if err := b.orders.Encode(order{Trial: &o}); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Path, b.refused(ctx))
	}
	stopped := ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case line, more := <-b.lines:
			if !more {
				return nil, fmt.Errorf("%s during a trial: %w", b.Path, b.gone())
			}
			var r trialReport
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, fmt.Errorf("%s says what nobody understands: %w", b.Path, err)
			}
			switch {
			case r.Error != "":
				return nil, fmt.Errorf("%s: %s", b.Path, r.Error)
			case r.Done:
				return r.Trial, nil
			}
			each(r)
		case <-died:
			died = nil
			_ = b.orders.Encode(order{FleetDied: true}) // or it is gone, which its lines say
		case <-stopped:
			stopped, late = nil, time.After(stopPatience)
			_ = b.orders.Encode(order{Stop: true}) // likewise
		case <-late:
			b.kill()
			return nil, fmt.Errorf("%s did not stop within %v", b.Path, stopPatience)
		}
	}
}

// Close tells the process to end and waits for it; one that does not is killed.
// It may be called more than once.
func (b *Build) Close() error {
	b.once.Do(func() { _ = b.stdin.Close() }) // it may be gone already
	late := time.After(stopPatience)
	for {
		select {
		case _, more := <-b.lines:
			if !more {
				return b.end
			}
		case <-late:
			b.kill()
		}
	}
}

// kill ends the process and waits for it.
func (b *Build) kill() {
	_ = b.cmd.Process.Kill() // it may be gone already
	for range b.lines {
	}
}

// lastWords keeps the end of what is written to it. Safe for concurrent use.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

const mostWords = 400

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	w.text = w.text[max(0, len(w.text)-mostWords):]
	return len(p), nil
}

// String is the words on one line.
func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(w.text), "")), " ")
}

// Pair is the two builds that a plan compares.
type Pair struct {
	This, Other *Build
	Names       scenario.Builds
}

// Agree has both builds read the scenario that plan is of, before they are told
// apart: text is the file's, opts what it was read with. The error names the build
// and is the user's to solve.
func (p *Pair) Agree(ctx context.Context, file, text string, opts scenario.Options) error {
	opts.Builds, opts.Gates = nil, nil
	plan, err := scenario.Read(file, []byte(text), opts)
	if err != nil {
		return err
	}
	ask := planOrder{File: file, Text: text, Set: opts.Set, Only: opts.Only, Trials: opts.Trials, MeasureNS: int64(opts.Measure)}
	for _, b := range []*Build{p.This, p.Other} {
		if err := b.read(ctx, ask, planSum(plan)); err != nil {
			return fmt.Errorf("%s: %w", b.Path, err)
		}
	}
	return nil
}

// Close ends both builds; those of no pair are none.
func (p *Pair) Close() {
	if p == nil {
		return
	}
	for _, b := range []*Build{p.This, p.Other} {
		if b != nil {
			_ = b.Close() // what it has measured is here
		}
	}
}

// of is the build that a variant is of.
func (p *Pair) of(b scenario.Build) *Build {
	if b == scenario.OtherBuild {
		return p.Other
	}
	return p.This
}

func (p *Pair) describe() []result.Build {
	return []result.Build{{Name: p.Names.Other, Environment: p.Other.Environment}, {Name: p.Names.This, Environment: p.This.Environment}}
}

// errDiedEarly is why a trial in a build has not begun: its fleet died of being made
// ready.
var errDiedEarly = errors.New("the fleet's process ended while it was configured")

// commanded runs one trial in the build that the variant is of. A fleet that dies
// before the trial has begun is started again, once, as prepare does.
func (r *runner) commanded(ctx context.Context, block, index int) (*result.Trial, error) {
	r.progress.begin(r.plan.Variants[index].Name, block)
	t, err := r.ordered(ctx, block, index)
	if !errors.Is(err, errDiedEarly) || ctx.Err() != nil {
		return t, err
	}
	if t, err = r.ordered(ctx, block, index); errors.Is(err, errDiedEarly) {
		return nil, diedAgain(err)
	}
	return t, err
}

// ordered runs one trial in its build with the fleet that there is.
func (r *runner) ordered(ctx context.Context, block, index int) (*result.Trial, error) {
	v := &r.plan.Variants[index]
	o := trialOrder{Variant: v.Own, Block: block}
	var died <-chan struct{}
	var err error
	if o.Fleet, o.Token, died, err = r.backends.lend(ctx); err != nil {
		return nil, err
	}
	begun := false
	watcher, length := gate.NewWatcher(r.plan.AbortWhen, r.plan.Subject(), index), newLength(v.Scenario, r.plan.Measure)
	t, err := r.opts.Builds.of(v.Build).trial(ctx, o, died, func(report trialReport) {
		switch {
		case report.Interval != nil:
		case report.Phase == Measuring:
			r.progress.measuring(report.T0)
			return
		default:
			begun = begun || report.Phase == WarmingUp
			r.progress.phase(report.Phase)
			return
		}
		i := *report.Interval
		r.progress.interval(i, r.plan.Warmup+time.Duration(i.Second+1)*time.Second)
		if length.has(i) {
			if reason := watcher.Add(i); reason != "" {
				r.abort(reason)
			}
		}
		if i.Second >= 0 {
			length.enough(i)
		}
	})
	switch {
	case err == nil || !closes(ctx, died):
		return t, err
	case !begun:
		return nil, fmt.Errorf("%w: %v", errDiedEarly, err)
	default: // it died before the trial could say so
		return (&trial{runner: r, block: block}).dead(nil), nil
	}
}
