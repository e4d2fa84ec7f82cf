package hedge

import (
	"context"
	"time"
)

// Observer is told of the attempts of one call, which run side by side. It must
// not block, nor make calls; it may be called from several goroutines at a time.
type Observer interface {
	// Begin is told of an attempt that begins now, delay after the one before
	// it: what the policy or the server asked for, 0 for one that is sent at
	// once. The attempt is made with the context that it returns.
	Begin(ctx context.Context, delay time.Duration) (context.Context, Attempt)
}

// Attempt is told of one attempt.
type Attempt interface {
	// End is told how the attempt ended; nil is success. An attempt that lost
	// ended with the status of its cancellation.
	End(err error)
	// Decide is told that the call ends as this attempt does. It may come
	// before or after End.
	Decide()
}
