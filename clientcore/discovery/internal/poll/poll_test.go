package poll_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/poll"
)

// log is what happens, with times.
type log struct {
	start time.Time
	lines []string
}

func (l *log) Update(endpoints []discovery.Endpoint) { l.add("update %v", len(endpoints)) }
func (l *log) Error(err error)                       { l.add("error %v", err) }

func (l *log) add(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf("%v ", time.Since(l.start))+fmt.Sprintf(format, args...))
}

// run watches for d; look i (from 0) sees answers[i], the later ones the last.
func run(p *poll.Poller, d time.Duration, answers []any) *log {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	l := &log{start: time.Now()}
	i := -1
	p.Watch(ctx, l, func(context.Context) ([]discovery.Endpoint, error) {
		i++
		l.add("look")
		switch a := answers[min(i, len(answers)-1)].(type) {
		case error:
			return nil, a
		default:
			return make([]discovery.Endpoint, a.(int)), nil
		}
	})
	l.add("end")
	return l
}

func TestPoller(t *testing.T) {
	bad := errors.New("bad")
	backoff := discovery.Backoff{Base: time.Second, Max: time.Minute, Multiplier: 2}
	tests := map[string]struct {
		p       *poll.Poller
		during  func(p *poll.Poller)
		d       time.Duration
		answers []any
		want    []string
	}{
		"only changes are told": {
			p: &poll.Poller{Interval: 10 * time.Second, Backoff: backoff}, d: 35 * time.Second, answers: []any{1, 1, 2, 2},
			want: []string{"0s look", "0s update 1", "10s look", "20s look", "20s update 2", "30s look", "35s end"},
		},
		"errors are retried sooner, and the same answer after them is told": {
			p: &poll.Poller{Interval: 3 * time.Second, Backoff: backoff}, d: 11 * time.Second, answers: []any{1, bad, bad, bad, 1},
			want: []string{"0s look", "0s update 1", "3s look", "3s error bad", "4s look", "4s error bad", "6s look", "6s error bad",
				"9s look", "9s update 1", "11s end"}, // 4s of backoff are cut to the interval
		},
		"none is an answer": {
			p: &poll.Poller{Interval: 10 * time.Second, Backoff: backoff}, d: 5 * time.Second, answers: []any{0},
			want: []string{"0s look", "0s update 0", "5s end"},
		},
		"refresh looks sooner, no sooner than the spacing": {
			p: &poll.Poller{Interval: 10 * time.Second, Spacing: 2 * time.Second, Backoff: backoff}, d: 16 * time.Second, answers: []any{1},
			during: func(p *poll.Poller) {
				time.Sleep(time.Second)
				p.Refresh()
				p.Refresh() // as one
				time.Sleep(4 * time.Second)
				p.Refresh()
			},
			want: []string{"0s look", "0s update 1", "2s look", "5s look", "15s look", "16s end"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.during != nil {
					go test.during(test.p)
				}
				if got := run(test.p, test.d, test.answers).lines; !slices.Equal(got, test.want) {
					t.Errorf("\n got %q\nwant %q", got, test.want)
				}
			})
		})
	}
}

// TestRefreshDuringLook: what is asked for during a look is not lost.
func TestRefreshDuringLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &poll.Poller{Interval: time.Hour, Backoff: discovery.DefaultBackoff()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		looks := 0
		p.Watch(ctx, &log{}, func(context.Context) ([]discovery.Endpoint, error) {
			if looks++; looks == 1 {
				p.Refresh()
			}
			return nil, nil
		})
		if looks != 2 {
			t.Errorf("%d looks, want 2", looks)
		}
	})
}

// TestLookEndsWithWatch: a look that is cut short by the end is no error.
func TestLookEndsWithWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l := &log{start: time.Now()}
		(&poll.Poller{Interval: time.Second, Backoff: discovery.DefaultBackoff()}).Watch(ctx, l, func(ctx context.Context) ([]discovery.Endpoint, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if len(l.lines) > 0 {
			t.Errorf("told %q", l.lines)
		}
	})
}
