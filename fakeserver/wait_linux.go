package fakeserver

import (
	"container/heap"
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarm waits with one timerfd for all. Go's own timers are up to a
// millisecond late when the process is otherwise idle, because it then sleeps
// in epoll_wait, which counts whole milliseconds; a timerfd is a file that
// becomes readable, which ends that sleep at once.
type alarm struct {
	file *os.File
	fd   int
	done sync.WaitGroup
	pool sync.Pool // of *deadline; not shared with another alarm

	mu   sync.Mutex
	line deadlines
	set  time.Time // when the timerfd goes off; zero is never
}

// deadline is one caller that waits. Its channel, of one place, receives when
// the time has come.
type deadline struct {
	at    time.Time
	place int // in the heap
	over  chan struct{}
}

// newWaiter makes the most exact waiter that there is.
func newWaiter() waiter {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return timers{} // a sandbox without timerfd
	}
	a := &alarm{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	a.pool.New = func() any { return &deadline{over: make(chan struct{}, 1)} }
	a.done.Go(a.run)
	return a
}

func (a *alarm) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	w := a.pool.Get().(*deadline)
	w.at = time.Now().Add(d)
	a.mu.Lock()
	heap.Push(&a.line, w)
	if a.set.IsZero() || w.at.Before(a.set) {
		a.arm(w.at)
	}
	a.mu.Unlock()
	select {
	case <-w.over:
		a.pool.Put(w)
		return nil
	case <-wake:
	case <-ctx.Done():
	}
	// Whoever was woken is not told of a ctx that ended meanwhile: it asks.
	var err error
	select {
	case <-wake:
	default:
		err = ctx.Err()
	}
	a.mu.Lock()
	if w.place >= 0 {
		heap.Remove(&a.line, w.place)
	} else {
		<-w.over // sent in the same moment, under the lock
	}
	a.mu.Unlock()
	a.pool.Put(w)
	return err
}

// arm sets the timerfd to go off at a time, or at once when that has passed.
// mu must be held.
func (a *alarm) arm(at time.Time) {
	a.set = at
	in := max(time.Until(at), 1) // 0 would disarm it
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		panic("fakeserver: timerfd: " + err.Error()) // only for an fd or time that is none
	}
}

// run wakes those whose time has come, until close.
func (a *alarm) run() {
	expirations := make([]byte, 8)
	for {
		if _, err := a.file.Read(expirations); err != nil {
			return
		}
		a.mu.Lock()
		now := time.Now()
		for len(a.line) > 0 && !now.Before(a.line[0].at) {
			heap.Pop(&a.line).(*deadline).over <- struct{}{}
		}
		a.set = time.Time{}
		if len(a.line) > 0 {
			a.arm(a.line[0].at)
		}
		a.mu.Unlock()
	}
}

func (a *alarm) close() {
	_ = a.file.Close() // ends run
	a.done.Wait()
}

// deadlines is a heap, the earliest first.
type deadlines []*deadline

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }

func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}

func (d *deadlines) Push(x any) {
	w := x.(*deadline)
	w.place = len(*d)
	*d = append(*d, w)
}

func (d *deadlines) Pop() any {
	last := len(*d) - 1
	w := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	w.place = -1
	return w
}
