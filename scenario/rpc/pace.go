package rpc

import (
	"context"
	"time"
)

// pace keeps the messages of one call to their times, and notes how late they leave
// by the generator's own doing. Where messages are not paced it does nothing. It
// belongs to the goroutine that sends.
type pace struct {
	*Spec
	call *Call
	// free is since when nothing but its time and the generator have kept the next
	// message: the one before had been sent.
	free time.Time
}

func (s *Spec) pace(call *Call) pace { return pace{Spec: s, call: call} }

// wait waits until the n-th message is due, or ctx ends: then it returns ctx's error.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.Every <= 0 {
		return nil
	}
	due := p.due(p.call, n)
	if err := p.await(ctx, due); err != nil {
		return err
	}
	if n == 0 {
		return nil // it is as late as its call, which is measured
	}
	if due.Before(p.free) {
		due = p.free
	}
	p.call.Lags = append(p.call.Lags, time.Since(due))
	return nil
}

// sent notes that a message has been sent. How long the stream did not take it is
// the connection's doing, or the server's.
func (p *pace) sent() {
	if p.Every > 0 {
		p.free = time.Now()
	}
}
