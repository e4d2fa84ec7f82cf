package clientcore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore"
)

// collect sends messages, half-closes, and receives until the end. What came is
// joined by commas.
func collect(ctx context.Context, c grpc.ClientConnInterface, desc *grpc.StreamDesc, method, messages string,
	opts ...grpc.CallOption) (string, error) {
	stream, err := c.NewStream(ctx, desc, method, opts...)
	if err != nil {
		return "", err
	}
	for _, m := range strings.Split(messages, ",") {
		if err := stream.SendMsg(text(m)); err == io.EOF {
			break // RecvMsg has the status
		} else if err != nil {
			return "", err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return "", err
	}
	var got []string
	for {
		m := &wrapperspb.BytesValue{}
		err := stream.RecvMsg(m)
		if err == io.EOF {
			return strings.Join(got, ","), nil
		}
		if err != nil {
			return strings.Join(got, ","), err
		}
		got = append(got, string(m.Value))
		if !desc.ServerStreams {
			return strings.Join(got, ","), nil
		}
	}
}

// gather receives everything and answers once.
func gather(_ int, stream grpc.ServerStream) error {
	var got []string
	for {
		m := &wrapperspb.BytesValue{}
		if err := stream.RecvMsg(m); err != nil {
			return stream.SendMsg(text(strings.Join(got, "+")))
		}
		got = append(got, string(m.Value))
	}
}

func TestStreamsAreRetried(t *testing.T) {
	for name, test := range map[string]struct {
		desc   *grpc.StreamDesc
		method string
		send   string
		serve  handler
		want   string
	}{
		"server stream": {serverStream, serverMethod, "a", echo, "a"},
		"client stream": {clientStream, clientMethod, "a,b,c", gather, "a+b+c"},
		"bidi":          {bidiStream, bidiMethod, "a,b,c", echo, "a,b,c"},
	} {
		// When the attempts fail: before anything is read, after one message,
		// after all.
		for when, read := range map[string]int{"at once": 0, "after a message": 1, "at the end": 99} {
			t.Run(name+" "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					b := n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
						if attempt > 2 {
							return test.serve(attempt, stream)
						}
						for range read {
							if stream.RecvMsg(&wrapperspb.BytesValue{}) != nil {
								break
							}
						}
						return status.Error(codes.Unavailable, "no")
					})
					c := n.client(t, config(), "b0")
					start := time.Now()
					got, err := collect(t.Context(), c, test.desc, test.method, test.send)
					if err != nil || got != test.want {
						t.Errorf("got %q, %v; want %q", got, err, test.want)
					}
					if diff := cmp.Diff([]time.Duration{0, 100 * ms, 300 * ms}, b.times(start)); diff != "" {
						t.Errorf("arrivals (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

func wantEOF(t *testing.T, stream grpc.ClientStream) {
	t.Helper()
	if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
		t.Fatalf("error %v, want io.EOF", err)
	}
}

// Header on attempts that fail without any waits for those that follow.
func TestHeaderOverFailedAttempts(t *testing.T) {
	for name, fails := range map[string]int{"then one succeeds": 2, "all": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", failing(fails, codes.Unavailable, func(_ int, stream grpc.ServerStream) error {
					return stream.SendHeader(metadata.Pairs("attempt", "third"))
				}))
				c := n.client(t, config(), "b0")
				stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
				if err != nil {
					t.Fatal(err)
				}
				md, err := stream.Header()
				if err != nil {
					t.Fatal(err)
				}
				if fails == 2 {
					if got := md.Get("attempt"); len(got) != 1 || got[0] != "third" {
						t.Errorf("headers %v", md)
					}
					wantEOF(t, stream)
				} else {
					if md != nil {
						t.Errorf("headers %v of attempts that had none", md)
					}
					wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Unavailable)
				}
			})
		})
	}
}

