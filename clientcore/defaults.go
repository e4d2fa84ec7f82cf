package clientcore

import (
	"time"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// DefaultTarget is what a Client dials when New is told neither a target nor
// endpoints.
const DefaultTarget = "localhost:50051"

// Default is five channels with round_robin, three attempts with exponential
// backoff (100 ms doubled up to 30 s, 10 % of jitter), 30 s for a call, 4 MiB
// for a message either way, dynamic windows and no keepalive pings: a server
// that does not expect pings closes the connection over them.
//
// Reconnection differs from grpc-go's own defaults (1 s base, 120 s max, 20 s to
// connect): a backend that restarts in 50 ms would be shunned for a second or
// more. Here a lost backend is dialled again after 100 ms, at most every 5 s,
// and a connection that is not up in 5 s is given up.
func Default() Config {
	channels := pool.Default()
	channels.Size = 5
	return Config{
		Pool:     channels,
		Balance:  balance.Policy{RoundRobin: &balance.RoundRobin{}},
		Timeout:  30 * time.Second,
		Retry:    retry.Default(),
		Messages: Messages{MaxReceive: 4 << 20, MaxSend: 4 << 20},
		Connect: Connect{
			Base:       100 * time.Millisecond,
			Max:        5 * time.Second,
			Multiplier: 1.6,
			Jitter:     0.2,
			Timeout:    5 * time.Second,
		},
	}
}

// FleetKeepalive is pings after 30 s of silence that wait 5 s for an answer,
// only while calls are in flight: what grpcbench's own fleet permits.
func FleetKeepalive() *Keepalive {
	return &Keepalive{Time: 30 * time.Second, Timeout: 5 * time.Second}
}
