package engine

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fineSleep is the last part of a wait, which a timerfd ends: more than the
// millisecond or so by which a runtime timer may be late, and little enough to
// leave out of cancellation.
const fineSleep = 1500 * time.Microsecond

// sleepers holds idle sleepers, so that a wait neither allocates nor opens a
// file. It is a cache without meaning: a lost sleeper's file is closed by the
// garbage collector.
var sleepers = sync.Pool{New: func() any { return newExactSleeper() }}

// timers holds idle timers likewise, for the part of a wait that needs no more: of
// thousands that wait at a time, in sessions or between messages, only those that
// are about to wake have a file.
var timers = sync.Pool{New: func() any { return new(timerSleeper) }}

// SleepUntil waits until a time on a real clock, to some tens of microseconds,
// or until ctx ends: then it returns ctx's error, at most 2 ms late. It blocks
// no thread and does not spin. It must not be used in a synctest bubble: it
// waits for the kernel.
//
// A process that is idle waits in epoll_wait, whose timeout counts whole
// milliseconds: that is what makes Go's timers late. So the last bit of the
// wait, fineSleep, is a timerfd, which ends epoll_wait to the microsecond. A
// process that is busy looks at its timers between goroutines but seldom polls,
// so the same bit has a timer too, as a read deadline; whichever comes first
// ends it.
func SleepUntil(ctx context.Context, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	left := time.Until(until)
	if left <= 0 {
		return nil
	}
	if left > fineSleep {
		if err := sleepCoarsely(ctx, until.Add(-fineSleep)); err != nil {
			return err
		}
	}
	s := sleepers.Get().(*exactSleeper)
	defer sleepers.Put(s)
	for time.Until(until) > 0 {
		if !s.fine(until) {
			return sleepCoarsely(ctx, until)
		}
	}
	return ctx.Err()
}

func sleepCoarsely(ctx context.Context, until time.Time) error {
	s := timers.Get().(*timerSleeper)
	defer timers.Put(s)
	return s.sleep(ctx, until)
}

// exactSleeper is a timerfd on the runtime's poller.
type exactSleeper struct {
	file   *os.File // nil when the system gave none
	conn   syscall.RawConn
	left   time.Duration
	armed  bool
	failed bool
	// poll is the method value, made once: making it anew would allocate.
	poll func(fd uintptr) bool
}

func newExactSleeper() *exactSleeper {
	s := &exactSleeper{}
	s.poll = s.armThenWait
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return s // out of files, say: waits are then as exact as timers
	}
	s.file = os.NewFile(uintptr(fd), "timerfd")
	if s.conn, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		s.file = nil
	}
	return s
}

// fine waits until a time that is near. It may return early; false means that
// the timerfd does not work.
func (s *exactSleeper) fine(until time.Time) bool {
	if s.file == nil || s.file.SetReadDeadline(until) != nil {
		return false
	}
	s.left, s.armed, s.failed = time.Until(until), false, false
	if s.left <= 0 {
		return true
	}
	_ = s.conn.Read(s.poll) // its only error here is that the deadline has passed
	return !s.failed
}

// armThenWait is called by RawConn.Read: first at once, to arm the timer, and
// again when it has fired. The expiry is never read: arming clears it.
func (s *exactSleeper) armThenWait(fd uintptr) bool {
	if s.armed {
		return true
	}
	s.armed = true
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(s.left))}
	s.failed = unix.TimerfdSettime(int(fd), 0, &spec, nil) != nil
	return s.failed
}
