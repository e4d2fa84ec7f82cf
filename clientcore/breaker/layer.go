package breaker

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
)

// Layer is a grpc.ClientConnInterface whose calls go through a breaker: one for
// all, or one for each method.
type Layer struct {
	next    grpc.ClientConnInterface
	policy  Policy
	judge   judge
	observe func(Change)
	// one is all calls' breaker, or, by method, the one of methods beyond
	// maxMethods.
	one     *Breaker
	methods sync.Map // full method → *Breaker
	known   atomic.Int64
}

var _ grpc.ClientConnInterface = (*Layer)(nil)

// maxMethods bounds the breakers where method names come from outside, as in a
// proxy; the methods beyond share one.
const maxMethods = 1 << 10

// NewLayer puts breakers of scope Client or Method around next, by a policy that
// is valid and not Off. observe is told of each change, see New; with scope
// Method from several goroutines, but in order for each method.
func NewLayer(next grpc.ClientConnInterface, p Policy, observe func(Change)) *Layer {
	name := ""
	if p.Scope == Method {
		name = "(others)"
	}
	return &Layer{next: next, policy: p, judge: judgeOf(p), observe: observe, one: New(p, name, observe)}
}

// of is the breaker of a method.
func (l *Layer) of(method string) *Breaker {
	if l.policy.Scope != Method {
		return l.one
	}
	if b, ok := l.methods.Load(method); ok {
		return b.(*Breaker)
	}
	if l.known.Load() >= maxMethods {
		return l.one
	}
	b, had := l.methods.LoadOrStore(method, New(l.policy, strings.TrimPrefix(method, "/"), l.observe))
	if !had {
		l.known.Add(1)
	}
	return b.(*Breaker)
}

// Invoke makes a unary call, if it is admitted.
func (l *Layer) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	b := l.of(method)
	ticket, err := b.Allow()
	if err != nil {
		finish(opts, err)
		return err
	}
	err = l.next.Invoke(ctx, method, args, reply, opts...)
	b.Done(ticket, l.judge.outcome(err))
	return err
}

// NewStream opens a stream, if it is admitted. Its outcome is that of its end; a
// probe's is a success with the first response.
func (l *Layer) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	b := l.of(method)
	ticket, err := b.Allow()
	if err != nil {
		finish(opts, err)
		return nil, err
	}
	// grpc-go tells of every end of a stream; what is below may fail before it
	// has asked grpc-go.
	var once sync.Once
	done := func(err error) { once.Do(func() { b.Done(ticket, l.judge.outcome(err)) }) }
	all := append(make([]grpc.CallOption, 0, len(opts)+1), opts...)
	s, err := l.next.NewStream(ctx, desc, method, append(all, grpc.OnFinish(done))...)
	if err != nil {
		done(err)
		return nil, err
	}
	if ticket.probes() {
		return &probe{s, done}, nil
	}
	return s, nil
}

// Len is how many breakers calls go through: of methods, those that were called;
// the one of methods beyond maxMethods counts from when there could be some.
func (l *Layer) Len() int {
	if l.policy.Scope != Method {
		return 1
	}
	n := l.known.Load()
	if n >= maxMethods {
		n++
	}
	return int(n)
}

// Each calls yield with every breaker.
func (l *Layer) Each(yield func(*Breaker)) {
	yield(l.one)
	l.methods.Range(func(_, b any) bool {
		yield(b.(*Breaker))
		return true
	})
}

// finish tells the caller's OnFinish of a call that grpc-go never had.
func finish(opts []grpc.CallOption, err error) {
	for _, opt := range opts {
		if f, ok := opt.(grpc.OnFinishCallOption); ok {
			f.OnFinish(err)
		}
	}
}
