package interceptor_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore/interceptor"
)

// Two interceptors around what makes a call: the log outermost, so that it sees
// how the call ended.
func Example() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{} // which differ from run to run
			}
			return a
		},
	}))
	log := interceptor.Logging(logger, interceptor.LogOptions{Level: interceptor.Failures})
	tenant, err := interceptor.Metadata("tenant", "seven")
	if err != nil {
		fmt.Println(err)
		return
	}
	call := interceptor.Unary(func(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
		md, _ := metadata.FromOutgoingContext(ctx)
		fmt.Println("sent with tenant", md["tenant"])
		return status.Error(codes.NotFound, "no user 7")
	}, log.Unary, tenant.Unary)
	_ = call(context.Background(), "/user.v1.UserService/GetUser", nil, nil)
	// Output:
	// sent with tenant [seven]
	// level=WARN msg=call method=/user.v1.UserService/GetUser kind=unary code=NOT_FOUND error="no user 7"
}
