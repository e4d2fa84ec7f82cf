package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/message"
)

// Own says what calls of a method known by its descriptor send. Their answers are
// copied where a Call has somebody to take them, and decoded by nobody here.
type Own struct {
	Method protoreflect.MethodDescriptor
	// Messages is what is sent, at least one: by a client or bidi stream in this
	// order, by other calls one each, in turn.
	Messages []*message.Template
	// Metadata is sent with every call.
	Metadata []*message.Metadata
	// Row is the row of a feed that a call takes its data from; nil where there is
	// no feed.
	Row func(*Call) message.Row
	// Answers is how many messages of a server or bidi stream are enough: the call
	// has then ended well, and the stream is cancelled. 0 reads it to its end.
	Answers int
	// ShowsFields is whether the balancer takes its key from a field of requests.
	ShowsFields bool
}

// Preparer is a Driver that makes ready what a call sends before the call is due.
type Preparer interface {
	Driver
	// Prepare is told of the next call, but for when it is due. Where it fails, Do
	// says so.
	Prepare(call *Call)
}

// renderError is a call whose request could not be made.
type renderError struct{ err error }

func (e *renderError) Error() string { return "the request could not be made: " + e.err.Error() }
func (e *renderError) Unwrap() error { return e.err }

// GRPCStatus is INVALID_ARGUMENT with the message.
func (e *renderError) GRPCStatus() *status.Status {
	return status.New(codes.InvalidArgument, e.Error())
}

// Origin is the client: nothing was sent.
func (e *renderError) Origin() string { return "client" }

// own is what all drivers of a load entry of such a method have in common. Read
// only.
type own struct {
	Spec
	path    string
	options []grpc.CallOption
	desc    grpc.StreamDesc
	// static has the messages that are the same in every call, nil for others,
	// which there are where renders says so.
	static  []request
	renders bool
	// pairs is the metadata as key and value in turn; some values are not the same
	// in every call where varies says so.
	pairs  []string
	varies bool
}

func newOwn(spec Spec) (*own, error) {
	method := spec.Own.Method
	o := &own{
		Spec: spec, path: "/" + string(method.Parent().FullName()) + "/" + string(method.Name()),
		options: []grpc.CallOption{grpc.ForceCodecV2(wireCodec{})},
		desc: grpc.StreamDesc{
			StreamName:    string(method.Name()),
			ClientStreams: method.IsStreamingClient(), ServerStreams: method.IsStreamingServer(),
		},
	}
	if len(spec.Own.Messages) == 0 {
		return nil, fmt.Errorf("%s has no message to send", o.path[1:])
	}
	for _, m := range spec.Own.Messages {
		var r request
		if encoded, same := m.Static(); same {
			var err error
			if r, err = o.request(encoded); err != nil {
				return nil, err
			}
		} else {
			o.renders = true
		}
		o.static = append(o.static, r)
	}
	for _, m := range spec.Own.Metadata {
		value, same := m.Static()
		o.pairs = append(o.pairs, m.Key(), value)
		o.varies = o.varies || !same
	}
	return o, nil
}

func (o *own) request(encoded []byte) (request, error) {
	if o.Own.ShowsFields {
		return newShown(encoded, o.Own.Method.Input())
	}
	return wire(encoded), nil
}

// sent is how many messages a call sends.
func (o *own) sent() int {
	switch {
	case !o.desc.ClientStreams:
		return 1
	case o.Messages > 0:
		return o.Messages
	}
	return len(o.static)
}

// dynamic makes the calls of one worker.
type dynamic struct {
	*own
	reply reply

	// What prepare has made of the next call.
	env      message.Env
	messages []request // those that are made beforehand
	rendered []string  // metadata likewise, as key and value in turn
	ready    bool
	failed   error
}

func newDynamic(spec Spec) (func() Driver, error) {
	o, err := newOwn(spec)
	if err != nil {
		return nil, err
	}
	if o.renders || o.varies {
		return func() Driver { return rendering{&dynamic{own: o}} }, nil
	}
	return func() Driver { return &dynamic{own: o} }, nil
}

// rendering is a dynamic with something to make ready.
type rendering struct{ *dynamic }

// Prepare implements Preparer.
func (r rendering) Prepare(call *Call) { r.prepare(call) }

// prepare makes what the next call sends.
func (d *dynamic) prepare(call *Call) {
	d.env.Seed, d.env.Call, d.env.Message = call.Seed, call.Number, 0
	d.messages, d.failed, d.ready = d.messages[:0], nil, true
	if d.Own.Row != nil {
		d.env.Row = d.Own.Row(call)
	}
	n := d.sent()
	if d.Every > 0 || !d.renders {
		n = 1 // for the others there is time until they are due, or no need
	}
	for i := range n {
		r, err := d.message(&d.env, i)
		if err != nil {
			d.failed = &renderError{err}
			return
		}
		d.messages = append(d.messages, r)
	}
	if !d.varies {
		return
	}
	d.env.Message, d.rendered = 0, d.rendered[:0]
	for _, m := range d.Own.Metadata {
		value, err := m.Render(&d.env)
		if err != nil {
			d.failed = &renderError{fmt.Errorf("metadata %s: %w", m.Key(), err)}
			return
		}
		d.rendered = append(d.rendered, m.Key(), value)
	}
}

