package clientcore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
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

// A server may send headers at once and then stand still.
func TestHedgedStreamIsWonByAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
			attempt := attemptOf(stream)
			if err := stream.SendHeader(metadata.Pairs("attempt", strconv.Itoa(attempt))); err != nil {
				return err
			}
			if attempt == 1 {
				return silence(stream)
			}
			for i := range 3 {
				time.Sleep(10 * ms)
				if err := stream.SendMsg(text(fmt.Sprintf("%d.%d", attempt, i))); err != nil {
					return err
				}
			}
			return nil
		})
		c := n.client(t, hedged(after(20*ms, 2)), "b0")
		start := time.Now()
		stream, err := c.NewStream(t.Context(), serverStream, serverMethod)
		if err != nil {
			t.Fatal(err)
		}
		if stream.Trailer() != nil || stream.Context().Err() != nil {
			t.Error("a trailer, or no context, before there is a winner")
		}
		if err := stream.SendMsg(text("x")); err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		header, err := stream.Header()
		if err != nil || cmp.Diff([]string{"2"}, header["attempt"]) != "" || time.Since(start) != 30*ms {
			t.Errorf("header %v, %v after %v; want the second attempt's after 30ms", header, err, time.Since(start))
		}
		for i := range 3 {
			m := &wrapperspb.BytesValue{}
			if err := stream.RecvMsg(m); err != nil || string(m.Value) != fmt.Sprintf("2.%d", i) || time.Since(start) != time.Duration(30+10*i)*ms {
				t.Errorf("message %d: %q, %v after %v", i, m.Value, err, time.Since(start))
			}
		}
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			t.Errorf("the end is %v", err)
		}
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			t.Errorf("after the end comes %v", err)
		}
		if err := stream.SendMsg(text("y")); status.Code(err) != codes.Internal {
			t.Errorf("a second request: %v", err)
		}
	})
}

