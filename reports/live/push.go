package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/exposition"
	"github.com/grpcbench/grpcbench/reports/otlp"
)

const (
	// pushEvery is how long there is between two pushes at least: a little less
	// than the second in which there is something new.
	pushEvery = 900 * time.Millisecond
	// pushPatience is how long a receiver may take for one.
	pushPatience = 5 * time.Second
	// firstBackoff doubles with each push that fails, up to lastBackoff. There is
	// one pusher, which needs no jitter.
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
	// mostTrials is how many finished trials are in one push.
	mostTrials = 32
)

// Sender takes metrics to where they are kept; its errors are *otlp.Error.
type Sender interface {
	Send(context.Context, []exposition.Family) error
}

// Pusher sends the metrics of a run, as it goes on, to who wants to be sent
// them. Nothing waits for it. What could not be sent is not kept: the next push
// has the newest figures, which count from the trial's begin. Only finished
// trials are sent again until they are taken.
type Pusher struct {
	run  *Run
	to   Sender
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	pushed Pushed
}

// Pushed is how pushing went.
type Pushed struct {
	Sent, Failed int
	// Trials is finished trials that were never taken, Last the last failure.
	Trials int
	Last   error
}

// Push starts to push.
func Push(run *Run, to Sender) *Pusher {
	ctx, stop := context.WithCancel(context.Background())
	p := &Pusher{run: run, to: to, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.loop(ctx)
	}()
	return p
}

// Close ends it. Where the run has ended, what is left is sent first, for
// flushPatience at most.
func (p *Pusher) Close() Pushed {
	if _, ended, _ := p.run.watch(); ended {
		select {
		case <-p.done:
		case <-time.After(flushPatience):
		}
	}
	p.stop()
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pushed
}

// taken is how many trials of each variant the receiver has.
type taken map[string]int

func (t taken) total() (n int) {
	for _, one := range t {
		n += one
	}
	return n
}

func (t taken) addTo(all taken) {
	for variant, n := range t {
		all[variant] += n
	}
}

func (p *Pusher) loop(ctx context.Context) {
	var seen stamp
	var next time.Time
	var backoff time.Duration
	has := taken{}
	for tried := false; ctx.Err() == nil; {
		known, ended, changed := p.run.watch()
		if wait := time.Until(next); known != seen && (wait <= 0 || ended && !tried) {
			// At the end one more is tried, whatever came before.
			tried = ended
			more, err := p.push(ctx, has)
			var refused *otlp.Error
			switch {
			case err == nil:
				backoff, next = 0, time.Now().Add(pushEvery)
				if !more {
					seen = known
				}
				if more || ended {
					next, tried = time.Now(), false
				}
			case errors.As(err, &refused) && !refused.Again:
				// The same would be refused again: go on with what comes.
				seen, next = known, time.Now().Add(pushEvery)
			default:
				backoff = min(lastBackoff, max(firstBackoff, 2*backoff))
				wait := backoff
				if refused != nil {
					wait = max(wait, refused.After)
				}
				next = time.Now().Add(wait)
			}
			continue
		}
		if ended && known == seen {
			return
		}
		timer := time.NewTimer(max(time.Until(next), time.Millisecond))
		due := timer.C
		if known == seen {
			due = nil
		}
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// push sends what the receiver has not; more says that there are more finished
// trials.
func (p *Pusher) push(ctx context.Context, has taken) (more bool, err error) {
	res, moment, _ := p.run.now()
	if res == nil {
		return false, nil
	}
	m, sent, missing := reports.NewMetrics(res), taken{}, 0
	for i := range res.Variants {
		v := &res.Variants[i]
		for j := has[v.Name]; j < len(v.Trials); j++ {
			missing++
			if sent.total() >= mostTrials {
				more = true
			} else if err := m.Read(v, &v.Trials[j]); err != nil {
				return false, p.failed(err, missing)
			} else {
				sent[v.Name]++
			}
		}
	}
	families := m.At(moment)
	// All of it stands so now. What was sent last of a trial under way was later
	// than its measurement's end, at which a finished one stands.
	now := time.Now()
	for _, f := range families {
		for i := range f.Samples {
			f.Samples[i].At = now
		}
	}
	if err := p.send(ctx, families); err != nil {
		if again, ok := errors.AsType[*otlp.Error](err); ok && !again.Again {
			sent.addTo(has) // refused for good
		}
		return more, p.failed(err, missing)
	}
	sent.addTo(has)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushed.Sent++
	p.pushed.Trials = missing - sent.total()
	return more, nil
}

func (p *Pusher) send(ctx context.Context, families []exposition.Family) error {
	ctx, cancel := context.WithTimeout(ctx, pushPatience)
	defer cancel()
	return p.to.Send(ctx, families)
}

func (p *Pusher) failed(err error, missing int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushed.Failed++
	p.pushed.Last, p.pushed.Trials = err, missing
	return err
}
