package fakeserver

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// pattern makes n calls to the first backend and says which of them failed.
func pattern(ctx context.Context, r *rig, n int, id func(i int) string, kv ...string) string {
	var out strings.Builder
	for i := range n {
		to := metadata.AppendToOutgoingContext(ctx, kv...)
		if id != nil {
			to = metadata.AppendToOutgoingContext(to, callKey, id(i))
		}
		if _, err := r.clients[0].GetUser(to, &userpb.GetUserRequest{}); err != nil {
			out.WriteByte('x')
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

// Nth and burst go by the number that the client gives a call, not by the
// order in which calls come, and by that order where there is no number.
func TestOrdinals(t *testing.T) {
	open := func(i int) string { return fmt.Sprintf("reads/%d", i) }
	backwards := func(i int) string { return fmt.Sprintf("reads/%d", 9-i) }
	worker := func(i int) string { return fmt.Sprintf("sync/3/%d", i) }
	wordy := func(int) string { return "reads/again" }
	for _, c := range []struct {
		what string
		id   func(int) string
		rule fault.Rule
		want string
	}{
		{"open loop", open, fault.Rule{Nth: ptr(4)}, "...x...x.."},
		{"closed loop", worker, fault.Rule{Nth: ptr(4)}, "...x...x.."},
		{"in another order", backwards, fault.Rule{Nth: ptr(4)}, "..x...x..."},
		{"no id", nil, fault.Rule{Nth: ptr(4)}, "...x...x.."},
		{"an id without a number", wordy, fault.Rule{Nth: ptr(4)}, "...x...x.."},
		{"bursts", open, fault.Rule{Burst: &fault.Burst{Size: 2, Every: 4}}, "xx..xx..xx"},
		{"bursts in another order", backwards, fault.Rule{Burst: &fault.Burst{Size: 2, Every: 4}}, "xx..xx..xx"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c.rule.Inject = unavailable()
			r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{c.rule}})
			r.Start(time.Now(), true)
			if got := pattern(t.Context(), r, 10, c.id); got != c.want {
				t.Errorf("%s: %s, want %s", c.what, got, c.want)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	tenant := map[string]string{"tenant": "a", "zone": "1"}
	for _, c := range []struct {
		what  string
		where fault.Where
		kv    []string
		hit   bool
	}{
		{"kind", fault.Where{Kind: fault.Unary}, nil, true},
		{"another kind", fault.Where{Kind: fault.ServerStream}, nil, false},
		{"first attempt", fault.Where{Attempt: ptr(1)}, nil, true},
		{"not the second", fault.Where{Attempt: ptr(1)}, []string{previousKey, "1"}, false},
		{"third attempt", fault.Where{Attempt: ptr(3)}, []string{previousKey, "2"}, true},
		{"metadata", fault.Where{Metadata: tenant}, []string{"tenant", "b", "tenant", "a", "zone", "1"}, true},
		{"other metadata", fault.Where{Metadata: tenant}, []string{"tenant", "a", "zone", "2"}, false},
		{"no metadata", fault.Where{Metadata: tenant}, []string{"tenant", "a"}, false},
		{"all at once", fault.Where{Backends: []int{0}, Method: "GetUser", Kind: fault.Unary, Metadata: tenant, Attempt: ptr(2)},
			[]string{"tenant", "a", "zone", "1", previousKey, "1"}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Config{Backends: 1, Faults: []fault.Rule{{Where: c.where, Inject: unavailable()}}})
			r.Start(time.Now(), true)
			if got := pattern(t.Context(), r, 1, nil, c.kv...); (got == "x") != c.hit {
				t.Errorf("%s: %s", c.what, got)
			}
		})
	}
}

// Windows repeat, and come later to each further backend.
func TestRollingWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, Faults: []fault.Rule{
			{Name: "gone", For: sec, Every: 4 * sec, Stagger: 2 * sec, Where: fault.Where{Backends: []int{1, 0}}, Inject: down()},
			{Name: "bad", At: 500 * ms, For: sec, Every: 4 * sec, Stagger: 2 * sec, Inject: unavailable()},
		}})
		t0 := time.Now()
		r.Start(t0, true)
		var seen []string
		for at := 250 * ms; at < 12*sec; at += 500 * ms {
			sleepTo(t0, at)
			synctest.Wait()
			now := ""
			for i, a := range r.addresses {
				conn, err := r.network.Dial(t.Context(), a.Address)
				switch {
				case err != nil:
					now += "down "
				case get(t.Context(), r.clients[i], "x", "") != nil:
					now += "bad "
				default:
					now += "ok "
				}
				if err == nil {
					conn.Close()
				}
			}
			seen = append(seen, now)
		}
		period := []string{"ok down ", "bad down ", "bad ok ", "ok ok ", "down ok ", "down bad ", "ok bad ", "ok ok "}
		if d := cmp.Diff(append(append(period, period...), period...), seen); d != "" {
			t.Error(d)
		}
		for _, b := range r.Snapshot().Backends {
			if got := b.Faults["down"]; got != 3 {
				t.Errorf("%s was down %d times, want 3", b.Name, got)
			}
		}
	})
}