// What grpc-go does on streams outside the usual course, hedged streams do as well.
func TestHedgedStreamAtItsEdges(t *testing.T) {
	in := func(name string, serve handler, f func(t *testing.T, c *clientcore.Client, b *backend)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", serve)
				f(t, n.client(t, hedged(after(20*ms, 2)), "b0"), b)
			})
		})
	}
	open := func(t *testing.T, ctx context.Context, c *clientcore.Client, opts ...grpc.CallOption) grpc.ClientStream {
		stream, err := c.NewStream(ctx, serverStream, serverMethod, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return stream
	}
	empty := func(int, grpc.ServerStream) error { return nil }
	in("no message at all", empty, func(t *testing.T, c *clientcore.Client, b *backend) {
		if got, err := collect(t.Context(), c, serverStream, serverMethod, "x"); err != nil || got != "" || b.attempts() != 1 {
			t.Errorf("got %q, %v, after %d attempts", got, err, b.attempts())
		}
	})
	in("an error after the first message is not cured", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return status.Error(codes.Unavailable, "then no more")
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		got, err := collect(t.Context(), c, serverStream, serverMethod, "x")
		wantCode(t, err, codes.Unavailable)
		if got != "1" || b.attempts() != 1 {
			t.Errorf("got %q after %d attempts", got, b.attempts())
		}
	})
	in("no request", func(_ int, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
			return status.Errorf(codes.FailedPrecondition, "got %v", err)
		}
		return status.Error(codes.InvalidArgument, "there was no request")
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		stream := open(t, t.Context(), c)
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.InvalidArgument)
	})
	in("given up before the request", empty, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var trace clientcore.Trace
		var finished []codes.Code
		stream := open(t, clientcore.WithTrace(ctx, &trace), c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		cancel()
		synctest.Wait() // the caller never comes back
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" || trace.Origin != clientcore.OriginClient || b.attempts() != 0 {
			t.Errorf("OnFinish %v, origin %q, %d attempts", finished, trace.Origin, b.attempts())
		}
		if err := stream.SendMsg(text("x")); err != nil {
			t.Errorf("SendMsg on a stream that is over: %v, want what grpc-go returns where one message is all", err)
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Canceled)
		if header, err := stream.Header(); header != nil || err != nil {
			t.Errorf("header %v, %v", header, err)
		}
	})
	in("given up during the race", func(_ int, stream grpc.ServerStream) error { return silence(stream) }, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		time.Sleep(30 * ms)
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" || b.attempts() != 2 {
			t.Errorf("OnFinish %v, %d attempts", finished, b.attempts())
		}
		if in := c.Stats().Pool.InFlight; in != 0 {
			t.Errorf("%d calls in flight", in)
		}
	})
	in("given up after the first message", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var trailer metadata.MD
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.Trailer(&trailer), grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" {
			t.Errorf("OnFinish %v", finished)
		}
	})
	in("given up before the first message is received", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		ctx, cancel := context.WithCancel(t.Context())
		var finished []codes.Code
		stream := open(t, ctx, c, grpc.OnFinish(func(err error) { finished = append(finished, status.Code(err)) }))
		_ = stream.SendMsg(text("x"))
		synctest.Wait()
		cancel()
		synctest.Wait()
		if cmp.Diff([]codes.Code{codes.Canceled}, finished) != "" {
			t.Errorf("OnFinish %v", finished)
		}
	})
	in("a request that cannot be encoded", echo, func(t *testing.T, c *clientcore.Client, b *backend) {
		var trace clientcore.Trace
		stream := open(t, clientcore.WithTrace(t.Context(), &trace), c)
		wantCode(t, stream.SendMsg("no message"), codes.Internal)
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Internal)
		if trace.Origin != clientcore.OriginClient || len(trace.Attempts) != 1 {
			t.Errorf("origin %q, %d attempts", trace.Origin, len(trace.Attempts))
		}
	})
	in("a response that cannot be decoded", func(_ int, stream grpc.ServerStream) error {
		_ = stream.SendMsg(text("1"))
		return silence(stream)
	}, func(t *testing.T, c *clientcore.Client, b *backend) {
		var header metadata.MD
		stream := open(t, t.Context(), c, grpc.Header(&header))
		_ = stream.SendMsg(text("x"))
		wantCode(t, stream.RecvMsg("no message"), codes.Internal)
		synctest.Wait()
		if in := c.Stats().Pool.InFlight; in != 0 || header == nil {
			t.Errorf("%d calls in flight, header %v", in, header)
		}
		err := c.Invoke(t.Context(), unaryMethod, text("x"), "no message", clientcore.CallTimeout(time.Second))
		wantCode(t, err, codes.DeadlineExceeded) // there is a message, but no end
	})
	in("a codec that is not there", echo, func(t *testing.T, c *clientcore.Client, b *backend) {
		_, err := c.NewStream(t.Context(), serverStream, serverMethod, grpc.CallContentSubtype("nonsense"))
		wantCode(t, err, codes.Internal)
		_, err = call(t.Context(), c, "x", grpc.CallContentSubtype("nonsense"))
		wantCode(t, err, codes.Internal)
	})
}

// Client streams and bidi streams are not hedged, whatever is set; asking for it in
// so many words is an error.
func TestWhatIsNotHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(_ int, stream grpc.ServerStream) error {
			time.Sleep(100 * ms)
			return gather(1, stream)
		}
		n := newNetwork()
		b := n.start(t, "b0", slow)
		c := n.client(t, hedged(after(20*ms, 3)), "b0")
		for method, desc := range map[string]*grpc.StreamDesc{clientMethod: clientStream, bidiMethod: bidiStream} {
			was := b.attempts()
			if _, err := collect(t.Context(), c, desc, method, "x,y"); err != nil {
				t.Error(err)
			}
			if got := b.attempts() - was; got != 1 {
				t.Errorf("%s: %d attempts, want 1", method, got)
			}
			var trace clientcore.Trace
			finished := 0
			_, err := collect(clientcore.WithTrace(t.Context(), &trace), c, desc, method, "x", clientcore.CallHedge(after(ms, 2)),
				grpc.OnFinish(func(error) { finished++ }))
			wantCode(t, err, codes.InvalidArgument)
			if trace.Origin != clientcore.OriginClient || finished != 1 || b.attempts()-was != 1 {
				t.Errorf("%s: origin %q, OnFinish %d times, %d attempts", method, trace.Origin, finished, b.attempts()-was)
			}
		}
	})
	// They are retried where the client retries and only the method is hedged.
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(2, codes.Unavailable, echo))
		cfg := config()
		policy := after(20*ms, 2)
		cfg.Methods = map[string]clientcore.Method{"Bidi": {Hedge: &policy}}
		c := n.client(t, cfg, "b0")
		if got, err := collect(t.Context(), c, bidiStream, bidiMethod, "x"); err != nil || got != "x" || b.attempts() != 3 {
			t.Errorf("got %q, %v after %d attempts", got, err, b.attempts())
		}
	})
	// A prepared message is sent once.
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", planned(plan{take: 50 * ms, code: codes.Unavailable}))
		c := n.client(t, hedged(after(20*ms, 3)), "b0")
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		prepared := &grpc.PreparedMsg{}
		if err := prepared.Encode(stream, text("x")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		was := b.attempts()
		hedgedStream, err := c.NewStream(t.Context(), serverStream, serverMethod)
		if err != nil {
			t.Fatal(err)
		}
		if err := hedgedStream.SendMsg(prepared); err != nil {
			t.Fatal(err)
		}
		wantCode(t, hedgedStream.RecvMsg(&wrapperspb.BytesValue{}), codes.Unavailable)
		if got := b.attempts() - was; got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
		_ = stream.CloseSend()
		for stream.RecvMsg(&wrapperspb.BytesValue{}) == nil {
		}
	})
}

