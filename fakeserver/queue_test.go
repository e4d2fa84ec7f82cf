package fakeserver

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

// Open-loop Poisson arrivals at a backend with exponential service times must
// wait exactly as the Kiefer–Wolfowitz recursion says, to the nanosecond.
func TestQueueIsKieferWolfowitz(t *testing.T) {
	for _, slots := range []int{1, 4} {
		t.Run(fmt.Sprintf("M/M/%d", slots), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { kieferWolfowitz(t, slots) })
		})
	}
}

func kieferWolfowitz(t *testing.T, slots int) {
	const (
		calls = 3000
		mean  = 10 * ms
		load  = 0.85
	)
	service := servicetime.Choice{Exponential: &servicetime.Exponential{Average: mean}}
	r := newRig(t, Config{Backends: 1, ServiceTime: service, Concurrency: slots})
	seed := draw.Seed{Seed: 42, Block: 3}
	must(t, r.Reset(seed.Seed, seed.Block))
	must(t, get(t.Context(), r.clients[0], "first", "")) // connects

	gaps := servicetime.Exponential{Average: time.Duration(float64(mean) / (load * float64(slots)))}
	var calling sync.WaitGroup
	got, want := make([]time.Duration, calls), make([]time.Duration, calls)
	free := make([]time.Duration, slots) // when each slot is free, ascending
	t0 := time.Now()
	var due, asked time.Duration
	for i := range calls {
		due += gaps.Draw(seed.For(draw.Purpose(99), 0, uint64(i), 1))
		id := fmt.Sprintf("reads/%d", i)
		served := service.Sampler().Draw(seed.For(draw.Service, 0, draw.Hash(id), 1))
		asked += served
		free[0] = max(free[0], due) + served
		want[i] = free[0] - due
		slices.Sort(free)

		time.Sleep(time.Until(t0.Add(due)))
		calling.Go(func() {
			began := time.Now()
			if err := get(t.Context(), r.clients[0], id, ""); err != nil {
				t.Error(err)
			}
			got[i] = time.Since(began)
		})
	}
	calling.Wait()
	waited := 0
	for i := range calls {
		if got[i] != want[i] {
			t.Fatalf("call %d took %v, the recursion says %v", i, got[i], want[i])
		}
		if want[i] > 3*mean {
			waited++
		}
	}
	if waited < calls/20 {
		t.Errorf("only %d calls were long: the test has no line to speak of", waited)
	}
	s := r.Snapshot().Backends[0]
	// The call that connects is one service more.
	if s.Services != calls+1 || s.Asked != s.Actual || s.Asked < asked || s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}

func TestQueueRefusesOneTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(sec), Concurrency: 2, Queue: ptr(3)})
		ends := make(chan error, 5)
		for range 5 {
			go func() { ends <- get(t.Context(), r.clients[0], "x", "") }()
		}
		synctest.Wait()
		took(t, "the sixth", 0, func() {
			wantCode(t, "the sixth", get(t.Context(), r.clients[0], "x", ""), codes.ResourceExhausted)
		})
		s := r.Snapshot().Backends[0]
		if s.InService != 2 || s.Queued != 3 || s.Refused != 1 || s.InFlight != 5 || s.Codes["RESOURCE_EXHAUSTED"] != 1 {
			t.Errorf("%+v", s)
		}
		took(t, "the others", 3*sec, func() {
			for range 5 {
				must(t, <-ends)
			}
		})
	})
}

// A queue of 0 refuses whoever finds no slot.
func TestNoQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(sec), Concurrency: 1, Queue: ptr(0)})
		end := make(chan error, 1)
		go func() { end <- get(t.Context(), r.clients[0], "x", "") }()
		synctest.Wait()
		wantCode(t, "the second", get(t.Context(), r.clients[0], "x", ""), codes.ResourceExhausted)
		must(t, <-end)
		must(t, get(t.Context(), r.clients[0], "x", ""))
	})
}

// Many goroutines, half of them impatient: no slot is lost or made.
func TestQueueKeepsItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 3
		q := newQueue(slots, nil)
		var inside, most int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				s := draw.StreamOf(uint64(i))
				ctx, cancel := timeout(t, time.Duration(s.Uint64()%20)*ms)
				defer cancel()
				time.Sleep(time.Duration(s.Uint64()%100) * ms)
				if q.enter(ctx) != nil {
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Duration(s.Uint64()%5) * ms)
				mu.Lock()
				inside--
				mu.Unlock()
				q.leave()
			})
		}
		all.Wait()
		if most != slots || q.free != slots || q.line.Len() != 0 {
			t.Errorf("at most %d inside, %d free, %d in line; want %d, %d, 0", most, q.free, q.line.Len(), slots, slots)
		}
	})
}
