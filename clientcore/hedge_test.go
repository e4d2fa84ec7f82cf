package clientcore_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
)

// hedged is config with hedges of p instead of retries; what p leaves out is the
// default.
func hedged(p hedge.Policy) clientcore.Config {
	p = p.Inherit(hedge.Default())
	cfg := config()
	cfg.Retry.Off = true
	cfg.Hedge = &p
	return cfg
}

// after is a policy of a fixed time.
func after(d time.Duration, attempts int) hedge.Policy {
	return hedge.Policy{After: hedge.After{Delay: d}, Attempts: attempts}
}

// plan is what becomes of one attempt: it ends by err, or is answered with its
// number, when take has passed.
type plan struct {
	take     time.Duration
	code     codes.Code
	pushback string
}

// planned serves attempts by their number within the call, as the client tells
// it. The last plan is that of all others.
func planned(plans ...plan) handler {
	return func(_ int, stream grpc.ServerStream) error {
		n := attemptOf(stream)
		p := plans[min(n, len(plans))-1]
		select {
		case <-time.After(p.take):
		case <-stream.Context().Done():
			return silence(stream)
		}
		_ = stream.SetHeader(metadata.Pairs("attempt", strconv.Itoa(n)))
		trailer := metadata.Pairs("attempt", strconv.Itoa(n))
		if p.pushback != "" {
			trailer.Set("grpc-retry-pushback-ms", p.pushback)
		}
		stream.SetTrailer(trailer)
		if p.code != codes.OK {
			return status.Errorf(p.code, "attempt %d", n)
		}
		return stream.SendMsg(text(strconv.Itoa(n)))
	}
}

// attemptOf is 1 + grpc-previous-rpc-attempts.
func attemptOf(stream grpc.ServerStream) int {
	md, _ := metadata.FromIncomingContext(stream.Context())
	n := 1
	for _, previous := range md["grpc-previous-rpc-attempts"] {
		p, err := strconv.Atoi(previous)
		if err != nil {
			panic(err)
		}
		n += p
	}
	return n
}

// hedgedKinds are the ways of calling that can be hedged.
var hedgedKinds = map[string]func(context.Context, grpc.ClientConnInterface, ...grpc.CallOption) (string, error){
	"unary": func(ctx context.Context, c grpc.ClientConnInterface, opts ...grpc.CallOption) (string, error) {
		return call(ctx, c, "x", opts...)
	},
	"server stream": func(ctx context.Context, c grpc.ClientConnInterface, opts ...grpc.CallOption) (string, error) {
		return collect(ctx, c, serverStream, serverMethod, "x", opts...)
	},
}

