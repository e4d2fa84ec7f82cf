package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
)

// The shop is a service of which there is no generated code.
const shopProto = `syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
service Shop {
  rpc Buy(Order) returns (Receipt);
  rpc Follow(Order) returns (stream Receipt);
  rpc Upload(stream Order) returns (Receipt);
  rpc Talk(stream Order) returns (stream Receipt);
}
enum Size { SIZE_UNKNOWN = 0; SIZE_LARGE = 1; }
message Order {
  string item = 1;
  int32 count = 2;
  Size size = 3;
  repeated string tags = 4;
  google.protobuf.Timestamp at = 5;
}
message Receipt { string item = 1; int32 count = 2; }
`

// shop answers each order 10 ms after it came, with its item: a stream down with
// as many as its count says, an upload with how many orders there were. The item
// "none" is not there.
type shop struct {
	files *protoregistry.Files
	order protoreflect.MessageDescriptor

	mu       sync.Mutex
	orders   []string // as JSON, by method
	metadata []metadata.MD
}

// newShop compiles the shop's file, which it leaves in a folder.
func newShop(t *testing.T, folder string) *shop {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "shop.proto"), []byte(shopProto), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := descriptor.Source{Proto: &descriptor.Proto{Files: []string{"shop.proto"}}}.In(folder).Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	file := set.Services()[0].ParentFile()
	all := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(file.Imports().Get(0).FileDescriptor), protodesc.ToFileDescriptorProto(file)}}
	encoded, err := proto.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "shop.binpb"), encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(all)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{files: files, order: file.Messages().ByName("Order")}
}

func (s *shop) GetServiceInfo() map[string]grpc.ServiceInfo {
	return map[string]grpc.ServiceInfo{"shop.v1.Shop": {}}
}

func (s *shop) take(stream grpc.ServerStream) (item string, count int32, err error) {
	order := dynamicpb.NewMessage(s.order)
	if err := stream.RecvMsg(order); err != nil {
		return "", 0, err
	}
	text, err := protojson.Marshal(order)
	if err != nil {
		return "", 0, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return "", 0, err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	s.mu.Lock()
	defer s.mu.Unlock()
	md, _ := metadata.FromIncomingContext(stream.Context())
	s.orders, s.metadata = append(s.orders, method[len("/shop.v1.Shop/"):]+" "+compact.String()), append(s.metadata, md)
	fields := s.order.Fields()
	return order.Get(fields.ByName("item")).String(), int32(order.Get(fields.ByName("count")).Int()), nil
}

func (s *shop) answer(stream grpc.ServerStream, item string, count int32) error {
	time.Sleep(10 * time.Millisecond)
	if item == "none" {
		return status.Error(codes.NotFound, "there is none")
	}
	found, err := s.files.FindDescriptorByName("shop.v1.Receipt")
	if err != nil {
		return err
	}
	receipt := dynamicpb.NewMessage(found.(protoreflect.MessageDescriptor))
	fields := receipt.Descriptor().Fields()
	receipt.Set(fields.ByName("item"), protoreflect.ValueOfString(item))
	receipt.Set(fields.ByName("count"), protoreflect.ValueOfInt32(count))
	return stream.SendMsg(receipt)
}

func (s *shop) handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	switch method {
	case "/shop.v1.Shop/Buy", "/shop.v1.Shop/Follow":
		item, count, err := s.take(stream)
		n := int32(1)
		if method == "/shop.v1.Shop/Follow" {
			n = count
		}
		for i := int32(0); err == nil && i < n; i++ {
			err = s.answer(stream, item, count)
		}
		return err
	case "/shop.v1.Shop/Upload", "/shop.v1.Shop/Talk":
		for n := int32(0); ; n++ {
			item, count, err := s.take(stream)
			switch {
			case errors.Is(err, io.EOF) && method == "/shop.v1.Shop/Upload":
				return s.answer(stream, "all", n)
			case errors.Is(err, io.EOF):
				return nil
			case err == nil && method == "/shop.v1.Shop/Talk":
				err = s.answer(stream, item, count)
			}
			if err != nil {
				return err
			}
		}
	}
	return status.Error(codes.Unimplemented, method)
}

// serve serves the shop on l.
func (s *shop) serve(t *testing.T, l net.Listener, reflected bool) {
	server := grpc.NewServer(grpc.UnknownServiceHandler(s.handle), grpc.WaitForHandlers(true))
	if reflected {
		reflectionpb.RegisterServerReflectionServer(server, reflection.NewServerV1(reflection.ServerOptions{Services: s, DescriptorResolver: s.files}))
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
}

// ran is what came of a command.
type ran struct {
	code           int
	stdout, stderr string
	shop           *shop
	result         *result.Result
}

// atShop runs a command over files in a folder of its own, in virtual time, with
// the shop at shop:1 and, without reflection, at bare:1. DIR in args is the folder.
func atShop(t *testing.T, files map[string]string, args ...string) ran {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "DIR", folder)
	}
	var r ran
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		r.shop = newShop(t, folder)
		for address, reflected := range map[string]bool{"shop:1": true, "bare:1": false} {
			l, err := network.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			r.shop.serve(t, l, reflected)
		}
		var out, errs bytes.Buffer
		r.code = runWith(t.Context(), args, &out, &errs, deps{Listen: network.Listen,
			Dial: func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) }})
		r.stdout, r.stderr = strings.ReplaceAll(out.String(), folder+"/", ""), strings.ReplaceAll(errs.String(), folder+"/", "")
	})
	if f, err := os.Open(filepath.Join(folder, "out", "result.json")); err == nil {
		defer f.Close()
		if r.result, err = result.Read(f); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

const runShop = `
name: shop
target: passthrough:///%s
client: {retry: none, balance: pick_first}
%s
load:
%s
trials: 1
warmup: 0s
measure: 1s
`

// shopScenario is a scenario of one load entry or several.
func shopScenario(address, top, load string) map[string]string {
	text := strings.Replace(strings.Replace(strings.Replace(runShop, "%s", address, 1), "%s", top, 1), "%s", load, 1)
	return map[string]string{"s.yaml": text}
}

func runArgs() []string { return []string{"run", "DIR/s.yaml", "--out", "DIR/out", "--quiet"} }

// byMethod counts orders.
func (s *shop) byMethod() map[string]int {
	counts := map[string]int{}
	for _, o := range s.orders {
		counts[o]++
	}
	return counts
}

// newShopFile adds the protoset to files that are written before the shop is there.
func newShopFile(t *testing.T, files map[string]string) {
	folder := t.TempDir()
	newShop(t, folder)
	text, err := os.ReadFile(filepath.Join(folder, "shop.binpb"))
	if err != nil {
		t.Fatal(err)
	}
	files["shop.binpb"] = string(text)
}