// message is the i-th that the call sends. What is rendered is in memory of its
// own: grpc-go, or a layer that tries again, may still have it when the call has
// ended.
func (d *dynamic) message(env *message.Env, i int) (request, error) {
	at := i
	if !d.desc.ClientStreams {
		at = int(env.Call % uint64(len(d.static)))
	}
	at %= len(d.static)
	if r := d.static[at]; r != nil {
		return r, nil
	}
	env.Message = uint64(i)
	encoded, err := d.Own.Messages[at].Append(nil, env)
	if err != nil {
		return nil, err
	}
	return d.request(encoded)
}

func (d *dynamic) outgoing(ctx context.Context) context.Context {
	pairs := d.pairs
	if d.varies {
		pairs = d.rendered
	}
	if len(pairs) == 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// Do implements Driver.
func (d *dynamic) Do(ctx context.Context, conn grpc.ClientConnInterface, call *Call) error {
	if !d.ready {
		d.prepare(call)
	}
	d.ready, d.reply.keep = false, call.Answers != nil
	if d.failed != nil {
		return d.failed
	}
	ctx = d.outgoing(ctx)
	if !d.desc.ClientStreams && !d.desc.ServerStreams {
		if err := conn.Invoke(ctx, d.path, d.messages[0], &d.reply, d.options...); err != nil {
			return err
		}
		d.answered(call)
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &d.desc, d.path, d.options...)
	if err != nil {
		return err
	}
	switch {
	case !d.desc.ServerStreams:
		return d.upload(ctx, stream, call)
	case d.sent() == 1:
		// A Send on an ended stream says io.EOF; RecvMsg has the status.
		if err := stream.SendMsg(d.messages[0]); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if d.Own.Answers == 0 || !d.desc.ClientStreams {
			if err := stream.CloseSend(); err != nil {
				return err
			}
		}
		return d.receive(stream, call)
	}
	return d.converse(ctx, cancel, stream, call)
}

// answered hands on the answer that has come.
func (d *dynamic) answered(call *Call) {
	if call.Answers != nil {
		call.Answers.AddEncoded(d.reply.wire)
	}
}

// next is the i-th message, when it is due. ok is false when the stream has ended,
// for good or with err.
func (d *dynamic) next(ctx context.Context, env *message.Env, pace *pace, i int) (r request, ok bool, err error) {
	if i < len(d.messages) {
		r = d.messages[i]
	} else if r, err = d.message(env, i); err != nil {
		return nil, false, &renderError{err}
	}
	if pace.wait(ctx, i) != nil {
		return nil, false, nil
	}
	return r, true, nil
}

// send sends the call's messages, each when it is due. It ends early when the
// stream does; the error is one of a message that could not be made.
func (d *dynamic) send(ctx context.Context, stream grpc.ClientStream, call *Call) error {
	env, pace := d.env, d.pace(call)
	for i := range d.sent() {
		r, ok, err := d.next(ctx, &env, &pace, i)
		if !ok {
			return err
		}
		if err := stream.SendMsg(r); err != nil {
			return nil // the stream has ended, or cannot go on: RecvMsg has the status
		}
		pace.sent()
	}
	return nil
}

// upload sends all messages and takes the one answer.
func (d *dynamic) upload(ctx context.Context, stream grpc.ClientStream, call *Call) error {
	if d.Every > 0 {
		// It ends with the stream, of which else only the next message would learn.
		// Asking for it commits the stream to its attempt.
		ctx = stream.Context()
	}
	if err := d.send(ctx, stream, call); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(&d.reply); err != nil {
		if errors.Is(err, io.EOF) {
			return status.Error(codes.Internal, "the stream ended without an answer")
		}
		return err
	}
	call.First = time.Now()
	d.answered(call)
	return nil
}

// converse sends on one side and receives on the other: an answer that is slow, or
// never comes, does not hold up the next message.
func (d *dynamic) converse(ctx context.Context, cancel context.CancelFunc, stream grpc.ClientStream, call *Call) error {
	failed := make(chan error, 1)
	go func() {
		err := d.send(ctx, stream, call)
		if err != nil {
			cancel()
		}
		if d.Own.Answers == 0 {
			_ = stream.CloseSend()
		}
		failed <- err
	}()
	err := d.receive(stream, call)
	cancel()
	if rendering := <-failed; rendering != nil {
		return rendering
	}
	return err
}

// receive takes answers to the stream's end, or until there are enough.
func (d *dynamic) receive(stream grpc.ClientStream, call *Call) error {
	var last time.Time
	for n := 0; ; n++ {
		if err := stream.RecvMsg(&d.reply); errors.Is(err, io.EOF) {
			return complete(n, max(n, d.Own.Answers))
		} else if err != nil {
			return err
		}
		call.received(&last)
		if d.Every > 0 && n < d.sent() {
			call.Responses = append(call.Responses, last.Sub(d.due(call, n)))
		}
		d.answered(call)
		if n+1 == d.Own.Answers {
			return nil
		}
	}
}
