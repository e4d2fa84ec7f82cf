package balance

import (
	"errors"
	"testing"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/breaker"
)

// TestMarked: an error with a status is a drop, of an INTERNAL where its code is not
// a balancer's to choose (gRFC A54), so that grpc-go passes it up as it is.
func TestMarked(t *testing.T) {
	restricted := map[codes.Code]bool{codes.InvalidArgument: true, codes.NotFound: true, codes.AlreadyExists: true,
		codes.FailedPrecondition: true, codes.Aborted: true, codes.OutOfRange: true, codes.DataLoss: true}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		given := status.Error(code, "no")
		err := marked(given)
		want := given
		if restricted[code] {
			want = status.Errorf(codes.Internal, "received picker error with illegal status: %v", given)
		}
		if !errors.Is(err, ErrDropped) || status.Code(err) != status.Code(want) || status.Convert(err).Message() != status.Convert(want).Message() {
			t.Errorf("%v: %v (dropped %v), want the drop of %v", code, err, errors.Is(err, ErrDropped), want)
		}
	}
	if err := marked(balancer.ErrNoSubConnAvailable); err != balancer.ErrNoSubConnAvailable {
		t.Errorf("no picker yet: %v", err)
	}
	open := breaker.NewSet(breaker.Default(), nil).Refused()
	if err := marked(open); err != open {
		t.Errorf("an open breaker: %v", err)
	}
	if err := marked(errors.New("no route")); errors.Is(err, ErrDropped) || recognised(status.Error(codes.Unavailable, err.Error())) == nil {
		t.Errorf("no backend: %v", err)
	}
}
