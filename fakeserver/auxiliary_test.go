package fakeserver

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

func unhealthy() fault.Inject { return fault.Inject{Unhealthy: &fault.Unhealthy{}} }

// A backend says that it is unhealthy while a window is open, to those who ask
// and to those who watch, and serves all the time. Windows nest, Reset ends them.
func TestUnhealthyWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 2, Faults: []fault.Rule{
			{At: sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: unhealthy()},
			{At: 2 * sec, For: 2 * sec, Where: fault.Where{Backends: []int{1}}, Inject: unhealthy()},
		}})
		ctx := t.Context()
		watch, err := healthpb.NewHealthClient(r.conns[1]).Watch(ctx, &healthpb.HealthCheckRequest{Service: "user.v1.UserService"})
		must(t, err)
		first, err := watch.Recv()
		must(t, err)
		t0 := time.Now()
		r.Start(t0, true)
		news := make(chan string, 10)
		go func() {
			defer close(news)
			for {
				n, err := watch.Recv()
				if err != nil {
					return
				}
				news <- n.Status.String() + " " + time.Since(t0).String()
			}
		}()
		check := func(at time.Duration, backend int, want healthpb.HealthCheckResponse_ServingStatus) {
			t.Helper()
			sleepTo(t0, at)
			synctest.Wait()
			for _, service := range []string{"", "user.v1.UserService"} {
				out, err := healthpb.NewHealthClient(r.conns[backend]).Check(ctx, &healthpb.HealthCheckRequest{Service: service})
				must(t, err)
				if out.Status != want {
					t.Errorf("at %v b%d says that %q is %v, want %v", at, backend, service, out.Status, want)
				}
			}
			must(t, get(ctx, r.clients[backend], "x", ""))
		}
		check(sec-1, 1, healthpb.HealthCheckResponse_SERVING)
		check(sec, 1, healthpb.HealthCheckResponse_NOT_SERVING)
		check(sec, 0, healthpb.HealthCheckResponse_SERVING)
		check(3*sec, 1, healthpb.HealthCheckResponse_NOT_SERVING)
		check(4*sec, 1, healthpb.HealthCheckResponse_SERVING)
		if first.Status != healthpb.HealthCheckResponse_SERVING || len(news) != 2 {
			t.Errorf("watched: %v, then %d changes", first.Status, len(news))
		}
		if got := []string{<-news, <-news}; !slices.Equal(got, []string{"NOT_SERVING 1s", "SERVING 4s"}) {
			t.Errorf("watched: %v", got)
		}
		_, err = healthpb.NewHealthClient(r.conns[0]).Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"})
		wantCode(t, "a service that it does not have", err, codes.NotFound)

		// None of this is in the books, but the windows and the calls.
		s := r.Snapshot().Backends[1]
		if d := cmp.Diff(map[string]int64{"user.v1.UserService/GetUser": 4}, s.Attempts); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(map[string]int64{"OK": 4}, s.Codes); d != "" || s.InFlight != 0 || s.Faults["unhealthy"] != 2 {
			t.Errorf("%+v", s)
		}

		must(t, r.Reset(1, 0))
		out, err := healthpb.NewHealthClient(r.conns[1]).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
		must(t, err)
		if out.Status != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("after Reset: %v", out.Status)
		}
	})
}

// Tools that know nothing of the fleet find its service by reflection, of either
// version, with all that its messages are made of.
func TestReflection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Backends: 1})
		v1, err := reflectionv1.NewServerReflectionClient(r.conns[0]).ServerReflectionInfo(t.Context())
		must(t, err)
		must(t, v1.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}))
		list, err := v1.Recv()
		must(t, err)
		var names []string
		for _, s := range list.GetListServicesResponse().GetService() {
			names = append(names, s.GetName())
		}
		want := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
			"user.v1.UserService", "xds.service.orca.v3.OpenRcaService"}
		if d := cmp.Diff(want, names); d != "" {
			t.Error(d)
		}
		// Of the old version the messages are the same.
		alpha, err := r.conns[0].NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
			"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
		must(t, err)
		must(t, alpha.SendMsg(&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "user.v1.UserService.GetUser"}}))
		files := new(reflectionv1.ServerReflectionResponse)
		must(t, alpha.RecvMsg(files))
		if n := len(files.GetFileDescriptorResponse().GetFileDescriptorProto()); n == 0 {
			t.Errorf("no descriptor: %v", files)
		}
		must(t, v1.CloseSend())
		must(t, alpha.CloseSend())
		synctest.Wait()
		if s := r.Snapshot().Backends[0]; len(s.Attempts) != 0 || len(s.Codes) != 0 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
		// What the services do not have is a call like any other.
		wantCode(t, "unknown method", r.conns[0].Invoke(t.Context(), "/grpc.health.v1.Health/Nope", &userpb.User{}, &userpb.User{}), codes.Unimplemented)
		if s := r.Snapshot().Backends[0]; s.Attempts["unknown"] != 1 || s.Codes["UNIMPLEMENTED"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}
