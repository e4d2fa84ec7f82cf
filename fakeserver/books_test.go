package fakeserver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/link"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// Every attempt is in the account of its method and number, with its answer and
// the faults that it met.
func TestBooksBySeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := 2
		r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{
			{Name: "all", Inject: latency(ms)},
			{Name: "second", Where: fault.Where{Method: "GetUser", Attempt: &second}, Inject: unavailable()},
			{Inject: fault.Inject{Disconnect: &fault.Disconnect{}}, At: sec},
		}})
		t0 := time.Now()
		r.Start(t0, true)
		for previous, times := range map[string]int{"": 3, "1": 2, "7": 1, "30": 1, "nonsense": 1} {
			for range times {
				_ = get(t.Context(), r.clients[0], "x", previous)
			}
		}
		ss, err := r.clients[0].ListUsers(metadata.AppendToOutgoingContext(t.Context(), previousKey, "2"), &userpb.ListUsersRequest{})
		must(t, err)
		_, err = ss.Recv()
		wantCode(t, "an empty list", err, codes.Unknown) // io.EOF
		sleepTo(t0, sec)
		synctest.Wait()

		type counts = map[string]int64
		one := func(m method, attempt int, n int64, code string, rules counts) AttemptsSnapshot {
			return AttemptsSnapshot{Method: methods[m], Kind: string(m.kind()), Attempt: attempt, Received: n, Codes: counts{code: n}, Rules: rules}
		}
		s := r.Snapshot().Backends[0]
		if d := cmp.Diff([]AttemptsSnapshot{
			one(getUser, 1, 4, "OK", counts{"all": 4}),
			one(getUser, 2, 2, "UNAVAILABLE", counts{"all": 2, "second": 2}),
			one(getUser, 8, 2, "OK", counts{"all": 2}),
			one(listUsers, 3, 1, "OK", counts{"all": 1}),
		}, s.Series); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(counts{"all": 9, "second": 2, "disconnect": 1}, s.Rules); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(counts{"latency": 9, "status": 2, "disconnect": 1}, s.Faults); d != "" {
			t.Error(d)
		}
		if s.ConnectionsKilled != 1 {
			t.Errorf("%d connections killed, want 1", s.ConnectionsKilled)
		}
		r.conns[0].Close()
		synctest.Wait()
		// What the client closes was not killed.
		if s := r.Snapshot().Backends[0]; s.ConnectionsKilled != 1 || s.ConnectionsOpen != 0 || s.ConnectionsOpened < 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Callers that leave are abandoned attempts, and the work for them is wasted: as
// much as was done when they left, or all of it where that is not noticed.
func TestWastedWork(t *testing.T) {
	for _, c := range []struct {
		on   OnCancel
		want time.Duration // of the call that is left in service
	}{{Stop, 300 * ms}, {Ignore, sec}} {
		t.Run(fmt.Sprint(c.on), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{Backends: 1, ServiceTime: fixed(sec), Concurrency: 1, OnCancel: c.on})
				leave := func(after time.Duration) {
					ctx, cancel := context.WithTimeout(t.Context(), after)
					defer cancel()
					wantCode(t, "the one that leaves", get(ctx, r.clients[0], "x", ""), codes.DeadlineExceeded)
				}
				leave(300 * ms)
				synctest.Wait()
				s := r.Snapshot().Backends[0]
				if want := map[bool]int64{true: 1}[c.on == Ignore]; s.Orphans != want || s.InFlight != 0 {
					t.Errorf("%d orphans and %d in flight, want %d and 0", s.Orphans, s.InFlight, want)
				}
				time.Sleep(sec)
				synctest.Wait()
				must(t, get(t.Context(), r.clients[0], "y", ""))
				s = r.Snapshot().Backends[0]
				if s.Wasted != 1 || s.WastedTime != c.want || s.Orphans != 0 || s.Series[0].Abandoned != 1 || s.Codes["CANCELLED"] != 1 {
					t.Errorf("wasted %d and %v, want 1 and %v: %+v", s.Wasted, s.WastedTime, c.want, s)
				}
			})
		})
	}
}

// The line is measured: its length as each call finds it, the wait of each that
// gets a slot.
func TestQueueHistograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, ServiceTime: fixed(10 * ms), Concurrency: 1, Queue: ptr(2)})
		ends := make(chan error, 4)
		for range 4 {
			go func() { ends <- get(t.Context(), r.clients[0], "x", "") }()
			time.Sleep(ms)
		}
		for range 4 {
			<-ends
		}
		s := r.Snapshot().Backends[0]
		if d := cmp.Diff(Histogram{{0, 2}, {1, 1}, {2, 1}}, s.QueueLength); d != "" {
			t.Error(d)
		}
		// The second waits 9 ms, the third 18 ms, the fourth is refused.
		want := Histogram{{0, 1}, {bucketMax(bucketOf(int64(9 * ms))), 1}, {bucketMax(bucketOf(int64(18 * ms))), 1}}
		if d := cmp.Diff(want, s.QueueWait); d != "" {
			t.Error(d)
		}
		if s.Refused != 1 {
			t.Errorf("%d refused, want 1", s.Refused)
		}
	})
}

// An attempt in gzip whose caller leaves before it has found a handler never finds
// one: grpc-go ends it. It is in the account all the same.
func TestBooksWithoutAHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1, Network: link.Config{RTT: 10 * ms}})
		must(t, get(t.Context(), r.clients[0], "connects", ""))
		const calls = 200
		for range calls {
			// Headers and the reset are on their way at once, and arrive together.
			ctx, cancel := context.WithCancel(t.Context())
			stream, err := r.clients[0].ListUsers(ctx, &userpb.ListUsersRequest{}, grpc.UseCompressor(gzip.Name))
			must(t, err)
			cancel()
			_, err = stream.Recv()
			wantCode(t, "a call that was given up", err, codes.Canceled)
		}
		time.Sleep(sec)
		synctest.Wait()
		s := r.Snapshot().Backends[0]
		want := AttemptsSnapshot{Method: methods[listUsers], Kind: "server_stream", Attempt: 1, Received: calls, Abandoned: calls,
			Codes: map[string]int64{"CANCELLED": calls}, Rules: map[string]int64{}}
		if i := slices.IndexFunc(s.Series, func(a AttemptsSnapshot) bool { return a.Method == want.Method }); i < 0 {
			t.Errorf("no account of %s: %+v", want.Method, s.Series)
		} else if d := cmp.Diff(want, s.Series[i]); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if s.InFlight != 0 || s.Codes["CANCELLED"] != calls {
			t.Errorf("%d in flight, %v", s.InFlight, s.Codes)
		}
	})
}
