package balance

import "context"

// Observer is told of the picks of one call.
type Observer interface {
	// Picked is told of the backend, by its address, that an attempt goes to.
	// The token comes back in Ended.
	Picked(backend string) (token uint64)
	// Ended is told what came of a pick: whether anything was sent, and
	// whether a header or trailer was received.
	Ended(token uint64, sent, answered bool)
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
