package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

func TestExemplars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open("reads", 100, callers(func(ctx context.Context, call *Call) {
			rest(ctx, time.Millisecond)
			code := "OK"
			if call.Ordinal%20 == 7 {
				code = "UNAVAILABLE"
			}
			// 50, 49, … 1 ms, and again.
			serve(ctx, call, time.Duration(50-call.Ordinal%50)*time.Millisecond, code)
		}))
		w := closed("sync", 1, 0, takes(400*time.Millisecond))
		list := run(t, Plan{Warmup: time.Second, Measure: time.Second, Drain: time.Second, Entries: []Entry{e, w}}).Exemplars
		var slowest, errors []string
		for _, x := range list {
			line := fmt.Sprintf("%s %s due %v response %v wait %v", x.Call, x.Code, time.Duration(x.DueNS), time.Duration(x.ResponseNS), time.Duration(x.WaitNS))
			if x.Why == "slowest" {
				slowest = append(slowest, line)
			} else {
				errors = append(errors, line)
			}
			if len(x.Attempts) != 1 || x.Attempts[0].StartNS != x.WaitNS || x.Attempts[0].DurationNS != x.ResponseNS-x.WaitNS {
				t.Errorf("%s: attempts %+v", line, x.Attempts)
			}
		}
		if len(slowest) != 20 {
			t.Fatalf("%d slowest", len(slowest))
		}
		want := []string{
			"sync/0/0 OK due 0s response 400ms wait 0s",
			"sync/0/1 OK due 400ms response 400ms wait 0s",
			"sync/0/2 OK due 800ms response 400ms wait 0s",
			"reads/0 OK due 0s response 51ms wait 1ms",
			"reads/50 OK due 500ms response 51ms wait 1ms",
			"reads/1 OK due 10ms response 50ms wait 1ms",
		}
		if diff := cmp.Diff(want, slowest[:len(want)]); diff != "" {
			t.Error(diff)
		}
		want = []string{
			"reads/7 UNAVAILABLE due 70ms response 44ms wait 1ms",
			"reads/27 UNAVAILABLE due 270ms response 24ms wait 1ms",
			"reads/47 UNAVAILABLE due 470ms response 4ms wait 1ms",
		}
		if diff := cmp.Diff(want, errors); diff != "" {
			t.Error(diff)
		}
	})
}

// TestExemplarsDoNotDependOnTheOrder offers the same calls, most of them
// equally slow, in two orders.
func TestExemplarsDoNotDependOnTheOrder(t *testing.T) {
	start := time.Unix(0, 0)
	entry := open("reads", 1, nil)
	list := func(order []int) []result.Exemplar {
		var x exemplars
		for _, i := range order {
			due := start.Add(time.Duration(i/3) * time.Millisecond)
			call := Call{Entry: &entry, Worker: -1, Ordinal: uint64(i), Due: due, Done: due.Add(time.Second), Code: "OK"}
			if i%100 == 0 {
				call.Done = due.Add(2 * time.Second)
			}
			if i%10 == 3 {
				call.Code = "ABORTED"
			}
			x.offer(0, &call, int64(call.Done.Sub(call.Due)))
		}
		return x.list(start)
	}
	order := make([]int, 1000)
	for i := range order {
		order[i] = i
	}
	want := list(order)
	if len(want) != slowestKept+perErrorKept {
		t.Fatalf("%d exemplars", len(want))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		if diff := cmp.Diff(want, list(order)); diff != "" {
			t.Fatal(diff)
		}
	}
}