// The nearer setting wins: the call's, the method's, the client's.
func TestHedgeOverrides(t *testing.T) {
	fast, off, retries := after(10*ms, 3), hedge.Policy{Off: true}, retry.Policy{Attempts: 3}
	none := retry.Policy{Off: true}
	part := hedge.Policy{Attempts: 4}
	for name, test := range map[string]struct {
		client *hedge.Policy // nil: the client retries
		method clientcore.Method
		opts   []grpc.CallOption
		want   int // attempts that a call makes whose attempts are never answered
		fails  int // attempts that a call makes whose attempts fail at once
	}{
		"the client hedges":                {client: &fast, want: 3, fails: 3},
		"the method does not hedge":        {client: &fast, method: clientcore.Method{Hedge: &off}, want: 1, fails: 1},
		"the method retries instead":       {client: &fast, method: clientcore.Method{Retry: &retries}, want: 1, fails: 3},
		"the method says it does not":      {client: &fast, method: clientcore.Method{Retry: &none}, want: 3, fails: 3},
		"the method hedges as the client":  {client: &fast, method: clientcore.Method{Hedge: &part}, want: 4, fails: 4},
		"only the method hedges":           {method: clientcore.Method{Hedge: &fast}, want: 3, fails: 3},
		"the method hedges, not retries":   {method: clientcore.Method{Hedge: &fast, Retry: &none}, want: 3, fails: 3},
		"the call hedges":                  {opts: []grpc.CallOption{clientcore.CallHedge(fast)}, want: 3, fails: 3},
		"the call hedges otherwise":        {client: &fast, opts: []grpc.CallOption{clientcore.CallHedge(part)}, want: 4, fails: 4},
		"the call does not hedge":          {client: &fast, opts: []grpc.CallOption{clientcore.CallHedge(off)}, want: 1, fails: 1},
		"the call retries":                 {client: &fast, opts: []grpc.CallOption{clientcore.CallAttempts(2)}, want: 1, fails: 2},
		"the later option counts":          {opts: []grpc.CallOption{clientcore.CallAttempts(2), clientcore.CallHedge(fast)}, want: 3, fails: 3},
		"the later option counts, retried": {opts: []grpc.CallOption{clientcore.CallHedge(fast), clientcore.CallAttempts(2)}, want: 1, fails: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
					m := &wrapperspb.BytesValue{}
					if err := stream.RecvMsg(m); err != nil {
						return err
					}
					if string(m.Value) == "fail" {
						return status.Error(codes.Unavailable, "no")
					}
					return silence(stream)
				})
				cfg := config()
				cfg.Timeout = time.Second
				if test.client != nil {
					cfg = hedged(*test.client)
					cfg.Timeout = time.Second
				}
				cfg.Methods = map[string]clientcore.Method{"Unary": test.method}
				c := n.client(t, cfg, "b0")
				_, err := call(t.Context(), c, "stall", test.opts...)
				wantCode(t, err, codes.DeadlineExceeded)
				if got := b.attempts(); got != test.want {
					t.Errorf("%d attempts without an answer, want %d", got, test.want)
				}
				_, err = call(t.Context(), c, "fail", test.opts...)
				wantCode(t, err, codes.Unavailable)
				if got := b.attempts() - test.want; got != test.fails {
					t.Errorf("%d attempts that fail, want %d", got, test.fails)
				}
			})
		})
	}
}

func TestCallHedgeOutOfRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		c := n.client(t, config(), "b0")
		_, err := call(t.Context(), c, "x", clientcore.CallHedge(hedge.Policy{Attempts: 101}))
		wantCode(t, err, codes.InvalidArgument)
		if want := "clientcore: CallHedge: attempts: must be between 1 and 100 (got 101)"; status.Convert(err).Message() != want {
			t.Errorf("%v, want %s", err, want)
		}
		native := config()
		native.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
		_, err = call(t.Context(), n.client(t, native, "b0"), "x", clientcore.CallHedge(after(ms, 2)))
		wantCode(t, err, codes.InvalidArgument)
		if b.attempts() != 0 {
			t.Errorf("%d attempts", b.attempts())
		}
	})
}

func TestValidateHedge(t *testing.T) {
	for want, change := range map[string]func(*clientcore.Config){
		"hedge.attempts: must be between 1 and 100 (got 101)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Attempts: 101})
		},
		"hedge.after: must be > 0 (got -1ns)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Delay: -1}})
		},
		"hedge.after: must be between p1 and p99.99 (got p100)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Percentile: 100}})
		},
		"hedge.after: must be either a duration or a percentile": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{After: hedge.After{Delay: 1, Percentile: 95}})
		},
		"hedge.codes[0]: must be a code of a failure (got OK)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Codes: []codes.Code{codes.OK}})
		},
		"hedge.codes: must name at least one code": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Codes: []codes.Code{}})
		},
		"hedge.budget.tokens.max: must be between 1 and 1000 (got 0)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{Budget: retry.Budget{Tokens: &retry.Tokens{Ratio: 1}}})
		},
		"hedge.attempts: must be between 1 and 100 (got 0)": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{})
			c.Hedge.Attempts = 0
		},
		"hedge: must not be set together with retry": func(c *clientcore.Config) { p := hedge.Default(); c.Hedge = &p },
		"methods.M.hedge.attempts: must be between 1 and 100 (got -1)": method("M", clientcore.Method{
			Hedge: &hedge.Policy{Attempts: -1}}),
		"methods.M.hedge: must not be set together with retry": method("M", clientcore.Method{
			Hedge: &hedge.Policy{}, Retry: &retry.Policy{Attempts: 2}}),
		"methods.a/M.hedge: must not be set while the client's retry is native": func(c *clientcore.Config) {
			c.Retry.Backoff = retry.Backoff{Native: &retry.Native{}}
			method("a/M", clientcore.Method{Hedge: &hedge.Policy{}})(c)
		},
		"hedge: must be none: service_config says": func(c *clientcore.Config) {
			*c = hedged(hedge.Policy{})
			c.Balance, c.ServiceConfig = balance.Policy{}, "x.json"
		},
		"methods.M.hedge: must be none: service_config says": func(c *clientcore.Config) {
			c.Balance, c.Retry.Off, c.ServiceConfig = balance.Policy{}, true, "x.json"
			method("M", clientcore.Method{Hedge: &hedge.Policy{}})(c)
		},
	} {
		cfg := clientcore.Default()
		change(&cfg)
		err := cfg.Validate()
		if err == nil {
			t.Errorf("accepted: %s", want)
			continue
		}
		errs := err.(interface{ Unwrap() []error }).Unwrap()
		fielded, ok := errs[0].(interface{ Field() string })
		if len(errs) != 1 || !ok || !strings.HasPrefix(fielded.Field()+": "+errs[0].Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for name, change := range map[string]func(*clientcore.Config){
		"none beside retry":                             func(c *clientcore.Config) { c.Hedge = &hedge.Policy{Off: true, Attempts: -3} },
		"a method that hedges where the client retries": method("M", clientcore.Method{Hedge: &hedge.Policy{}}),
	} {
		cfg := clientcore.Default()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The layers below see each attempt. A loser says nothing of its backend: it opens
// no breaker, and gives back a probe's place.
func TestHedgeAboveTheBreaker(t *testing.T) {
	for _, scope := range []breaker.Scope{breaker.Client, breaker.Method, breaker.Backend} {
		for kind, do := range hedgedKinds {
			t.Run(scope.String()+"/"+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					var broken atomic.Bool
					b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
						if broken.Load() {
							return status.Error(codes.Unavailable, "broken")
						}
						return planned(plan{take: time.Hour}, plan{take: 5 * ms})(attempt, stream)
					})
					cfg := hedged(after(10*ms, 2))
					p := breaker.Default()
					p.Failures, p.Reset, p.Scope, p.Probes = 4, time.Second, scope, 2
					cfg.Breaker = &p
					c := n.client(t, cfg, "b0")
					for range 20 {
						if _, err := do(t.Context(), c); err != nil {
							t.Fatal(err)
						}
					}
					if s := c.Stats(); s.Breaker != (clientcore.BreakerStats{}) || b.attempts() != 40 {
						t.Fatalf("%+v after %d attempts, of which none has failed", s.Breaker, b.attempts())
					}
					broken.Store(true)
					for range 2 { // two attempts each
						_, err := do(t.Context(), c)
						wantCode(t, err, codes.Unavailable)
					}
					_, err := do(t.Context(), c)
					if s := c.Stats(); !errors.Is(err, breaker.ErrOpen) || s.Breaker.Opened != 1 || s.Breaker.Rejected == 0 || b.attempts() != 44 {
						t.Errorf("%v, %+v after %d attempts; want it open after four failures", err, s.Breaker, b.attempts())
					}
					broken.Store(false)
					time.Sleep(p.Reset + ms)
					// Of the two probes that are let through at a time one loses; its
					// place is free again, or the next call could not be hedged.
					for range 5 {
						if _, err := do(t.Context(), c); err != nil {
							t.Errorf("after the reset: %v", err)
						}
					}
					if s := c.Stats(); s.Breaker.Opened != 1 || s.Pool.InFlight != 0 {
						t.Errorf("%+v, %d in flight", s.Breaker, s.Pool.InFlight)
					}
				})
			})
		}
	}
}

