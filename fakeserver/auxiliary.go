package fakeserver

import (
	"sync"

	orcaservice "github.com/cncf/xds/go/xds/service/orca/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

// auxiliary reports whether a method, by its full name, is of a service that
// every backend has besides the user service. Its calls are in no books: they
// are not the client's calls.
func auxiliary(full string) bool {
	switch full {
	case healthpb.Health_Check_FullMethodName,
		healthpb.Health_List_FullMethodName,
		healthpb.Health_Watch_FullMethodName,
		orcaservice.OpenRcaService_StreamCoreMetrics_FullMethodName,
		reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName,
		reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName:
		return true
	}
	return false
}

// registerAuxiliary gives a backend's server the services that tools and clients
// expect of one: health, reflection and load reports.
func registerAuxiliary(server *grpc.Server, s *service) {
	healthpb.RegisterHealthServer(server, s.wellness.server)
	if s.report.OutOfBand {
		orcaservice.RegisterOpenRcaServiceServer(server, &reporter{load: s.load})
	}
	reflection.Register(server)
}

// wellness is what the health service of one backend says of it, as a whole and
// of the user service.
type wellness struct {
	server *health.Server

	mu   sync.Mutex
	ills int // faults that make it unhealthy
}

func newWellness() *wellness {
	w := &wellness{server: health.NewServer()}
	w.say(healthpb.HealthCheckResponse_SERVING)
	return w
}

func (w *wellness) say(s healthpb.HealthCheckResponse_ServingStatus) {
	w.server.SetServingStatus("", s)
	w.server.SetServingStatus(userpb.UserService_ServiceDesc.ServiceName, s)
}

func (w *wellness) sicken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ills++; w.ills == 1 {
		w.say(healthpb.HealthCheckResponse_NOT_SERVING)
	}
}

func (w *wellness) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ills--; w.ills == 0 {
		w.say(healthpb.HealthCheckResponse_SERVING)
	}
}
