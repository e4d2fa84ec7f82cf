package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// dealing keeps the draw of a call's client apart from all others of the call.
const dealing = 0x6465616c // "deal"

// clients is the independent clients under test of one trial.
type clients struct {
	all      []*clientcore.Client
	where    *destination
	breakers breakerLog
	secrets  []string // that the clients send, and nobody is to see
}

// newClients makes a trial's clients and starts to connect them.
func newClients(v *scenario.Variant, b *backends, seed uint64, block int, deps Deps) (*clients, error) {
	cfg, secrets, err := clientyaml.Reveal(v.Scenario.Client.Config)
	if err != nil {
		return nil, fmt.Errorf("client.%w", err)
	}
	where, err := newDestination(v, b)
	if err != nil {
		return nil, err
	}
	c := &clients{where: where, secrets: secrets}
	for i := range v.Scenario.Client.Count {
		own := load.Mix(seed, uint64(block))
		if i > 0 {
			own = load.Mix(own, uint64(i))
		}
		options := append(slices.Clone(c.where.options),
			clientcore.WithSeed(own),
			clientcore.WithBreakerObserver(func(change breaker.Change) { c.breakers.note(i, change) }))
		if deps.Logger != nil {
			options = append(options, clientcore.WithLogger(deps.Logger))
		}
		client, err := clientcore.New(cfg, options...)
		if err != nil {
			c.Close()
			return nil, err
		}
		c.all = append(c.all, client)
	}
	return c, nil
}

// of is the client that makes a call: the same in every variant.
func (c *clients) of(call *engine.Call) *clientcore.Client {
	if len(c.all) == 1 {
		return c.all[0]
	}
	return c.all[load.Mix(call.Seed, dealing)%uint64(len(c.all))]
}

// churn begins the changes of the fleet's membership.
func (c *clients) churn(t0 time.Time) { c.where.start(t0) }

// waitReady waits until every client has connected, or ctx ends.
func (c *clients) waitReady(ctx context.Context) {
	for _, client := range c.all {
		_ = client.WaitReady(ctx)
	}
}

// stats is the clients' counters together.
func (c *clients) stats() clientcore.Stats {
	total := c.all[0].Stats()
	for _, client := range c.all[1:] {
		total = total.Plus(client.Stats())
	}
	return total
}

// Close closes all clients and waits for their goroutines.
func (c *clients) Close() {
	var closing sync.WaitGroup
	for _, client := range c.all {
		closing.Go(func() { _ = client.Close() })
	}
	closing.Wait()
	c.where.stop()
}