// Exact times: when attempts are sent, when the call ends and as what, and what
// became of each attempt.
func TestHedgeTimes(t *testing.T) {
	const canceled = codes.Canceled
	for name, test := range map[string]struct {
		policy  hedge.Policy
		timeout time.Duration
		plans   []plan
		sent    []time.Duration
		delays  []time.Duration
		codes   []codes.Code
		took    time.Duration
		want    string // the reply, or the error's message
		won     int64
	}{
		"answered in time": {
			policy: after(20*ms, 3), plans: []plan{{take: 20*ms - 1}},
			sent: []time.Duration{0}, codes: []codes.Code{codes.OK}, took: 20*ms - 1, want: "1"},
		"the first wins": {
			policy: after(20*ms, 3), plans: []plan{{take: 100 * ms}},
			sent: []time.Duration{0, 20 * ms, 40 * ms}, delays: []time.Duration{0, 20 * ms, 20 * ms},
			codes: []codes.Code{codes.OK, canceled, canceled}, took: 100 * ms, want: "1"},
		"the second wins": {
			policy: after(20*ms, 3), plans: []plan{{take: time.Hour}, {take: 15 * ms}},
			sent: []time.Duration{0, 20 * ms}, delays: []time.Duration{0, 20 * ms},
			codes: []codes.Code{canceled, codes.OK}, took: 35 * ms, want: "2", won: 1},
		"the third wins": {
			policy: after(20*ms, 3), plans: []plan{{take: time.Hour}, {take: time.Hour}, {take: 5 * ms}},
			sent: []time.Duration{0, 20 * ms, 40 * ms}, delays: []time.Duration{0, 20 * ms, 20 * ms},
			codes: []codes.Code{canceled, canceled, codes.OK}, took: 45 * ms, want: "3", won: 1},
		"a failure sends the next at once": {
			policy: after(20*ms, 3), plans: []plan{{take: 5 * ms, code: codes.Unavailable}, {take: time.Hour}, {take: 10 * ms}},
			sent: []time.Duration{0, 5 * ms, 25 * ms}, delays: []time.Duration{0, 0, 20 * ms},
			codes: []codes.Code{codes.Unavailable, canceled, codes.OK}, took: 35 * ms, want: "3", won: 1},
		"a failure of one beside another": {
			policy: after(20*ms, 3), plans: []plan{{take: 60 * ms}, {take: 10 * ms, code: codes.Aborted}, {take: time.Hour}},
			sent: []time.Duration{0, 20 * ms, 30 * ms}, delays: []time.Duration{0, 20 * ms, 0},
			codes: []codes.Code{codes.OK, codes.Aborted, canceled}, took: 60 * ms, want: "1"},
		"all fail": {
			policy: after(20*ms, 3), plans: []plan{{take: ms, code: codes.Unavailable}},
			sent: []time.Duration{0, ms, 2 * ms}, delays: []time.Duration{0, 0, 0},
			codes: []codes.Code{codes.Unavailable, codes.Unavailable, codes.Unavailable}, took: 3 * ms, want: "attempt 3"},
		"another failure ends the call": {
			policy: after(20*ms, 3), plans: []plan{{take: time.Hour}, {take: 5 * ms, code: codes.NotFound}},
			sent: []time.Duration{0, 20 * ms}, delays: []time.Duration{0, 20 * ms},
			codes: []codes.Code{canceled, codes.NotFound}, took: 25 * ms, want: "attempt 2"},
		"pushback delays": {
			policy: after(20*ms, 3), plans: []plan{{take: 5 * ms, code: codes.Unavailable, pushback: "50"}, {take: 30 * ms}, {take: time.Hour}},
			sent: []time.Duration{0, 55 * ms, 75 * ms}, delays: []time.Duration{0, 50 * ms, 20 * ms},
			codes: []codes.Code{codes.Unavailable, codes.OK, canceled}, took: 85 * ms, want: "2", won: 1},
		"pushback beside another attempt": {
			policy: after(20*ms, 3), plans: []plan{{take: 100 * ms}, {take: 5 * ms, code: codes.Unavailable, pushback: "50"}, {take: 5 * ms}},
			sent: []time.Duration{0, 20 * ms, 75 * ms}, delays: []time.Duration{0, 20 * ms, 50 * ms},
			codes: []codes.Code{canceled, codes.Unavailable, codes.OK}, took: 80 * ms, want: "3", won: 1},
		"pushback of zero": {
			policy: after(20*ms, 2), plans: []plan{{take: 5 * ms, code: codes.Unavailable, pushback: "0"}, {take: 5 * ms}},
			sent: []time.Duration{0, 5 * ms}, delays: []time.Duration{0, 0},
			codes: []codes.Code{codes.Unavailable, codes.OK}, took: 10 * ms, want: "2", won: 1},
		"negative pushback": {
			policy: after(20*ms, 3), plans: []plan{{take: 5 * ms, code: codes.Unavailable, pushback: "-1"}},
			sent: []time.Duration{0}, codes: []codes.Code{codes.Unavailable}, took: 5 * ms, want: "attempt 1"},
		"negative pushback beside another attempt": {
			policy: after(20*ms, 4), plans: []plan{{take: 100 * ms}, {take: 5 * ms, code: codes.Unavailable, pushback: "-1"}},
			sent: []time.Duration{0, 20 * ms}, delays: []time.Duration{0, 20 * ms},
			codes: []codes.Code{codes.OK, codes.Unavailable}, took: 100 * ms, want: "1"},
		"pushback past the deadline": {
			policy: after(20*ms, 3), timeout: 50 * ms, plans: []plan{{take: 5 * ms, code: codes.Unavailable, pushback: "45"}},
			sent: []time.Duration{0}, codes: []codes.Code{codes.Unavailable}, took: 5 * ms, want: "attempt 1"},
		"the deadline ends all": {
			policy: after(20*ms, 2), timeout: 50 * ms, plans: []plan{{take: time.Hour}},
			sent: []time.Duration{0, 20 * ms}, delays: []time.Duration{0, 20 * ms},
			codes: []codes.Code{codes.DeadlineExceeded, codes.DeadlineExceeded}, took: 50 * ms}, // whose message depends on who hears of it first
		"one attempt": {
			policy: after(20*ms, 1), plans: []plan{{take: 50 * ms}},
			sent: []time.Duration{0}, codes: []codes.Code{codes.OK}, took: 50 * ms, want: "1"},
		"own codes": {
			policy: hedge.Policy{After: hedge.After{Delay: 20 * ms}, Attempts: 2, Codes: []codes.Code{codes.NotFound}},
			plans:  []plan{{take: ms, code: codes.NotFound}, {take: ms, code: codes.Unavailable}},
			sent:   []time.Duration{0, ms}, delays: []time.Duration{0, 0},
			codes: []codes.Code{codes.NotFound, codes.Unavailable}, took: 2 * ms, want: "attempt 2"},
	} {
		for kind, do := range hedgedKinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					b := n.start(t, "b0", planned(test.plans...))
					cfg := hedged(test.policy)
					cfg.Timeout = test.timeout
					c := n.client(t, cfg, "b0")
					start := time.Now()
					var trace clientcore.Trace
					got, err := do(clientcore.WithTrace(t.Context(), &trace), c)
					if took := time.Since(start); took != test.took {
						t.Errorf("the call took %v, want %v", took, test.took)
					}
					if err != nil {
						got = status.Convert(err).Message()
					}
					if !strings.Contains(got, test.want) || (err == nil) != (len(got) == 1) {
						t.Errorf("got %q, %v; want %q", got, err, test.want)
					}
					if diff := cmp.Diff(test.sent, b.times(start)); diff != "" {
						t.Errorf("arrivals (-want +got):\n%s", diff)
					}
					var delays []time.Duration
					var ends []codes.Code
					for i, a := range trace.Attempts {
						if a.Start.Sub(start) != test.sent[i] || a.End.IsZero() || a.End.Sub(start) > test.took || a.Backend != "b0" {
							t.Errorf("attempt %d: %+v", i, a)
						}
						delays, ends = append(delays, a.Delay), append(ends, a.Code)
					}
					if test.delays == nil {
						test.delays = []time.Duration{0}
					}
					if diff := cmp.Diff(test.delays, delays); diff != "" {
						t.Errorf("delays (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(test.codes, ends); diff != "" {
						t.Errorf("codes (-want +got):\n%s", diff)
					}
					stats := c.Stats()
					if want := (clientcore.HedgeStats{Sent: int64(len(test.sent) - 1), Won: test.won}); stats.Hedge != want {
						t.Errorf("%+v, want %+v", stats.Hedge, want)
					}
					if picks := stats.Attempts[0]; trace.Picks != int64(len(test.sent)) || picks.Picked != trace.Picks || picks.Answered+picks.Unknown != picks.Picked {
						t.Errorf("%d picks in the Trace, %+v in Stats", trace.Picks, picks)
					}
				})
			})
		}
	}
}

