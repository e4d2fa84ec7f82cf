package retry

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Invoke makes a unary call on next, with as many attempts as the policy
// allows. What it returns is the last attempt's error, as it is. A call whose
// first attempt succeeds costs no allocation.
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
	u := unaries.Get().(*unary)
	u.set(opts)
	err := r.invoke(ctx, next, observer, method, args, reply, u)
	u.reset()
	unaries.Put(u)
	for _, opt := range opts {
		if finish, ok := opt.(grpc.OnFinishCallOption); ok {
			finish.OnFinish(err)
		}
	}
	return err
}

func (r *Retrier) invoke(ctx context.Context, next grpc.ClientConnInterface, observer Observer,
	method string, args, reply any, u *unary) error {
	var done progress
	var wait time.Duration
	for {
		attempt, cancel := r.attemptContext(ctx, done.made)
		done.made++
		if observer != nil {
			observer.Begin(wait)
		}
		err := next.Invoke(attempt, method, args, reply, u.opts...)
		if cancel != nil {
			cancel()
		}
		if observer != nil {
			observer.End(err)
		}
		if err == nil {
			return nil
		}
		var again bool
		if wait, again = r.again(ctx, &done, err, u.trailer); !again {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		u.forget(reply)
	}
}

// unary is the call options of a unary call's attempts. They are kept from call
// to call: grpc-go copies the slice and is done with the options when Invoke
// returns.
type unary struct {
	opts    []grpc.CallOption
	trailer metadata.MD     // of the last attempt
	collect grpc.CallOption // fills trailer
}

var unaries = sync.Pool{New: func() any {
	u := &unary{}
	u.collect = grpc.Trailer(&u.trailer)
	return u
}}

// set takes the caller's options but for OnFinish, which is for the call and
// not for an attempt.
func (u *unary) set(opts []grpc.CallOption) {
	for _, opt := range opts {
		if _, finish := opt.(grpc.OnFinishCallOption); !finish {
			u.opts = append(u.opts, opt)
		}
	}
	u.opts = append(u.opts, u.collect)
}

func (u *unary) reset() {
	clear(u.opts)
	u.opts = u.opts[:0]
	u.trailer = nil
}

// forget clears what a failed attempt left behind, so that a later attempt that
// gets less far does not seem to have brought it.
func (u *unary) forget(reply any) {
	for _, opt := range u.opts {
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
