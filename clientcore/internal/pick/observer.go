// Package pick is how a call hears of its picks: the layers above the pool
// put an Observer into the context, the balancer finds it there.
package pick

import (
	"context"

	"google.golang.org/grpc/balancer"
)

// Observer is told of the picks of one call.
type Observer interface {
	// Picked is told that an attempt goes to backend, an address. What it
	// returns is called once at the attempt's end, and must call end.
	Picked(backend string, end func(balancer.DoneInfo)) func(balancer.DoneInfo)
	// Sent is told that an attempt enters a channel now, and whether it may have
	// waited for one: if not, it began a moment ago, and the clock need not be
	// asked again.
	Sent(waited bool)
}

type observerKey struct{}

// Observe is a context whose calls tell o of their picks.
func Observe(ctx context.Context, o Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// ObserverOf is the Observer of ctx, or nil.
func ObserverOf(ctx context.Context) Observer {
	o, _ := ctx.Value(observerKey{}).(Observer)
	return o
}
