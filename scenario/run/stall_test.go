package run_test

import (
	"context"
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

// stallOracle is the oracle for coordinated omission: at a constant rate a stall
// of S in every T gives the response quantile S − (1−q)·T, which ghz and others
// miss by two orders of magnitude.
func stallOracle(w *world) []finding {
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
	mustBeExact(w.T, r)
	series := r.Variants[0].Trials[0].Series[0]
	if series.OK() != 4000 {
		w.Errorf("%d calls OK, want 4000", series.OK())
	}
	response := series.Latency[result.Response]
	return []finding{
		{"stall 0.5 s in 5 s: response p95 ms", 1e3 * (0.5 - 0.05*5), ms(response.P95NS), 0.02},
		{"stall 0.5 s in 5 s: response p99 ms", 1e3 * (0.5 - 0.01*5), ms(response.P99NS), 0.02},
	}
}
