package run_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
)

// stalling serves at once, but in the first `stall` of every `every` nothing.
type stalling struct {
	userpb.UnimplementedUserServiceServer
	start        time.Time
	stall, every time.Duration
}

func (s *stalling) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	if into := time.Since(s.start) % s.every; into < s.stall {
		timer := time.NewTimer(s.stall - into)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
}

// TestStallIsSeen is the oracle for coordinated omission: at a constant rate a
// stall of S in every T gives the response quantile S − (1−q)·T, which ghz and
// others miss by two orders of magnitude.
func TestStallIsSeen(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &stalling{start: time.Now(), stall: 500 * time.Millisecond, every: 5 * time.Second}
		w.serve("stalling:1", s)
		r := w.run(w.plan(`
name: stall
target: passthrough:///stalling:1
client: {timeout: 10s, retry: none}
load: [{name: reads, call: GetUser, arrivals: constant, rate: 200/s}]
trials: 1
warmup: 0s
measure: 20s
`))
		mustBeExact(t, r)
		series := r.Variants[0].Trials[0].Series[0]
		response := series.Latency[result.Response]
		for q, got := range map[float64]*int64{0.95: response.P95NS, 0.99: response.P99NS} {
			want := 0.5 - (1-q)*5
			if got == nil || math.Abs(float64(*got)/1e9-want) > 0.02*want {
				t.Errorf("response p%v = %v, want %v s within 2 %%", 100*q, seconds(got), want)
			}
		}
		if series.OK() != 4000 {
			t.Errorf("%d calls OK, want 4000", series.OK())
		}
	})
}

func seconds(ns *int64) any {
	if ns == nil {
		return "failed"
	}
	return float64(*ns) / 1e9
}
