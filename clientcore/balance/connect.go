package balance

import (
	"context"
	"math"
	"strconv"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/metadata"
)

// connect makes ring_hash connect to all its backends. It has no other way: its
// ExitIdle does nothing, and a backend is connected to by a pick of a key that is
// its own. So keys are picked, which nobody counts and no call follows, as many
// as it takes to meet every backend but for a chance of e^-20 each.
func connect(picker balancer.Picker, header string, backends int) {
	n := float64(backends)
	for i := range int(n * (math.Log(n+1) + 20)) {
		ctx := metadata.NewOutgoingContext(context.Background(), metadata.Pairs(header, "connect-"+strconv.Itoa(i)))
		// Done is not called: to the policies above a ring it would be a call
		// that went well.
		_, _ = picker.Pick(balancer.PickInfo{Ctx: ctx})
	}
}
