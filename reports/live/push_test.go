package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/exposition"
	"github.com/grpcbench/grpcbench/reports/otlp"
	"github.com/grpcbench/grpcbench/reports/result"
)

// sink is a receiver: take says what it answers, after which time.
type sink struct {
	take  func(n int) error
	takes time.Duration
	at    []time.Duration
	began time.Time
	got   []string // per push, the count of each histogram
}

func (s *sink) Send(ctx context.Context, families []exposition.Family) error {
	s.at = append(s.at, time.Since(s.began))
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.take != nil {
		if err := s.take(len(s.at)); err != nil {
			return err
		}
	}
	var counts []string
	for _, f := range families {
		for _, one := range f.Samples {
			if f.Kind == exposition.Durations {
				counts = append(counts, fmt.Sprintf("%s/%s:%d", one.Labels[1].Value, one.Labels[2].Value, one.Histogram.Count))
			}
		}
	}
	s.got = append(s.got, strings.Join(counts, " "))
	return nil
}

// told tells of a trial of so many seconds, a second at a time.
func told(run *Run, n, seconds int) {
	run.Step(step(n, 0, 0))
	for i := range seconds {
		time.Sleep(time.Second)
		run.Step(step(n, i, 100))
	}
}

func TestPushEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := NewRun()
		s := &sink{began: time.Now()}
		p := Push(run, s)
		run.Start(plan())
		synctest.Wait()
		told(run, 1, 4)
		synctest.Wait()
		res := plan()
		done := trial(t, 400)
		res.Variants[0].Trials = []result.Trial{done}
		run.Trial(res)
		told(run, 2, 2)
		synctest.Wait()
		done = trial(t, 200)
		done.Index = 1
		res.Variants[0].Trials = append(res.Variants[0].Trials, done)
		run.End(res, "")
		if pushed := p.Close(); pushed.Failed != 0 || pushed.Trials != 0 {
			t.Errorf("%+v", pushed)
		}
		got := slices.Compact(slices.DeleteFunc(s.got, func(s string) bool { return s == "" }))
		// Of the fourth second what is sent last is the finished trial; the second
		// of the second trial comes with its end.
		want := []string{"retry=none/0:100", "retry=none/0:200", "retry=none/0:300", "retry=none/0:400", "retry=none/1:100", "retry=none/1:200"}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		for i := 1; i < len(s.at)-1; i++ {
			if between := s.at[i] - s.at[i-1]; between < pushEvery {
				t.Errorf("push %d comes %v after the one before", i, between)
			}
		}
	})
}

// While the receiver is away pushes become rarer, and nothing finished is lost.
func TestPushBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := NewRun()
		s := &sink{began: time.Now(), take: func(n int) error {
			if n <= 6 {
				return &otlp.Error{Again: true}
			}
			return nil
		}}
		p := Push(run, s)
		run.Start(plan())
		synctest.Wait()
		told(run, 1, 100)
		res := plan()
		for range 40 { // more than one push takes
			res.Variants[0].Trials = append(res.Variants[0].Trials, trial(t, 10))
			res.Variants[0].Trials[len(res.Variants[0].Trials)-1].Index = len(res.Variants[0].Trials) - 1
		}
		run.Trial(res)
		synctest.Wait()
		run.End(res, "")
		pushed := p.Close()
		if pushed.Failed != 6 || pushed.Trials != 0 || pushed.Last == nil {
			t.Errorf("%+v", pushed)
		}
		want := []time.Duration{0, 1 * time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second, 31 * time.Second, 61 * time.Second}
		if !slices.Equal(s.at[:7], want) {
			t.Errorf("pushed at %v, want %v", s.at[:7], want)
		}
		all := map[string]bool{}
		for _, one := range s.got {
			for _, series := range strings.Fields(one) {
				all[series] = true
			}
		}
		for i := range 40 {
			if key := fmt.Sprintf("retry=none/%d:10", i); !all[key] {
				t.Errorf("%s never arrived", key)
			}
		}
	})
}

// What is refused for good is not sent again.
func TestPushRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := NewRun()
		s := &sink{began: time.Now(), take: func(int) error { return &otlp.Error{} }}
		p := Push(run, s)
		run.Start(plan())
		synctest.Wait()
		told(run, 1, 3)
		res := plan()
		res.Variants[0].Trials = []result.Trial{trial(t, 10)}
		run.End(res, "")
		began := time.Now()
		pushed := p.Close()
		if pushed.Sent != 0 || pushed.Failed != len(s.at) || pushed.Trials != 1 || time.Since(began) > time.Second {
			t.Errorf("%+v of %d pushes, closed in %v", pushed, len(s.at), time.Since(began))
		}
		if n := len(s.at); n > 6 {
			t.Errorf("%d pushes of 3 s", n)
		}
	})
}

// A receiver that never answers holds up nothing, and the end not for long.
func TestPushToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := NewRun()
		s := &sink{began: time.Now(), takes: time.Hour}
		p := Push(run, s)
		run.Start(plan())
		synctest.Wait()
		began := time.Now()
		told(run, 1, 30)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("a trial of 30 s took %v", took)
		}
		if len(s.at) < 2 || s.at[1] < pushPatience {
			t.Errorf("pushed at %v", s.at)
		}
		run.End(plan(), "")
		began = time.Now()
		pushed := p.Close()
		if took := time.Since(began); took > flushPatience {
			t.Errorf("the end took %v", took)
		}
		if !errors.Is(pushed.Last, context.DeadlineExceeded) && !errors.Is(pushed.Last, context.Canceled) {
			t.Errorf("%+v", pushed)
		}
	})
}
