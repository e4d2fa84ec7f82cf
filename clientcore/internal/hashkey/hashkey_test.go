package hashkey

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestKeyOf(t *testing.T) {
	for _, test := range []struct {
		request   any
		field     string
		want, why string
	}{
		{wrapperspb.String("user-7"), "value", "user-7", ""},
		{wrapperspb.String("ü 7 "), "value", "%C3%BC+7+", ""}, // metadata is printable ASCII
		{wrapperspb.Int64(-7), "value", "-7", ""},
		{wrapperspb.UInt32(0), "value", "0", ""},
		{wrapperspb.Bool(true), "value", "true", ""},
		{wrapperspb.Bytes([]byte{0, 255}), "value", "00ff", ""},
		{structpb.NewNullValue(), "null_value", "0", ""}, // an enum, by number
		{wrapperspb.String(""), "value", "", "is empty"},
		{wrapperspb.String("x"), "user_id", "", "has no field user_id"},
		{wrapperspb.String("x"), "", "", "no field of the request is one"},
		{structpb.NewStringValue("x"), "number_value", "", "is not set"},
		{&fieldmaskpb.FieldMask{Paths: []string{"a"}}, "paths", "", "is no scalar"},
		{structpb.NewStringValue("x"), "struct_value", "", "is no scalar"},
		{"text", "value", "", "is no protobuf message but string"},
		{nil, "value", "", "is no protobuf message but <nil>"},
	} {
		got, why := keyOf(test.request, test.field)
		if got != test.want || !strings.Contains(why, test.why) || (got == "") == (why == "") {
			t.Errorf("%v.%s: %q, %q; want %q, %q", test.request, test.field, got, why, test.want, test.why)
		}
	}
}

func TestUnary(t *testing.T) {
	k := New("value", "x-key")
	sent := func(ctx context.Context) string {
		md, _ := metadata.FromOutgoingContext(ctx)
		return strings.Join(md.Get("x-key"), ",")
	}
	ctx, err := k.Unary(t.Context(), "/s/M", wrapperspb.String("u"))
	if err != nil || sent(ctx) != "u" {
		t.Errorf("%q, %v", sent(ctx), err)
	}
	// The caller's own stays, and an empty one is none.
	ctx, err = k.Unary(metadata.AppendToOutgoingContext(t.Context(), "x-key", "own"), "/s/M", wrapperspb.String("u"))
	if err != nil || sent(ctx) != "own" {
		t.Errorf("%q, %v", sent(ctx), err)
	}
	if _, err := k.Unary(metadata.AppendToOutgoingContext(t.Context(), "x-key", ""), "/s/M", wrapperspb.String("")); !errors.Is(err, ErrNoKey) ||
		status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "/s/M has no key") || !strings.Contains(err.Error(), "set metadata x-key") {
		t.Errorf("got %v", err)
	}
}

// inner is a stream that was opened.
type inner struct {
	grpc.ClientStream
	ctx   context.Context
	sends int
}

func (s *inner) SendMsg(any) error            { s.sends++; return nil }
func (s *inner) RecvMsg(any) error            { return io.EOF }
func (s *inner) CloseSend() error             { return nil }
func (s *inner) Header() (metadata.MD, error) { return metadata.Pairs("a", "b"), nil }
func (s *inner) Trailer() metadata.MD         { return metadata.Pairs("c", "d") }
func (s *inner) Context() context.Context     { return s.ctx }

// lazyStream is a server stream whose inner one is opened by open, or else as an
// inner; it tells of failures.
func lazyStream(t *testing.T, ctx context.Context, open func(context.Context) (grpc.ClientStream, error)) (grpc.ClientStream, *inner, *[]error) {
	t.Helper()
	var failures []error
	in := &inner{}
	if open == nil {
		open = func(ctx context.Context) (grpc.ClientStream, error) { in.ctx = ctx; return in, nil }
	}
	s, err := New("value", "x-key").Stream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/s/M", open, func(err error) { failures = append(failures, err) })
	if err != nil {
		t.Fatal(err)
	}
	return s, in, &failures
}

