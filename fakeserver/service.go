package fakeserver

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/grpcbench/grpcbench/fakeserver/draw"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

const (
	// callKey is the metadata that names a call: what its draws are made by.
	callKey = "grpcbench-call"
	// previousKey is how often the call was tried before, as gRPC clients say.
	previousKey = "grpc-previous-rpc-attempts"
)

// service is the user service of one backend between two resets.
type service struct {
	backend  int
	seed     draw.Seed
	subjects atomic.Bool // whether it matters which attempt it is
	times    [methodCount]timing
	books    *books
	rules    *rules
	queue    *queue
	pace     *pace
	burner   *burner // nil waits
	waiter   waiter
	payloads *payloads
	users    users
	load     *loadMeter
	report   LoadReport
	wellness *wellness

	// Where callers that leave are ignored: work goes on until the life of the
	// backend ends, apart from its call.
	ignore  bool
	life    context.Context
	orphans sync.WaitGroup
}

// call is one attempt in its handler.
type call struct {
	method  method
	attempt int // from 1
	who     fault.Subject
	faults  []meeting
	delay   time.Duration // before it is served
}

// desc describes the service as the generated code does, but with handlers
// that hold the books: they run from when the headers have arrived, where an
// interceptor of a unary call runs only once the message has too.
func desc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: userpb.UserService_ServiceDesc.ServiceName,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{
			unary(createUser, (*service).createUser),
			unary(getUser, (*service).getUser),
		},
		Streams: []grpc.StreamDesc{
			stream(listUsers, false, true, (*service).listUsers),
			stream(batchCreateUsers, true, false, (*service).batchCreateUsers),
			stream(syncUsers, true, true, (*service).syncUsers),
		},
		Metadata: userpb.UserService_ServiceDesc.Metadata,
	}
}

func unary[Request any](m method, answer func(*service, context.Context, call, *Request) (any, error)) grpc.MethodDesc {
	handler := func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (response any, err error) {
		s := srv.(*service)
		c := s.begin(ctx, m)
		defer func() { s.end(ctx, c, err) }()
		if err := s.arrive(ctx, &c); err != nil {
			return nil, err
		}
		in := new(Request)
		if len(c.faults) == 0 {
			if err := decode(in); err != nil {
				return nil, err
			}
			return answer(s, ctx, c, in)
		}
		f := &faulty{service: s, call: c, ctx: ctx}
		if err := f.receive(in, decode); err != nil {
			return nil, err
		}
		if response, err = answer(s, ctx, c, in); err != nil {
			return nil, err
		}
		if response, err = f.respond(response); err != nil {
			return nil, err
		}
		return response, f.finish()
	}
	return grpc.MethodDesc{MethodName: m.short(), Handler: handler}
}

func stream(m method, client, server bool, answer func(*service, call, grpc.ServerStream) error) grpc.StreamDesc {
	handler := func(srv any, ss grpc.ServerStream) (err error) {
		s := srv.(*service)
		c := s.begin(ss.Context(), m)
		defer func() { s.end(ss.Context(), c, err) }()
		if err := s.arrive(ss.Context(), &c); err != nil {
			return err
		}
		if len(c.faults) == 0 {
			return answer(s, c, ss)
		}
		f := &faulty{service: s, call: c, ctx: ss.Context()}
		if err := answer(s, c, &faultyStream{ServerStream: ss, faulty: f}); err != nil {
			return err
		}
		return f.finish()
	}
	return grpc.StreamDesc{StreamName: m.short(), Handler: handler, ClientStreams: client, ServerStreams: server}
}

// tap counts an attempt when its headers arrive. It sees every attempt, also
// those that never find a handler.
func (s *service) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	m, known := methodOf(info.FullMethodName)
	if !known {
		if auxiliary(info.FullMethodName) {
			return ctx, nil
		}
		m = unknownMethod
	}
	attempt := 1
	if previous := info.Header[previousKey]; len(previous) > 0 {
		if n, err := strconv.ParseUint(previous[0], 10, 31); err == nil && n > 0 {
			attempt += int(n)
			ctx = context.WithValue(ctx, attemptKey{}, attempt)
		}
	}
	s.books.received.of(m, attempt).Add(1)
	if ctx.Err() != nil {
		// So late already that grpc-go answers it, without a handler.
		s.books.begun.of(m, attempt).Add(1)
		s.books.answered(ctx, m, attempt, nil)
	}
	return ctx, nil
}

// attemptKey is where tap leaves the number of an attempt that is not the first.
type attemptKey struct{}

func attemptOf(ctx context.Context) int {
	if n, ok := ctx.Value(attemptKey{}).(int); ok {
		return n
	}
	return 1
}

// methodOf is the method of a full name with its leading slash.
func methodOf(full string) (method, bool) {
	switch full {
	case userpb.UserService_CreateUser_FullMethodName:
		return createUser, true
	case userpb.UserService_GetUser_FullMethodName:
		return getUser, true
	case userpb.UserService_ListUsers_FullMethodName:
		return listUsers, true
	case userpb.UserService_BatchCreateUsers_FullMethodName:
		return batchCreateUsers, true
	case userpb.UserService_SyncUsers_FullMethodName:
		return syncUsers, true
	}
	return 0, false
}

// unknown answers attempts at methods that do not exist, in the books too.
func (s *service) unknown(_ any, ss grpc.ServerStream) (err error) {
	c := s.enter(ss.Context(), unknownMethod)
	defer func() { s.end(ss.Context(), c, err) }()
	name, _ := grpc.MethodFromServerStream(ss)
	return status.Errorf(codes.Unimplemented, "unknown method %s", name)
}

// begin counts a call in and judges which faults it is to meet. Each must be
// followed by end.
func (s *service) begin(ctx context.Context, m method) call {
	c := s.enter(ctx, m)
	if s.subjects.Load() {
		c.who = s.subject(ctx, m)
	}
	c.faults = s.rules.choose(ctx, m, c.who)
	return c
}

func (s *service) enter(ctx context.Context, m method) call {
	c := call{method: m, attempt: attemptOf(ctx)}
	s.books.inFlight.Add(1)
	s.books.begun.of(m, c.attempt).Add(1)
	s.load.changed()
	return c
}

func (s *service) end(ctx context.Context, c call, err error) {
	s.books.answered(ctx, c.method, c.attempt, err)
	s.books.inFlight.Add(-1)
	if report := s.load.ended(err != nil && ctx.Err() == nil); report != nil {
		// It fails where there is nobody left to read it.
		_ = grpc.SetTrailer(ctx, report)
	}
}