// The call ends with the error, the origin and the metadata of one attempt, also
// where that is not the last one sent.
func TestHedgeEndsAsOneAttempt(t *testing.T) {
	for name, test := range map[string]struct {
		plans  []plan
		want   string // the attempt, in metadata
		origin clientcore.Origin
	}{
		"the winner is the first":    {[]plan{{take: 50 * ms}, {take: time.Hour}}, "1", ""},
		"the winner is the second":   {[]plan{{take: time.Hour}, {take: 5 * ms}}, "2", ""},
		"fatal is the first":         {[]plan{{take: 50 * ms, code: codes.NotFound}, {take: time.Hour}}, "1", clientcore.OriginServer},
		"fatal is the second":        {[]plan{{take: time.Hour}, {take: 5 * ms, code: codes.NotFound}}, "2", clientcore.OriginServer},
		"the last to fail is 1 of 2": {[]plan{{take: 50 * ms, code: codes.Internal}, {take: 5 * ms, code: codes.Internal}}, "1", clientcore.OriginServer},
	} {
		for kind, do := range hedgedKinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					n.start(t, "b0", planned(test.plans...))
					c := n.client(t, hedged(after(20*ms, 2)), "b0")
					var trace clientcore.Trace
					var header, header2, trailer metadata.MD
					var from peer.Peer
					var finished []error
					_, err := do(clientcore.WithTrace(t.Context(), &trace), c, grpc.Header(&header), grpc.Header(&header2), grpc.Trailer(&trailer),
						grpc.Peer(&from), grpc.OnFinish(func(err error) { finished = append(finished, err) }))
					if trace.Origin != test.origin {
						t.Errorf("origin %q, want %q", trace.Origin, test.origin)
					}
					if len(finished) != 1 || !errors.Is(finished[0], err) && finished[0] != err {
						t.Errorf("OnFinish was told %v; the call's error is %v", finished, err)
					}
					want := []string{test.want}
					if cmp.Diff(want, trailer["attempt"]) != "" || from.Addr == nil {
						t.Errorf("trailer %v, peer %v; want attempt %s", trailer, from.Addr, test.want)
					}
					if err == nil && (cmp.Diff(want, header["attempt"]) != "" || cmp.Diff(want, header2["attempt"]) != "") {
						t.Errorf("headers %v and %v; want attempt %s", header, header2, test.want)
					}
				})
			})
		}
	}
}

