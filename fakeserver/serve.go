package fakeserver

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"
)

// serve makes the call wait for its slot and its service time. The slot is
// free again when it returns.
func (s *service) serve(ctx context.Context, c call) error {
	if err := s.pause(ctx, c.delay); err != nil {
		return err
	}
	return s.hold(ctx, sample(s.times[c.method].service, s.seed, c.who, 0))
}

// message is serve for the n-th message of a stream, from 1. Where messages
// take no time they still wait while the backend is frozen.
func (s *service) message(ctx context.Context, c call, n int) error {
	from := s.times[c.method].message
	if from == nil {
		_, err := s.pace.work(ctx, s.waiter, 0)
		return contextError(err)
	}
	return s.hold(ctx, sample(from, s.seed, c.who, n))
}

// hold holds a slot for a time. Where callers that leave are ignored the slot
// outlives ctx.
func (s *service) hold(ctx context.Context, asked time.Duration) error {
	if !s.ignore {
		began, err := s.occupy(ctx, asked)
		if !began.IsZero() && ctx.Err() != nil {
			s.books.waste.add(time.Since(began))
		}
		return err
	}
	end := make(chan error, 1)
	var parted atomic.Bool // caller and work, by whichever was first to go
	s.orphans.Go(func() {
		began, err := s.occupy(s.life, asked)
		if !parted.CompareAndSwap(false, true) {
			took := time.Duration(0)
			if !began.IsZero() {
				took = time.Since(began)
			}
			// In this order: when no orphan is left, all that they wasted is booked.
			s.books.waste.add(took)
			s.books.orphans.Add(-1)
			s.load.changed()
		}
		end <- err
	})
	select {
	case err := <-end:
		return err
	case <-ctx.Done():
	}
	if parted.CompareAndSwap(false, true) {
		s.books.orphans.Add(1)
		s.load.changed()
	}
	return contextError(ctx.Err())
}

// occupy takes a slot, works and gives the slot back. It returns when it began to
// work, on an error too, which is a status: zero where it did not, or that takes no
// time.
func (s *service) occupy(ctx context.Context, asked time.Duration) (began time.Time, err error) {
	if err := s.queue.enter(ctx); err != nil {
		return began, err
	}
	defer s.queue.leave()
	s.books.inService.Add(1)
	defer s.books.inService.Add(-1)
	if asked > 0 {
		began = time.Now()
	}
	actual, err := s.work(ctx, asked)
	if err != nil {
		return began, contextError(err)
	}
	s.books.served(asked, actual)
	return began, nil
}

func (s *service) work(ctx context.Context, asked time.Duration) (actual time.Duration, err error) {
	if s.burner != nil {
		return s.burner.work(ctx, s.pace, s.waiter, asked)
	}
	return s.pace.work(ctx, s.waiter, asked)
}

// contextError is the status of a context's error.
func contextError(err error) error {
	if err == nil {
		return nil
	}
	return status.FromContextError(err).Err()
}

// pause waits for d > 0. Its error is a status.
func (s *service) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return contextError(s.waiter.wait(ctx, d, nil))
}