// A server stream is opened by its request; who receives before waits for it.
func TestServerStreamIsOpenedByItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, in, failures := lazyStream(t, t.Context(), nil)
		received := make(chan error, 2)
		go func() { received <- s.RecvMsg(nil) }()
		go func() { _, err := s.Header(); received <- err }()
		time.Sleep(time.Hour)
		if len(received) != 0 || s.Trailer() != nil || s.Context() != t.Context() {
			t.Errorf("before the request: %d have received, trailer %v", len(received), s.Trailer())
		}
		if err := s.SendMsg(wrapperspb.String("u")); err != nil {
			t.Fatal(err)
		}
		<-received
		<-received
		if md, _ := metadata.FromOutgoingContext(in.ctx); md.Get("x-key")[0] != "u" || in.sends != 1 || s.Trailer().Get("c") == nil || s.Context() != in.ctx {
			t.Errorf("opened with %v, %d requests", md, in.sends)
		}
		if err := s.CloseSend(); err != nil || len(*failures) != 0 {
			t.Errorf("%v, failures %v", err, *failures)
		}
	})
}

// A stream that is never opened ends once: with its context, without a request,
// with a request that has no key, or because it could not be opened.
func TestServerStreamThatIsNotOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s, in, failures := lazyStream(t, ctx, nil)
		time.AfterFunc(time.Second, cancel)
		if err := s.RecvMsg(nil); status.Code(err) != codes.Canceled {
			t.Errorf("cancelled: %v", err)
		}
		synctest.Wait()
		if err := s.SendMsg(wrapperspb.String("u")); status.Code(err) != codes.Canceled || len(*failures) != 1 || in.ctx != nil {
			t.Errorf("sent after it: %v, failures %v", err, *failures)
		}

		s, _, failures = lazyStream(t, t.Context(), nil)
		if err := s.CloseSend(); err != nil {
			t.Errorf("CloseSend: %v", err)
		}
		if err := s.RecvMsg(nil); !errors.Is(err, ErrNoKey) || len(*failures) != 1 {
			t.Errorf("without a request: %v, failures %v", err, *failures)
		}

		s, _, failures = lazyStream(t, t.Context(), nil)
		err := s.SendMsg(wrapperspb.String(""))
		if again := s.RecvMsg(nil); !errors.Is(err, ErrNoKey) || again != err || len(*failures) != 1 {
			t.Errorf("a request without a key: %v, then %v, failures %v", err, again, *failures)
		}

		down := status.Error(codes.Unavailable, "down")
		s, _, failures = lazyStream(t, t.Context(), func(context.Context) (grpc.ClientStream, error) { return nil, down })
		if err := s.SendMsg(wrapperspb.String("u")); err != down || len(*failures) != 0 {
			t.Errorf("could not be opened: %v, failures %v; the layers below have told of it", err, *failures)
		}
		if _, err := s.Header(); err != down || s.Trailer() != nil {
			t.Errorf("its header: %v", err)
		}
	})
}

// Other kinds of streams must have the key in their metadata.
func TestOtherStreams(t *testing.T) {
	k := New("value", "x-key")
	open := func(ctx context.Context) (grpc.ClientStream, error) { return &inner{ctx: ctx}, nil }
	for _, desc := range []*grpc.StreamDesc{{ClientStreams: true}, {ClientStreams: true, ServerStreams: true}} {
		var failed error
		_, err := k.Stream(t.Context(), desc, "/s/M", open, func(err error) { failed = err })
		if !errors.Is(err, ErrNoKey) || failed != err {
			t.Errorf("%v, told %v", err, failed)
		}
		if _, err := k.Stream(metadata.AppendToOutgoingContext(t.Context(), "x-key", "u"), desc, "/s/M", open, nil); err != nil {
			t.Error(err)
		}
	}
}