// A hedge waits for room on a channel as any attempt does, and gives the wait up
// when the call has its answer.
func TestHedgeWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", planned(plan{take: 50 * ms}))
		cfg := hedged(after(10*ms, 3))
		cfg.Pool.MaxInFlight = 1
		c := n.client(t, cfg, "b0")
		for range 3 {
			start := time.Now()
			if got, err := call(t.Context(), c, "x"); err != nil || got != "1" || time.Since(start) != 50*ms {
				t.Errorf("got %q, %v after %v", got, err, time.Since(start))
			}
		}
		if s := c.Stats(); b.attempts() != 3 || s.Pool.InFlight != 0 || s.Hedge.Sent != 6 {
			t.Errorf("%d attempts arrived, %+v, %+v", b.attempts(), s.Pool, s.Hedge)
		}
	})
}

// A budget bounds hedges of either sort, and is never exceeded.
func TestHedgeBudget(t *testing.T) {
	for kind, do := range hedgedKinds {
		// Three tokens of four allow attempts, then the failures have cost two.
		t.Run("tokens/"+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				var works atomic.Bool
				b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
					if works.Load() {
						return planned(plan{take: ms})(attempt, stream)
					}
					return planned(plan{take: ms, code: codes.Unavailable})(attempt, stream)
				})
				p := after(20*ms, 2)
				p.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 4, Ratio: 1}}
				c := n.client(t, hedged(p), "b0")
				_, err := do(t.Context(), c)
				wantCode(t, err, codes.Unavailable)
				if b.attempts() != 2 || errors.Is(err, retry.ErrBudget) {
					t.Errorf("%d attempts, %v; want 2", b.attempts(), err)
				}
				var trace clientcore.Trace
				_, err = do(clientcore.WithTrace(t.Context(), &trace), c)
				if b.attempts() != 3 || !errors.Is(err, retry.ErrBudget) || status.Code(err) != codes.Unavailable || trace.Origin != clientcore.OriginBudget {
					t.Errorf("%d attempts in all, %v, origin %q; want 3, and the budget's error", b.attempts(), err, trace.Origin)
				}
				if got := c.Stats().Retry.Refused; got != 1 {
					t.Errorf("%d refused, want 1", got)
				}
				// Calls that succeed put the three tokens back, so that one may be hedged.
				works.Store(true)
				for range 3 {
					if _, err := do(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				works.Store(false)
				_, err = do(t.Context(), c)
				wantCode(t, err, codes.Unavailable)
				if b.attempts() != 8 || errors.Is(err, retry.ErrBudget) {
					t.Errorf("%d attempts in all, %v; want 8: three that succeeded, and two", b.attempts(), err)
				}
			})
		})
		// With no answers there is nothing but the calls to earn hedges by.
		t.Run("ratio/"+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				b := n.start(t, "b0", planned(plan{take: 100 * ms}))
				p := after(20*ms, 3)
				p.Budget = retry.Budget{Ratio: &retry.Ratio{Share: 0.25}}
				c := n.client(t, hedged(p), "b0")
				const calls = 80
				var all sync.WaitGroup
				for range calls {
					all.Go(func() {
						if _, err := do(t.Context(), c); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				if hedges := b.attempts() - calls; hedges != calls/4 || c.Stats().Hedge.Sent != calls/4 {
					t.Errorf("%d hedges of %d calls (%+v), want a quarter", hedges, calls, c.Stats().Hedge)
				}
			})
		})
	}
}