// The caller may change its message when SendMsg has returned.
func TestReplayedMessagesAreAsTheyWere(t *testing.T) {
	for _, size := range []int{8, 1 << 14} { // below and above where grpc-go pools buffers
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
				if attempt == 1 {
					for range 3 {
						if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
							return err
						}
					}
					return status.Error(codes.Unavailable, "no")
				}
				return echo(attempt, stream)
			})
			c := n.client(t, config(), "b0")
			stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
			if err != nil {
				t.Fatal(err)
			}
			m := &wrapperspb.BytesValue{Value: make([]byte, size)}
			for i := range 3 {
				for j := range m.Value {
					m.Value[j] = byte('a' + i)
				}
				if err := stream.SendMsg(m); err != nil {
					t.Fatal(err)
				}
			}
			clear(m.Value)
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				got := &wrapperspb.BytesValue{}
				if err := stream.RecvMsg(got); err != nil {
					t.Fatal(err)
				}
				if want := bytes.Repeat([]byte{byte('a' + i)}, size); !bytes.Equal(got.Value, want) {
					t.Errorf("message %d is not what was sent", i)
				}
			}
			wantEOF(t, stream)
		})
	}
}

// Trap: Send returning io.EOF hides the real status, which RecvMsg has.
func TestSendEOFLeadsToTheStatus(t *testing.T) {
	for name, off := range map[string]bool{"with retry": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork()
				n.start(t, "b0", func(int, grpc.ServerStream) error { return status.Error(codes.PermissionDenied, "not you") })
				cfg := config()
				cfg.Retry.Off = off
				c := n.client(t, cfg, "b0")
				stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(ms) // in the bubble: until the server has answered
				if err := stream.SendMsg(text("a")); err != io.EOF {
					t.Errorf("SendMsg: %v, want io.EOF", err)
				}
				err = stream.RecvMsg(&wrapperspb.BytesValue{})
				wantCode(t, err, codes.PermissionDenied)
				if again := stream.RecvMsg(&wrapperspb.BytesValue{}); status.Code(again) != codes.PermissionDenied {
					t.Errorf("a second RecvMsg: %v", again)
				}
			})
		})
	}
}

// A sender that does not receive yet finds the next attempt by itself.
func TestSenderRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", failing(1, codes.Unavailable, gather))
		c := n.client(t, config(), "b0")
		start := time.Now()
		stream, err := c.NewStream(t.Context(), clientStream, clientMethod)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"a", "b", "c"} {
			time.Sleep(50 * ms)
			if err := stream.SendMsg(text(m)); err != nil {
				t.Fatal(err)
			}
		}
		// The first message found the attempt gone, at 50 ms.
		if diff := cmp.Diff([]time.Duration{0, 150 * ms}, b.times(start)); diff != "" {
			t.Errorf("arrivals (-want +got):\n%s", diff)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		m := &wrapperspb.BytesValue{}
		if err := stream.RecvMsg(m); err != nil || string(m.Value) != "a+b+c" {
			t.Errorf("got %q, %v", m.Value, err)
		}
	})
}

// A server may answer and end while the client still sends. The first message
// after that may count as under way, see retry's TestSendLostAndFound; the next
// one says so.
func TestAnswerBeforeTheEndOfSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(_ int, stream grpc.ServerStream) error { return stream.SendMsg(text("enough")) })
		c := n.client(t, config(), "b0")
		for _, desc := range []*grpc.StreamDesc{clientStream, bidiStream} {
			stream, err := c.NewStream(t.Context(), desc, bidiMethod)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(ms)
			if err := stream.SendMsg(text("a")); err != nil && err != io.EOF {
				t.Fatalf("SendMsg: %v", err)
			}
			if err := stream.SendMsg(text("b")); err != io.EOF {
				t.Fatalf("SendMsg: %v, want io.EOF", err)
			}
			m := &wrapperspb.BytesValue{}
			if err := stream.RecvMsg(m); err != nil || string(m.Value) != "enough" {
				t.Fatalf("got %q, %v", m.Value, err)
			}
			wantEOF(t, stream)
		}
	})
}

// A server that answers each message at once must not be starved by a replay
// that nobody reads beside.
func TestLargeReplayToAnEchoingServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages, size = 240, 1000 // more than a stream's window, less than the limit
		n := newNetwork()
		n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
			if attempt > 1 {
				return echo(attempt, stream)
			}
			for range messages {
				if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
					return err
				}
			}
			return status.Error(codes.Unavailable, "no")
		})
		c := n.client(t, config(), "b0")
		start := time.Now()
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			for range messages {
				if err := stream.SendMsg(text(strings.Repeat("x", size))); err != nil {
					sent <- err
					return
				}
			}
			sent <- stream.CloseSend()
		}()
		for range messages {
			if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
				t.Fatal(err)
			}
		}
		wantEOF(t, stream)
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 100*ms {
			t.Errorf("took %v, want one backoff", took)
		}
	})
}

