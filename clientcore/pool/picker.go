package pool

import (
	"slices"
	"sync/atomic"

	"google.golang.org/grpc/connectivity"
)

// picker is what a pick chooses from, made from one snapshot of all states. It
// does not change.
type picker struct {
	// channels are the ones to choose from: empty only when the pool is closed.
	// Those from awake on are not connected yet: a pick that falls to one has it
	// connect.
	channels []*channel
	awake    int
	// ready is whether channels[:awake] are READY: then the call goes to one of
	// them.
	ready bool
	idle  []*channel // have lost their connection, to be woken by the next pick
	woken atomic.Bool
}

// newPicker is the picker for slots, whose states do not change meanwhile.
func newPicker(slots []*channel) *picker {
	var ready, connecting, asleep []*channel
	next := &picker{}
	for _, c := range slots {
		if c.asleep {
			asleep = append(asleep, c)
			continue
		}
		switch c.state {
		case connectivity.Ready:
			ready = append(ready, c)
		case connectivity.Idle:
			next.idle = append(next.idle, c)
			connecting = append(connecting, c)
		case connectivity.Connecting:
			connecting = append(connecting, c)
		}
	}
	switch {
	case len(ready) > 0:
		next.channels, next.ready = ready, true
	case len(connecting)+len(asleep) > 0:
		next.channels = connecting
	default:
		next.channels = slices.Clone(slots) // which change
	}
	next.awake = len(next.channels)
	next.channels = append(next.channels, asleep...)
	return next
}

// wake connects the channels that have become IDLE. They stay so until they are
// used: without this a pool would shrink with every connection that is lost.
func (p *picker) wake() {
	if p.woken.Load() || !p.woken.CompareAndSwap(false, true) {
		return
	}
	for _, c := range p.idle {
		c.conn.Connect()
	}
}
