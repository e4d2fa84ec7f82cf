package descriptor

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/reflection"
	v1pb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	v1alphapb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// serve serves what register says, and connects to it.
func serve(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	register(server)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// provider is a server of given services, for the reflection.
type provider map[string]grpc.ServiceInfo

func (p provider) GetServiceInfo() map[string]grpc.ServiceInfo { return p }

// options is grpc-go's reflection of the fixture.
func options(t *testing.T) reflection.ServerOptions {
	files, err := protodesc.NewFiles(fileSet(t, load(t, payments()), "pay.v1.Payments"))
	if err != nil {
		t.Fatal(err)
	}
	return reflection.ServerOptions{DescriptorResolver: files, Services: provider{
		"pay.v1.Payments": {}, "pay.v1.Reports": {}, "grpc.reflection.v1.ServerReflection": {},
	}}
}

// The newest version that the server has is used, or the one that is asked for.
func TestReflectionVersions(t *testing.T) {
	v1 := func(s *grpc.Server) { v1pb.RegisterServerReflectionServer(s, reflection.NewServerV1(options(t))) }
	v1alpha := func(s *grpc.Server) { v1alphapb.RegisterServerReflectionServer(s, reflection.NewServer(options(t))) }
	both := func(s *grpc.Server) { v1(s); v1alpha(s) }
	none := func(*grpc.Server) {}
	for name, test := range map[string]struct {
		register func(*grpc.Server)
		version  Version
		want     string // the error
	}{
		"v1":                 {v1, "", ""},
		"v1alpha":            {v1alpha, "", ""},
		"both":               {both, "", ""},
		"none":               {none, "", ErrNoReflection.Error()},
		"v1, asked for":      {both, V1, ""},
		"v1alpha, asked for": {both, V1Alpha, ""},
		"v1, not there":      {v1alpha, V1, "the server has no reflection v1:"},
		"v1alpha, not there": {v1, V1Alpha, "the server has no reflection v1alpha:"},
		"neither, asked for": {none, V1, "the server has no reflection v1:"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := serve(t, test.register)
			set, err := Source{Reflection: &Reflection{Version: test.version}}.Load(t.Context(), conn)
			if test.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.want) {
					t.Fatalf("%v, want %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			usable(t, set)
			if got := names(set); !strings.HasSuffix(got, "pay.v1.Payments pay.v1.Reports") {
				t.Errorf("services %s", got)
			}
		})
	}
}

// odd is a reflection service that answers as it is told.
type odd struct {
	v1pb.UnimplementedServerReflectionServer
	services []string
	answer   func(*v1pb.ServerReflectionRequest) ([]*descriptorpb.FileDescriptorProto, error)
	fails    error // of the stream, before any answer
	asked    []string
}

func (o *odd) ServerReflectionInfo(stream v1pb.ServerReflection_ServerReflectionInfoServer) error {
	for {
		question, err := stream.Recv()
		if err != nil {
			return nil
		}
		if o.fails != nil {
			return o.fails
		}
		answer := &v1pb.ServerReflectionResponse{}
		if question.GetListServices() != "" {
			list := &v1pb.ListServiceResponse{}
			for _, name := range o.services {
				list.Service = append(list.Service, &v1pb.ServiceResponse{Name: name})
			}
			answer.MessageResponse = &v1pb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
		} else {
			o.asked = append(o.asked, question.GetFileByFilename()+question.GetFileContainingSymbol())
			files, err := o.answer(question)
			if err != nil {
				answer.MessageResponse = &v1pb.ServerReflectionResponse_ErrorResponse{ErrorResponse: &v1pb.ErrorResponse{
					ErrorCode: int32(status.Code(err)), ErrorMessage: status.Convert(err).Message()}}
			} else {
				some := &v1pb.FileDescriptorResponse{}
				for _, f := range files {
					encoded, err := proto.Marshal(f)
					if err != nil {
						return err
					}
					some.FileDescriptorProto = append(some.FileDescriptorProto, encoded)
				}
				answer.MessageResponse = &v1pb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: some}
			}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// ask loads by reflection from an odd server.
func (o *odd) load(t *testing.T) (*Set, error) {
	t.Helper()
	conn := serve(t, func(s *grpc.Server) { v1pb.RegisterServerReflectionServer(s, o) })
	return Source{}.Load(t.Context(), conn)
}

// one answers with one file at a time, as servers other than grpc-go do.
func one(files *descriptorpb.FileDescriptorSet) func(*v1pb.ServerReflectionRequest) ([]*descriptorpb.FileDescriptorProto, error) {
	return func(q *v1pb.ServerReflectionRequest) ([]*descriptorpb.FileDescriptorProto, error) {
		for _, f := range files.File {
			if f.GetName() == q.GetFileByFilename() || q.GetFileContainingSymbol() != "" && strings.HasPrefix(q.GetFileContainingSymbol(), f.GetPackage()+".") {
				return []*descriptorpb.FileDescriptorProto{f}, nil
			}
		}
		return nil, status.Error(codes.NotFound, "no such file")
	}
}

// What is imported is asked for by its name, once; protobuf's own types never.
func TestReflectionOfOneFileAtATime(t *testing.T) {
	o := &odd{services: []string{"pay.v1.Reports", "pay.v1.Payments"}, answer: one(fileSet(t, load(t, payments()), "pay.v1.Payments"))}
	set, err := o.load(t)
	if err != nil {
		t.Fatal(err)
	}
	usable(t, set)
	if want := []string{"pay.v1.Payments", "google/api/annotations.proto", "google/api/http.proto", "money/money.proto"}; !slices.Equal(o.asked, want) {
		t.Errorf("asked for %q, want %q", o.asked, want)
	}
}

func TestReflectionOfMissingImports(t *testing.T) {
	all := fileSet(t, load(t, payments()), "pay.v1.Payments")
	// Only options need it, and grpcbench has it.
	o := &odd{services: []string{"pay.v1.Payments"}, answer: one(without(all, "google/api/annotations.proto"))}
	set, err := o.load(t)
	if err != nil {
		t.Fatal(err)
	}
	usable(t, set)

	o = &odd{services: []string{"pay.v1.Payments", "pay.v1.Reports"}, answer: one(without(all, "money/money.proto"))}
	if set, err = o.load(t); err != nil {
		t.Fatal(err)
	}
	_, err = set.Method("pay.v1.Payments/Charge")
	want := "pay.v1.Payments/Charge cannot be called: the type money.Money of the field pay.v1.ChargeRequest.amount is not described: " +
		"pay/v1/pay.proto imports money/money.proto, which the server's reflection does not have"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, err := set.Method("pay.v1.Reports/Daily"); err != nil {
		t.Errorf("a method that does not need it: %v", err)
	}
}

// A service that cannot be described is in the way of no other.
func TestReflectionOfABrokenService(t *testing.T) {
	all := fileSet(t, load(t, payments()), "pay.v1.Payments")
	o := &odd{services: []string{"pay.v1.Payments", "shop.Orders"}, answer: one(all)}
	set, err := o.load(t)
	if err != nil {
		t.Fatal(err)
	}
	usable(t, set)
	_, err = set.Method("shop.Orders/List")
	if want := "shop.Orders cannot be described: the server's reflection says NotFound: no such file"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if set.Broken()["shop.Orders"] == nil || names(set) != "pay.v1.Payments" {
		t.Errorf("broken %v, services %s", set.Broken(), names(set))
	}
}

// A server cannot make the reading go on for ever, nor fill the memory.
func TestHostileReflection(t *testing.T) {
	endless := func(q *v1pb.ServerReflectionRequest) ([]*descriptorpb.FileDescriptorProto, error) {
		n, _ := strconv.Atoi(q.GetFileByFilename()) // 0 for the service's own
		return []*descriptorpb.FileDescriptorProto{{Name: proto.String(strconv.Itoa(n)), Dependency: []string{strconv.Itoa(n + 1)},
			Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Endless")}}}}, nil
	}
	other := func(*v1pb.ServerReflectionRequest) ([]*descriptorpb.FileDescriptorProto, error) {
		return []*descriptorpb.FileDescriptorProto{{Name: proto.String("other.proto")}}, nil
	}
	if _, err := (&odd{services: []string{"Endless"}, answer: endless}).load(t); err == nil || !strings.Contains(err.Error(), "grpcbench gives up") {
		t.Errorf("endless imports: %v", err)
	}
	set, err := (&odd{services: []string{"Other"}, answer: other}).load(t)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Method("Other/X"); err == nil || !strings.Contains(err.Error(), "answered with a file that does not have it") {
		t.Errorf("another file: %v", err)
	}
	many := make([]string, maxFiles+1)
	for i := range many {
		many[i] = "S" + strings.Repeat("x", i%7)
	}
	if _, err := (&odd{services: many}).load(t); err == nil || !strings.Contains(err.Error(), "lists more than") {
		t.Errorf("many services: %v", err)
	}
}

// Each failure is one sentence, and keeps its status.
func TestReflectionFailures(t *testing.T) {
	for code, want := range map[codes.Code]string{
		codes.PermissionDenied:  "the server does not let its reflection be used: because",
		codes.Unauthenticated:   "the server does not let its reflection be used: because",
		codes.ResourceExhausted: "the server's reflection failed: because",
		codes.DeadlineExceeded:  "the server did not answer in time when it was asked what methods it has: because",
	} {
		_, err := (&odd{fails: status.Error(code, "because")}).load(t)
		if err == nil || err.Error() != want || status.Code(err) != code {
			t.Errorf("%s: %v (%s), want %s", code, err, status.Code(err), want)
		}
	}
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return nil, errors.New("nobody home") }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = Source{}.Load(t.Context(), conn)
	if want := "the server cannot be reached: nobody home"; err == nil || err.Error() != want || status.Code(err) != codes.Unavailable {
		t.Errorf("%v, want %s", err, want)
	}
}