// Property: over any second, whatever the calls meet, further attempts are at most
// the budget's share of the calls of the last ten.
func TestHedgeBudgetIsNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		random := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		draw := func() (time.Duration, bool) {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.ExpFloat64() * float64(30*ms)), random.IntN(3) == 0
		}
		b := n.start(t, "b0", func(_ int, stream grpc.ServerStream) error {
			take, fails := draw()
			time.Sleep(take)
			if fails {
				return status.Error(codes.Unavailable, "no")
			}
			return stream.SendMsg(text("ok"))
		})
		p := after(10*ms, 4)
		p.Budget = retry.Budget{Ratio: &retry.Ratio{Share: 0.2}}
		c := n.client(t, hedged(p), "b0")
		calls := 0
		var all sync.WaitGroup
		for range 60 {
			for range 20 {
				calls++
				all.Go(func() { _, _ = call(t.Context(), c, "x") })
			}
			time.Sleep(50 * ms)
			synctest.Wait()
			// All within one window: the budget is a fifth of the calls until now.
			if hedges := b.attempts() - calls; float64(hedges) > 0.2*float64(calls) {
				t.Fatalf("%d hedges of %d calls", hedges, calls)
			}
		}
		all.Wait()
		if hedges := b.attempts() - calls; float64(hedges) < 0.19*float64(calls) {
			t.Errorf("only %d hedges of %d calls: the budget was not put to the test", hedges, calls)
		}
	})
}

// Hedged and retried calls under -race: the targets of call options, and OnFinish,
// are the caller's own from when the call has returned, and belong together.
func TestCallOptionTargetsAreRaceFree(t *testing.T) {
	lively := func(_ int, stream grpc.ServerStream) error {
		m := &wrapperspb.BytesValue{}
		if err := stream.RecvMsg(m); err != nil {
			return err
		}
		id := fmt.Sprintf("%s/%d", m.Value, attemptOf(stream))
		_ = stream.SetHeader(metadata.Pairs("id", id))
		stream.SetTrailer(metadata.Pairs("id", id))
		switch rand.IntN(4) {
		case 0:
			return status.Error(codes.Unavailable, id)
		case 1:
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
		}
		return stream.SendMsg(text(id))
	}
	retried := config()
	retried.Retry.Base, retried.Retry.Attempts = 50*time.Microsecond, 4
	for name, cfg := range map[string]clientcore.Config{"hedged": hedged(after(300*time.Microsecond, 4)), "retried": retried} {
		for kind, do := range hedgedKinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", lively)
				n.start(t, "b1", lively)
				c := n.client(t, cfg, "b0", "b1")
				var all sync.WaitGroup
				var finishes atomic.Int64
				const workers, each = 32, 25
				for range workers {
					all.Go(func() {
						for range each {
							var header, trailer metadata.MD
							var from peer.Peer
							var finished []error
							var trace clientcore.Trace
							got, err := do(clientcore.WithTrace(t.Context(), &trace), c, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from),
								grpc.OnFinish(func(err error) { finished = append(finished, err); finishes.Add(1) }))
							if err != nil {
								got = status.Convert(err).Message()
							}
							if len(finished) != 1 || status.Code(finished[0]) != status.Code(err) || from.Addr == nil {
								t.Errorf("%v: OnFinish %v, peer %v", err, finished, from.Addr)
							}
							if cmp.Diff([]string{got}, trailer["id"]) != "" || err == nil && cmp.Diff([]string{got}, header["id"]) != "" {
								t.Errorf("got %q with header %v and trailer %v", got, header, trailer)
							}
							for i, a := range trace.Attempts {
								lostUnsent := a.Backend == "" && a.Code == codes.Canceled
								if a.Backend == "" && !lostUnsent || a.End.Before(a.Start) {
									t.Errorf("attempt %d of %d: %+v", i+1, len(trace.Attempts), a)
								}
							}
						}
					})
				}
				all.Wait()
				if got := finishes.Load(); got != workers*each {
					t.Errorf("OnFinish ran %d times for %d calls", got, workers*each)
				}
				if in := c.Stats().Pool.InFlight; in != 0 {
					t.Errorf("%d calls in flight", in)
				}
			})
		}
	}
}

