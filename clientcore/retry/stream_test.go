package retry

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/grpcbench/grpcbench/clientcore/internal/frame"
)

var bidi = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// scriptConn opens one scripted attempt after the other.
type scriptConn struct {
	attempts []*scriptStream
	opened   int
}

func (*scriptConn) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return nil }

func (c *scriptConn) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s := c.attempts[c.opened]
	s.ctx = ctx
	c.opened++
	for _, o := range opts {
		if f, ok := o.(grpc.ForceCodecV2CallOption); ok {
			s.codec = f.CodecV2.(*frame.Codec)
		}
	}
	return s, nil
}

// scriptStream is an attempt of which a test says what becomes of it.
type scriptStream struct {
	grpc.ClientStream
	ctx   context.Context
	codec *frame.Codec
	send  func(nth int) error
	recv  func(s *scriptStream, m any) error

	mu   sync.Mutex
	sent []string
}

func (s *scriptStream) SendMsg(m any) error {
	data, err := s.codec.Marshal(m)
	if err != nil {
		return err
	}
	var v wrapperspb.StringValue
	if err := s.codec.Unmarshal(data, &v); err != nil {
		return err
	}
	s.mu.Lock()
	s.sent = append(s.sent, v.Value)
	nth := len(s.sent)
	s.mu.Unlock()
	return s.send(nth)
}

func (s *scriptStream) RecvMsg(m any) error  { return s.recv(s, m) }
func (s *scriptStream) CloseSend() error     { return nil }
func (s *scriptStream) Trailer() metadata.MD { return nil }

// answer receives value into m.
func (s *scriptStream) answer(m any, value string) error {
	data, err := s.codec.Marshal(wrapperspb.String(value))
	if err != nil {
		return err
	}
	return s.codec.Unmarshal(data, m)
}

func taken(int) error                      { return nil }
func unavailable(*scriptStream, any) error { return status.Error(codes.Unavailable, "gone") }
func waitFor(d time.Duration, err error) func(int) error {
	return func(int) error { time.Sleep(d); return err }
}

// TestSendLostAndFound: when a connection closes before a stream's headers have
// left it, grpc-go 1.85 says io.EOF from SendMsg although RecvMsg then retries
// transparently, with the message. The stream lives: a caller that was told
// io.EOF would stop sending and get OK for half a request.
func TestSendLostAndFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &scriptStream{
			send: func(nth int) error {
				if nth == 1 {
					return io.EOF
				}
				return nil
			},
			recv: func(s *scriptStream, m any) error { return s.answer(m, "one") },
		}
		s, err := New(Default(), NewSource(1), nil).NewStream(t.Context(), &scriptConn{attempts: []*scriptStream{first}}, nil, bidi, "/a/b", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"one", "two"} {
			if err := s.SendMsg(wrapperspb.String(m)); err != nil {
				t.Fatalf("sending %q: %v", m, err)
			}
		}
		if want := []string{"one", "two"}; !slices.Equal(first.sent, want) {
			t.Errorf("sent %q, want %q", first.sent, want)
		}
		var got wrapperspb.StringValue
		if err := s.RecvMsg(&got); err != nil || got.Value != "one" {
			t.Errorf("received %q, %v", got.Value, err)
		}
	})
}

// TestReplayGoesOnAfterEOF: the same in a replay.
func TestReplayGoesOnAfterEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := &scriptStream{
			send: func(nth int) error {
				if nth == 1 {
					return io.EOF
				}
				return nil
			},
			recv: func(s *scriptStream, m any) error {
				time.Sleep(time.Second)
				return s.answer(m, "one")
			},
		}
		conn := &scriptConn{attempts: []*scriptStream{{send: taken, recv: unavailable}, second}}
		s, err := New(Default(), NewSource(1), nil).NewStream(t.Context(), conn, nil, bidi, "/a/b", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"one", "two"} {
			if err := s.SendMsg(wrapperspb.String(m)); err != nil {
				t.Fatalf("sending %q: %v", m, err)
			}
		}
		var got wrapperspb.StringValue
		if err := s.RecvMsg(&got); err != nil || got.Value != "one" {
			t.Errorf("received %q, %v", got.Value, err)
		}
		if want := []string{"one", "two"}; !slices.Equal(second.sent, want) {
			t.Errorf("sent %q, want %q", second.sent, want)
		}
	})
}

// TestReplayOfAnEndedAttempt: the replay of an attempt that has ended may still
// hang in its last SendMsg when the next attempt's replay begins. Its end must
// not be taken for the end of that one: a message of the caller's would then go
// out before those that are replayed.
func TestReplayOfAnEndedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		last := &scriptStream{send: waitFor(30*ms, nil), recv: func(s *scriptStream, m any) error {
			time.Sleep(time.Second)
			return s.answer(m, "done")
		}}
		conn := &scriptConn{attempts: []*scriptStream{
			{send: taken, recv: unavailable},
			{send: waitFor(20*ms, io.EOF), recv: func(s *scriptStream, m any) error {
				time.Sleep(ms)
				return unavailable(s, m)
			}},
			last,
		}}
		p := Default()
		p.Attempts, p.Base, p.Max = 3, ms, ms
		p.Jitter = Jitter{None: &NoJitter{}}
		s, err := New(p, NewSource(1), nil).NewStream(t.Context(), conn, nil, bidi, "/a/b", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"one", "two"} {
			if err := s.SendMsg(wrapperspb.String(m)); err != nil {
				t.Fatal(err)
			}
		}
		received := make(chan error)
		go func() {
			var got wrapperspb.StringValue
			received <- s.RecvMsg(&got)
		}()
		time.Sleep(25 * ms) // the second attempt's replay is over, the third's is not
		if err := s.SendMsg(wrapperspb.String("three")); err != nil {
			t.Fatal(err)
		}
		if err := <-received; err != nil {
			t.Error(err)
		}
		if want := []string{"one", "two", "three"}; !slices.Equal(last.sent, want) {
			t.Errorf("the last attempt was sent %q, want %q", last.sent, want)
		}
	})
}