// Losers are cancelled when the winner has answered, not later; and the call does
// not end before they have.
func TestHedgeCancelsLosers(t *testing.T) {
	for kind, do := range hedgedKinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				var mu sync.Mutex
				ended := map[int]time.Duration{}
				start := time.Now()
				n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
					attempt := attemptOf(stream)
					if attempt == 2 {
						time.Sleep(25 * ms)
						if err := stream.SendMsg(text("2")); err != nil {
							return err
						}
						if kind == "unary" {
							return nil
						}
						time.Sleep(time.Second) // the rest of the stream
						return stream.SendMsg(text("rest"))
					}
					<-stream.Context().Done()
					mu.Lock()
					defer mu.Unlock()
					ended[attempt] = time.Since(start)
					return nil
				})
				c := n.client(t, hedged(after(10*ms, 3)), "b0")
				var trace clientcore.Trace
				start = time.Now()
				if _, err := do(clientcore.WithTrace(t.Context(), &trace), c); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				want := map[int]time.Duration{1: 35 * ms, 3: 35 * ms}
				if diff := cmp.Diff(want, ended); diff != "" {
					t.Errorf("losers ended (-want +got):\n%s", diff)
				}
				for _, i := range []int{0, 2} {
					if a := trace.Attempts[i]; a.End.Sub(start) != 35*ms || a.Code != codes.Canceled || a.Answered {
						t.Errorf("loser %d: %+v", i+1, a)
					}
				}
				if a := trace.Attempts[1]; a.Code != codes.OK || !a.Answered {
					t.Errorf("winner: %+v", a)
				}
			})
		})
	}
}

// Attempts that are answered at the same instant: one of them wins, the call is
// one of a piece, and both have ended.
func TestHedgeTie(t *testing.T) {
	for kind, do := range hedgedKinds {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", planned(plan{take: 30 * ms}, plan{take: 20 * ms}, plan{take: 10 * ms}))
				c := n.client(t, hedged(after(10*ms, 3)), "b0")
				for range 100 {
					start := time.Now()
					var trace clientcore.Trace
					var header metadata.MD
					finishes := 0
					got, err := do(clientcore.WithTrace(t.Context(), &trace), c, grpc.Header(&header), grpc.OnFinish(func(error) { finishes++ }))
					if err != nil || time.Since(start) != 30*ms || cmp.Diff([]string{got}, header["attempt"]) != "" || finishes != 1 {
						t.Fatalf("got %q, %v after %v with header %v, %d finishes", got, err, time.Since(start), header, finishes)
					}
					for i, a := range trace.Attempts {
						if won := strconv.Itoa(i+1) == got; a.End.IsZero() || won && a.Code != codes.OK || a.Code != codes.OK && a.Code != codes.Canceled {
							t.Errorf("attempt %d, when %s has won: %+v", i+1, got, a)
						}
					}
					if stats := c.Stats(); stats.Pool.InFlight != 0 || stats.Attempts[0].Picked != stats.Attempts[0].Answered+stats.Attempts[0].Unknown {
						t.Fatalf("something runs behind the call's back: %+v", stats)
					}
				}
			})
		})
	}
}

func TestHedgePreviousAttemptsIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error { return silence(stream) })
		cfg := hedged(after(10*ms, 3))
		cfg.Timeout = 50 * ms
		c := n.client(t, cfg, "b0")
		ctx := metadata.AppendToOutgoingContext(t.Context(), "grpc-previous-rpc-attempts", "x", "tenant", "a")
		_, err := call(ctx, c, "", clientcore.CallMetadata("tenant", "b"))
		wantCode(t, err, codes.DeadlineExceeded)
		synctest.Wait()
		want := [][]string{{"x"}, {"x", "1"}, {"x", "2"}}
		for i, md := range b.metadata() {
			if cmp.Diff(want[i], md["grpc-previous-rpc-attempts"]) != "" || cmp.Diff([]string{"a", "b"}, md["tenant"]) != "" {
				t.Errorf("attempt %d: %v", i, md)
			}
		}
	})
}