// A mistake of the caller's ends the stream and is not retried.
func TestSendOfABadMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := n.start(t, "b0", echo)
		cfg := config()
		cfg.Messages.MaxSend = 10
		c := n.client(t, cfg, "b0")
		for name, test := range map[string]struct {
			message any
			code    codes.Code
		}{
			"no message": {42, codes.Internal},
			"too large":  {text("more than ten bytes"), codes.ResourceExhausted},
		} {
			var trace clientcore.Trace
			finished := 0
			stream, err := c.NewStream(clientcore.WithTrace(t.Context(), &trace), bidiStream, bidiMethod,
				grpc.OnFinish(func(error) { finished++ }))
			if err != nil {
				t.Fatal(err)
			}
			wantCode(t, stream.SendMsg(test.message), test.code)
			wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), test.code)
			if finished != 1 || trace.Origin != clientcore.OriginClient || len(trace.Attempts) != 1 {
				t.Errorf("%s: OnFinish ran %d times, origin %q, %d attempts", name, finished, trace.Origin, len(trace.Attempts))
			}
			synctest.Wait()
			before := b.attempts()
			err = c.Invoke(t.Context(), unaryMethod, test.message, &wrapperspb.BytesValue{})
			wantCode(t, err, test.code)
			time.Sleep(ms)
			if got := b.attempts() - before; got > 1 {
				t.Errorf("%s: %d attempts of a call that cannot be sent", name, got)
			}
		}
	})
}

// A stream that its caller abandons by ending the context leaves nothing: the
// bubble ends only when all goroutines have.
func TestAbandonedStreams(t *testing.T) {
	silent := func(_ int, stream grpc.ServerStream) error { return silence(stream) }
	for name, serve := range map[string]handler{
		"while an attempt runs":   silent,
		"while none does":         failing(9, codes.Unavailable, echo),
		"when it is committed":    func(_ int, s grpc.ServerStream) error { _ = s.SendMsg(text("x")); return silent(1, s) },
		"after a first failure":   failing(1, codes.Unavailable, silent),
		"when the server is done": echo,
	} {
		for _, attempts := range []int{1, 3} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork()
					n.start(t, "b0", serve)
					cfg := config()
					cfg.Retry.Attempts = attempts
					cfg.Timeout = time.Hour
					c := n.client(t, cfg, "b0")
					ctx, cancel := context.WithCancel(t.Context())
					var trace clientcore.Trace
					finished := make(chan error, 2)
					stream, err := c.NewStream(clientcore.WithTrace(ctx, &trace), bidiStream, bidiMethod,
						grpc.OnFinish(func(err error) { finished <- err }))
					if err != nil {
						t.Fatal(err)
					}
					_ = stream.SendMsg(text("a"))
					if name == "when it is committed" {
						if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(ms)
					cancel()
					synctest.Wait()
					select {
					case <-finished:
					default:
						t.Fatal("OnFinish did not run")
					}
					if trace.Origin == "" || trace.Attempts[len(trace.Attempts)-1].End.IsZero() {
						t.Errorf("the trace has no end: %+v", trace.Attempts)
					}
					if len(finished) > 0 {
						t.Error("OnFinish ran twice")
					}
				})
			})
		}
	}
}

// The deadline of a stream is let go when the stream ends.
func TestStreamReleasesItsDeadline(t *testing.T) {
	for _, attempts := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork()
			n.start(t, "b0", echo)
			cfg := config()
			cfg.Retry.Attempts = attempts
			c := n.client(t, cfg, "b0")
			stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			wantEOF(t, stream)
			synctest.Wait()
			if err := stream.Context().Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("the stream's context: %v, want it cancelled", err)
			}
		})
	}
}

func TestStreamTrailer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.start(t, "b0", func(attempt int, stream grpc.ServerStream) error {
			stream.SetTrailer(metadata.Pairs("attempt", string(rune('0'+attempt))))
			return status.Error(codes.Unavailable, "no")
		})
		c := n.client(t, config(), "b0")
		stream, err := c.NewStream(t.Context(), bidiStream, bidiMethod)
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, stream.RecvMsg(&wrapperspb.BytesValue{}), codes.Unavailable)
		if diff := cmp.Diff([]string{"3"}, stream.Trailer()["attempt"]); diff != "" {
			t.Errorf("trailer (-want +got):\n%s", diff)
		}
	})
}
