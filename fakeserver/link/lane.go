package link

import (
	"os"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
)

// lane is one direction of a link: bytes come out in the order in which they
// went in, each piece when it is due.
type lane struct {
	config Config
	wait   func(d time.Duration, wake <-chan struct{})

	mu      sync.Mutex
	draws   draw.Stream
	pieces  []piece
	held    int       // bytes in pieces
	free    time.Time // when the sender's end can take the next piece
	last    time.Time // when the last piece is due
	putErr  error     // what put returns: nothing goes in any more
	takeErr error     // what take returns, whatever there is
	takeBy  deadline
	putBy   deadline
	changed chan struct{} // closed at the next change
}

// piece is bytes on their way, or the end of them.
type piece struct {
	data []byte
	err  error // with it the lane ends
	due  time.Time
}

// newLane makes a lane that is open from a time on.
func newLane(c Config, draws draw.Stream, open time.Time, wait func(time.Duration, <-chan struct{})) *lane {
	return &lane{config: c, wait: wait, draws: draws, free: open, changed: make(chan struct{})}
}

// put sends data, which is the lane's from then on. It waits while the lane is
// full, until the deadline putBy.
func (l *lane) put(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.putErr != nil:
			return l.putErr
		case l.putBy.passed(time.Now()):
			return os.ErrDeadlineExceeded
		case l.held == 0 || l.held+len(data) <= l.config.window():
			l.held += len(data)
			l.push(piece{data: data})
			return nil
		}
		l.sleep(0)
	}
}

// finish lets take return err once everything before is out, as late as bytes
// would be. Nothing can be put after it.
func (l *lane) finish(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.putErr == nil {
		l.putErr = err
		l.push(piece{err: err})
	}
}

// abort lets put and take return err at once.
func (l *lane) abort(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.takeErr == nil {
		l.putErr, l.takeErr, l.pieces = err, err, nil
		l.takeBy.stop()
		l.putBy.stop()
		l.change()
	}
}

// push sends a piece on its way. mu must be held.
func (l *lane) push(p piece) {
	l.free = later(l.free, time.Now())
	if l.config.Bandwidth > 0 {
		l.free = l.free.Add(time.Duration(float64(len(p.data)) / l.config.Bandwidth * float64(time.Second)))
	}
	trip := l.config.RTT
	if j := l.config.Jitter; j > 0 {
		trip += time.Duration((2*l.draws.Float64() - 1) * float64(j))
	}
	l.last = later(l.last, l.free.Add(trip/2))
	p.due = l.last
	l.pieces = append(l.pieces, p)
	l.change()
}

// take reads what is due, at least a byte, until the deadline takeBy.
func (l *lane) take(into []byte) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		now := time.Now()
		var wait time.Duration // until something is due; 0 is until a change
		if len(l.pieces) > 0 {
			wait = l.pieces[0].due.Sub(now)
		}
		switch {
		case l.takeErr != nil:
			return 0, l.takeErr
		case l.takeBy.passed(now):
			return 0, os.ErrDeadlineExceeded
		case len(into) == 0:
			return 0, nil
		case len(l.pieces) == 0 || wait > 0:
			l.sleep(wait)
			continue
		}
		for n < len(into) && len(l.pieces) > 0 && !l.pieces[0].due.After(now) {
			p := &l.pieces[0]
			if p.err != nil {
				if n == 0 {
					return 0, p.err // stays, for whoever asks again
				}
				return n, nil
			}
			taken := copy(into[n:], p.data)
			n += taken
			l.held -= taken
			if p.data = p.data[taken:]; len(p.data) == 0 {
				*p = piece{}
				l.pieces = l.pieces[1:]
			}
		}
		l.change()
		return n, nil
	}
}

// sleep waits for a change, at most for d when that is not 0. mu must be held,
// and is not meanwhile.
func (l *lane) sleep(d time.Duration) {
	changed := l.changed
	l.mu.Unlock()
	if d > 0 {
		l.wait(d, changed)
	} else {
		<-changed
	}
	l.mu.Lock()
}

// change wakes whoever waits. mu must be held.
func (l *lane) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// deadline is a time after which waiting is over; the zero deadline is none.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed(now time.Time) bool { return !d.at.IsZero() && !now.Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (l *lane) setDeadline(d *deadline, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.stop()
	*d = deadline{at: at}
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.change()
		})
	}
	l.change()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
