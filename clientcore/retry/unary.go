package retry

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/grpcbench/grpcbench/clientcore/internal/further"
	"github.com/grpcbench/grpcbench/clientcore/internal/pick"
)

// Invoke makes a unary call on next, with as many attempts as the policy
// allows. What it returns is the last attempt's error, as it is. A call whose
// first attempt succeeds costs one allocation, and none with an observer.
func (r *Retrier) Invoke(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	method string, args, reply any, opts []grpc.CallOption) error {
	if r.plain() {
		if observer == nil {
			return next.Invoke(ctx, method, args, reply, opts...)
		}
		observer.Begin(0)
		err := next.Invoke(ctx, method, args, reply, opts...)
		observer.End(err)
		return err
	}
	attempts, finishers := further.Split(opts)
	var err error
	if observer != nil {
		err = r.invoke(ctx, next, observer, method, args, reply, attempts)
	} else {
		l := listeners.Get().(*listener)
		err = r.invoke(pick.Observe(ctx, l), next, l, method, args, reply, attempts)
		l.release()
	}
	for _, finish := range finishers {
		finish(err)
	}
	return err
}

func (r *Retrier) invoke(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	method string, args, reply any, opts []grpc.CallOption) error {
	var done progress
	var wait time.Duration
	r.throttle.Call()
	for {
		own, cancel := r.attemptContext(ctx, done.made)
		done.made++
		observer.Begin(wait)
		err := next.Invoke(own, method, args, reply, opts...)
		if cancel != nil {
			cancel()
		}
		observer.End(err)
		if err == nil {
			r.throttle.Succeeded()
			return nil
		}
		if wait, err = r.again(ctx, &done, err, observer.Trailer()); err != nil {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		forget(reply, opts)
	}
}

// listener is the observer of a unary call that has none: it is there for the
// trailer, which may ask for patience. A call option would bring it as well, for
// two allocations. Listeners are kept from call to call, since an attempt of a
// unary call ends before the call does.
type listener struct {
	trailer metadata.MD // of the last attempt
	end     func(balancer.DoneInfo)
	ended   func(balancer.DoneInfo) // the method, bound once
	live    int                     // picks that have not ended
}

var listeners = sync.Pool{New: func() any {
	l := &listener{}
	l.ended = func(info balancer.DoneInfo) {
		l.live--
		// Whatever info.Err: it is nil also when the server ended the attempt
		// before the request was sent.
		l.trailer = info.Trailer
		l.end(info)
	}
	return l
}}

// release gives l back, unless a pick is without an end. grpc-go has such calls:
// when a server sends two replies where one is due.
func (l *listener) release() {
	if l.live == 0 {
		l.trailer, l.end = nil, nil
		listeners.Put(l)
	}
}

func (l *listener) Picked(_ string, end func(balancer.DoneInfo)) func(balancer.DoneInfo) {
	l.live++
	l.end = end
	return l.ended
}

func (l *listener) Sent(bool)            {}
func (l *listener) Begin(time.Duration)  { l.trailer = nil }
func (l *listener) End(error)            {}
func (l *listener) Trailer() metadata.MD { return l.trailer }

// forget clears what a failed attempt left behind, so that a later attempt that
// gets less far does not seem to have brought it.
func forget(reply any, opts []grpc.CallOption) {
	for _, opt := range opts {
		switch o := opt.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = nil
		case grpc.TrailerCallOption:
			*o.TrailerAddr = nil
		case grpc.PeerCallOption:
			*o.PeerAddr = peer.Peer{}
		}
	}
	resetMessage(reply)
}

// resetMessage empties a message that knows how, as every generated one does.
// Codecs overwrite a message rather than merge into it, but not all, and not
// when an attempt fails before it has one.
func resetMessage(m any) {
	if r, ok := m.(interface{ Reset() }); ok {
		r.Reset()
	}
}
