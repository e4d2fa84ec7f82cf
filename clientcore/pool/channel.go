package pool

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/connectivity"
)

// retired is the bit of a channel's load that says that no call may begin on it
// any more. It is larger than any number of calls.
const retired = 1 << 62

// channel is one channel in a slot. After it was replaced it lives on until its
// last call has ended.
type channel struct {
	slot int
	conn Conn // set before any pick can find the channel

	// load is the calls and streams in flight, and the retired bit. Both are in
	// one number so that a call begins either before the channel is retired,
	// which then waits for the call's end, or not at all.
	load atomic.Int64
	// used is when a call last ended, or the channel began to connect, in
	// nanoseconds of the pool's life. Kept only where there is a MaxIdle.
	used atomic.Int64

	gone    context.Context // ends when the channel is replaced
	leave   context.CancelFunc
	closing sync.Once
	closed  error

	// Drawn when the channel is made.
	patience time.Duration // with failures, before it is rebuilt
	life     time.Duration // before it is recycled

	// Guarded by Pool.mu.
	state     connectivity.State // the last reported
	asleep    bool               // was not told to connect
	connected time.Time          // when it was told to connect
	failing   time.Time          // when it entered TRANSIENT_FAILURE, with neither READY nor IDLE since
	notBefore time.Time          // when a replacement that failed may be tried again
}

// enter counts a call, unless the channel is retired.
func (c *channel) enter() bool { return c.load.Add(1)&retired == 0 }

// exit takes back what enter counted, whatever it returned, and tells whether
// the channel is retired and empty now. More than one call of exit may be told
// so, since an enter that is refused counts for a moment, too.
func (c *channel) exit() bool { return c.load.Add(-1) == retired }

// retire refuses all calls from now on, and tells whether there are none.
func (c *channel) retire() bool {
	c.leave()
	return c.load.Add(retired) == retired
}

func (c *channel) inFlight() int64 { return c.load.Load() &^ retired }

// close closes the connection, once.
func (c *channel) close() error {
	c.closing.Do(func() {
		c.leave()
		c.closed = c.conn.Close()
	})
	return c.closed
}