// What of hedges a gRPC service config can say, gRFC A6 has the words for.
func TestHedgesInAServiceConfig(t *testing.T) {
	p := after(20*ms, 3)
	p.Codes = []codes.Code{codes.Unavailable, codes.Canceled}
	p.Budget = retry.Budget{Tokens: &retry.Tokens{Max: 10, Ratio: 0.1}}
	cfg := hedged(p)
	cfg.Methods = map[string]clientcore.Method{
		"a.B/None":    {Hedge: &hedge.Policy{Off: true}},
		"a.B/Learns":  {Hedge: &hedge.Policy{After: hedge.After{Percentile: 95}}},
		"a.B/Many":    {Hedge: &hedge.Policy{Attempts: 6, Budget: retry.Budget{Ratio: &retry.Ratio{}}}},
		"a.B/Timeout": {Timeout: new(time.Duration)},
	}
	text, unsaid, err := cfg.PortableServiceConfig("")
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		MethodConfig []struct {
			Name          []struct{ Service, Method string }
			RetryPolicy   any
			HedgingPolicy *struct {
				MaxAttempts         int
				HedgingDelay        string
				NonFatalStatusCodes []string
			}
		}
		RetryThrottling map[string]float64
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"maxTokens": 10, "tokenRatio": 0.1}, said.RetryThrottling); diff != "" {
		t.Errorf("throttling (-want +got):\n%s", diff)
	}
	for _, m := range said.MethodConfig {
		name := m.Name[0].Method
		if m.RetryPolicy != nil {
			t.Errorf("%q is retried", name)
		}
		switch h := m.HedgingPolicy; name {
		case "", "Timeout":
			if h == nil || h.MaxAttempts != 3 || h.HedgingDelay != "0.02s" || cmp.Diff([]string{"UNAVAILABLE", "CANCELLED"}, h.NonFatalStatusCodes) != "" {
				t.Errorf("%q: %+v", name, h)
			}
		default:
			if h != nil {
				t.Errorf("%q: %+v", name, h)
			}
		}
	}
	var got []string
	for _, one := range unsaid.(interface{ Unwrap() []error }).Unwrap() {
		if path := one.(interface{ Field() string }).Field(); strings.Contains(path, "hedge") {
			got = append(got, path)
		}
	}
	want := []string{"hedge", "methods.a.B/Learns.hedge.after", "methods.a.B/Many.hedge.attempts", "methods.a.B/Many.hedge.budget"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unsaid (-want +got):\n%s", diff)
	}
	// grpc-go would ignore it without a word.
	file := filepath.Join(t.TempDir(), "service.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	raw := clientcore.Default()
	raw.Balance, raw.Retry.Off, raw.ServiceConfig = balance.Policy{}, true, file
	if err := raw.ValidateFiles(); err == nil || !strings.Contains(err.Error(), "methodConfig[0].hedgingPolicy, which grpc-go does not act on") {
		t.Errorf("a hedgingPolicy in a file: %v", err)
	}
}
