package e2e

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
)

// newInterop is grpc-go's interop test server with its health service and
// reflection.
func newInterop(t *testing.T, opts ...grpc.ServerOption) string {
	return serve(t, interopOn, opts...)
}

func interopOn(s *grpc.Server) {
	testpb.RegisterTestServiceServer(s, interop.NewTestServer())
	healthpb.RegisterHealthServer(s, health.NewServer())
	reflection.Register(s)
}

func TestInteropServices(t *testing.T) {
	address := newInterop(t)
	mustSay(t, []string{"grpc.testing.TestService", "grpc.health.v1.Health"}, "services", "--target", address)
	mustSay(t, []string{`"responseSize"`}, "services", "--target", address, "grpc.testing.TestService/UnaryCall")
}

// A call of each kind, by reflection.
func TestInteropCalls(t *testing.T) {
	address := newInterop(t)
	for method, c := range map[string]struct{ data, want string }{
		"EmptyCall":           {"", "{}"},
		"UnaryCall":           {`{"responseSize": 4, "payload": {"body": "AAEC"}}`, `"AAAAAA=="`},
		"StreamingOutputCall": {`{"responseParameters": [{"size": 1}, {"size": 2, "intervalUs": 10}]}`, `"AAA="`},
		"StreamingInputCall":  {`[{"payload": {"body": "AAEC"}}, {"payload": {"body": "AA=="}}]`, `"aggregatedPayloadSize": 4`},
		"FullDuplexCall":      {`[{"responseParameters": [{"size": 1}]}, {"responseParameters": [{"size": 2}]}]`, `"AAA="`},
	} {
		t.Run(method, func(t *testing.T) {
			args := []string{"call", "--target", address, "--call", "grpc.testing.TestService/" + method}
			if c.data != "" {
				args = append(args, "--data", c.data)
			}
			mustSay(t, []string{c.want}, args...)
		})
	}
}

func TestHealthCalls(t *testing.T) {
	address := newInterop(t)
	mustSay(t, []string{`"SERVING"`}, "call", "--target", address, "--call", "grpc.health.v1.Health/Check")
	code, _, stderr := grpcbench(t, "call", "--target", address, "--call", "grpc.health.v1.Health/Check", "--data", `{"service": "none"}`)
	if code != 1 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
