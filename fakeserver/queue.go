package fakeserver

import (
	"container/list"
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// queue is the capacity of one backend: slots, and a waiting line in order of
// arrival. A nil queue has room for everything.
type queue struct {
	mu    sync.Mutex
	slots int       // there are now
	free  int       // of them; negative when slots were taken away from calls that go on
	limit int       // places in the line; negative is no limit
	line  list.List // of *waiting
	spare []*waiting
	full  int64

	lengths, waits buckets // see BackendSnapshot.QueueLength
}

// waiting is a call in the line. Its channel, of one place, receives when a
// slot was handed over.
type waiting struct {
	slot  chan struct{}
	since time.Time
}

// newQueue makes a queue of slots > 0. A nil limit is none.
func newQueue(slots int, limit *int) *queue {
	q := &queue{slots: slots, free: slots, limit: -1}
	if limit != nil {
		q.limit = *limit
	}
	return q
}

// enter takes a slot, waiting in line when there is none. A caller whose ctx
// ends leaves the line. Each nil error must be followed by one leave.
func (q *queue) enter(ctx context.Context) error {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	q.lengths.add(int64(q.line.Len()))
	if q.free > 0 {
		q.free--
		q.waits.add(0)
		q.mu.Unlock()
		return nil
	}
	if q.limit >= 0 && q.line.Len() >= q.limit {
		q.full++
		q.mu.Unlock()
		return status.Errorf(codes.ResourceExhausted, "queue full: %d calls are waiting", q.limit)
	}
	w := q.waiting()
	w.since = time.Now()
	place := q.line.PushBack(w)
	q.mu.Unlock()

	select {
	case <-w.slot:
		q.recycle(w)
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	select {
	case <-w.slot:
		// The slot came in the same moment. It is ours to pass on.
		q.spare = append(q.spare, w)
		q.mu.Unlock()
		q.leave()
	default:
		q.line.Remove(place)
		q.spare = append(q.spare, w)
		q.mu.Unlock()
	}
	return status.FromContextError(ctx.Err()).Err()
}

// leave gives the slot back, which means to the head of the line: nobody who
// arrives now can be quicker.
func (q *queue) leave() {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free++
	q.admit()
}

// admit gives free slots to the head of the line. mu must be held.
func (q *queue) admit() {
	for q.free > 0 && q.line.Len() > 0 {
		q.free--
		w := q.line.Remove(q.line.Front()).(*waiting)
		q.waits.add(int64(time.Since(w.since)))
		w.slot <- struct{}{}
	}
}

// resize makes it so many slots, > 0. Calls that hold one go on.
func (q *queue) resize(slots int) {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += slots - q.slots
	q.slots = slots
	q.admit()
}

// waiting returns a place in line, an old one if possible. Not from a pool
// shared by queues: in tests each lives in a bubble of its own.
func (q *queue) waiting() *waiting {
	if n := len(q.spare); n > 0 {
		w := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return w
	}
	return &waiting{slot: make(chan struct{}, 1)}
}

func (q *queue) recycle(w *waiting) {
	q.mu.Lock()
	q.spare = append(q.spare, w)
	q.mu.Unlock()
}

// histograms returns the lengths and waits so far.
func (q *queue) histograms() (lengths, waits Histogram) {
	if q == nil {
		return nil, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lengths.histogram(), q.waits.histogram()
}

// counts returns the calls that wait now and those refused so far.
func (q *queue) counts() (queued int, refused int64) {
	if q == nil {
		return 0, 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.Len(), q.full
}
