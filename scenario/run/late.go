package run

import (
	"maps"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/fakeserver"
)

// lateAttempts are those that the client made and the fleet did not receive
// until both were read.
func lateAttempts(client []clientcore.AttemptCount, fleet fakeserver.Snapshot) map[string]int64 {
	late := map[string]int64{}
	for _, a := range client {
		late[a.Method] += a.Answered + a.Unknown
	}
	for _, b := range fleet.Backends {
		for method, n := range b.Attempts {
			late[method] -= n
		}
	}
	maps.DeleteFunc(late, func(_ string, n int64) bool { return n <= 0 })
	return late
}
