package pool

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
)

// Conn is what the pool needs of a channel: *grpc.ClientConn is one. A stream's
// end must be told to grpc.OnFinish, as grpc-go does also when the stream's
// context ends.
type Conn interface {
	grpc.ClientConnInterface
	Connect()
	GetState() connectivity.State
	WaitForStateChange(ctx context.Context, last connectivity.State) bool
	Close() error
}

var _ Conn = (*grpc.ClientConn)(nil)

// Dial makes a channel for a slot, counted from 0, without connecting it. The
// channel must pass each new state of its own to report, in order; report does
// not block and does not call the channel. A slot is dialled again when its
// channel is replaced, from a goroutine of the pool; the channel that was there
// may go on reporting. Dials are one at a time.
type Dial func(slot int, report func(connectivity.State)) (Conn, error)
