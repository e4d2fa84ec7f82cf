package discovery_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

func TestStaticChurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := churntest.Memory(t, 3)
		r := &discovery.Static{}
		churntest.Run(t, b, b.Dial(t, r), func(addresses []string) { r.Set(discovery.Addresses(addresses...)) })
	})
}

// TestClientChurn has a whole client, with four channels that share a watch.
func TestClientChurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := churntest.Memory(t, 3)
		r := &discovery.Static{}
		watches := &counted{Registry: r}
		c := clientcore.Default()
		c.Pool.Size = 4
		c.Balance = balance.Policy{RoundRobin: &balance.RoundRobin{}}
		client, err := clientcore.New(c,
			clientcore.WithTarget("static:///backends"),
			clientcore.WithResolvers(discovery.Resolver("static", watches)),
			clientcore.WithDialer(func(ctx context.Context, address string) (net.Conn, error) { return b.Dialer(ctx, address) }))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		churntest.Run(t, b, client, func(addresses []string) { r.Set(discovery.Addresses(addresses...)) })
		if n := watches.begun.Load(); n != 1 {
			t.Errorf("%d watches of the registry instead of 1 for all channels", n)
		}
	})
}
