package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	bench "github.com/grpcbench/grpcbench/scenario/run"
)

// display shows a run's progress on standard error.
type display interface {
	show(bench.Progress)
	close()
}

// newDisplay is a live bar on a terminal, one plain line every ten seconds
// elsewhere (and under CI), nothing when quiet.
func newDisplay(w io.Writer, plan *scenario.Plan, quiet bool) display {
	total := plan.Duration()
	if quiet {
		return silent{}
	}
	if _, ok := terminal(w); ok && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" {
		return newLive(w, total, newSpeed(plan))
	}
	about, most := "about", ""
	if plan.OpenEnded() {
		about = "at most"
	}
	if plan.MaxTrials > plan.Trials {
		most = "up to "
	}
	fmt.Fprintf(w, "%s: %s%s of %s, %s %v\n", plan.Base.Name, most,
		count(plan.MostTrials(), "trial"), count(len(plan.Variants), "variant"), about, total.Round(time.Second))
	return &plainDisplay{w: w, speed: newSpeed(plan), last: time.Now()}
}

type silent struct{}

func (silent) show(bench.Progress) {}
func (silent) close()              {}

// plainEvery is how often the plain display writes a line.
const plainEvery = 10 * time.Second

// plainDisplay writes lines that a log keeps well.
type plainDisplay struct {
	w     io.Writer
	speed speed
	last  time.Time
}

func (p *plainDisplay) show(e bench.Progress) {
	if e.Interval == nil || time.Since(p.last) < plainEvery {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.w, "%v elapsed, %v left: block %d/%d, %s, %s: %s\n",
		e.Elapsed.Round(time.Second), e.Remaining.Round(time.Second), e.Block, e.Blocks, e.Variant, e.Phase, p.speed.figures(e.Interval))
}

func (p *plainDisplay) close() {}

// live is a bar with the figures of the last second under it.
type live struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	total    time.Duration
	speed    speed

	mu   sync.Mutex // mpb's decorators run on its own goroutine
	what string
	now  string
}

func newLive(w io.Writer, total time.Duration, s speed) *live {
	l := &live{progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(24)), total: total, speed: s}
	l.bar = l.progress.New(int64(total), mpb.BarStyle().Lbound("").Rbound(" ").Filler("━").Tip("╸").Padding("─"),
		mpb.BarRemoveOnComplete(),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return l.read(&l.what) })),
		mpb.BarExtender(mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
			_, err := fmt.Fprintln(w, l.read(&l.now))
			return err
		}), false),
	)
	return l
}

func (l *live) read(s *string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *s
}

func (l *live) show(e bench.Progress) {
	l.mu.Lock()
	l.what = fmt.Sprintf("%v, %v left · block %d/%d · %s · %s", e.Elapsed.Round(time.Second), e.Remaining.Round(time.Second),
		e.Block, e.Blocks, clip(e.Variant, 24), e.Phase)
	switch {
	case e.Interval != nil:
		l.now = l.speed.figures(e.Interval)
	case e.Phase == bench.Preparing:
		l.now = "" // the figures were the last trial's
	}
	l.mu.Unlock()
	l.bar.SetCurrent(int64(min(max(l.total-e.Remaining, 0), l.total-1)))
}

func (l *live) close() {
	l.bar.Abort(true)
	l.progress.Wait()
}

// speed writes an interval in words. An interval is a second, but for the last
// one of a phase that is no whole number of them.
type speed struct{ warmup, measure time.Duration }

func newSpeed(plan *scenario.Plan) speed { return speed{plan.Warmup, plan.Measure} }

// length is how long calls were made in the interval.
func (s speed) length(i *result.Interval) time.Duration {
	phase, before := s.measure, time.Duration(i.Second)*time.Second
	if i.Second < 0 {
		whole := (s.warmup + time.Second - 1) / time.Second
		phase, before = s.warmup, (whole+time.Duration(i.Second))*time.Second
	}
	return min(phase-before, time.Second)
}

// figures is calls/s, p99, failures and calls in flight, over all series.
func (s speed) figures(i *result.Interval) string {
	var done, failed, flight int64
	var p99 int64
	for _, s := range i.Series {
		done += s.OK + s.Failed
		failed += s.Failed
		flight += s.InFlight
		p99 = max(p99, s.P99NS)
	}
	rate := "draining"
	if length := s.length(i); length > 0 {
		rate = fmt.Sprintf("%.0f calls/s", float64(done)/length.Seconds())
	}
	return fmt.Sprintf("%s, p99 %s, %d failed, %d in flight", rate, short(time.Duration(p99)), failed, flight)
}

// short writes a duration with three significant digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
