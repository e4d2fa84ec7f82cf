package clientcore

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/internal/cause"
)

// Origin is where a call's error came from; "" when there is none.
type Origin string

// The origins.
const (
	OriginServer    Origin = "server"    // the server answered with the code
	OriginTransport Origin = "transport" // the connection failed under the call
	OriginDeadline  Origin = "deadline"  // the call's own time, or an attempt's, ran out
	OriginBalancer  Origin = "balancer"  // no backend could be picked
	OriginBreaker   Origin = "breaker"   // a circuit breaker refused the call
	OriginBudget    Origin = "budget"    // a retry budget refused another attempt
	OriginPool      Origin = "pool"      // no channel had room in time
	OriginClient    Origin = "client"    // the call could not be sent, or its answer not read, as asked; or the caller gave it up
)

// originOf judges the error of a call by its last attempt.
func originOf(ctx context.Context, err error, last TraceAttempt) Origin {
	// What a layer of the client refuses says so itself.
	var own interface{ Origin() string }
	switch code := status.Code(err); {
	case errors.As(err, &own):
		return Origin(own.Origin())
	case cause.Client(err):
		return OriginClient
	case code == codes.Canceled && (ctx.Err() != nil || !last.Answered):
		return OriginClient // the caller's cancel, or a Client that was closed
	case code == codes.DeadlineExceeded && (expired(ctx) || !last.Answered):
		return OriginDeadline
	case len(last.Backend) == 0 && last.Start.IsZero():
		return OriginClient // refused before any attempt
	case last.Answered && !cause.ConnectionLost(err):
		return OriginServer
	case last.Backend == "":
		return OriginBalancer
	default:
		return OriginTransport
	}
}

// expired is whether ctx's time has run out, or it has ended otherwise. At the
// instant of its deadline the server may be faster to say so than ctx.
func expired(ctx context.Context) bool {
	at, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(at)
}
