package scenario

import (
	"bytes"
	"os"
	"path"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// etcdSet describes etcd's services, as `buf build` of its api folder would, but
// for options: a call needs none of them.
func etcdSet(t *testing.T) []byte {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(string, protoreflect.FileDescriptor)
	add = func(name string, f protoreflect.FileDescriptor) {
		if seen[name] {
			return
		}
		seen[name] = true
		described := protodesc.ToFileDescriptorProto(f)
		described.Name = &name
		bare(described)
		for i := range f.Imports().Len() {
			imported := f.Imports().Get(i).Path()
			if path.Base(path.Dir(imported)) != "mvccpb" && path.Base(path.Dir(imported)) != "authpb" {
				continue // for options
			}
			// etcd's Go code knows its files by the last part of their names.
			file, err := protoregistry.GlobalFiles.FindFileByPath(path.Base(imported))
			if err != nil {
				t.Fatal(err)
			}
			described.Dependency = append(described.Dependency, imported)
			add(imported, file)
		}
		set.File = append(set.File, described)
	}
	add("etcd/api/etcdserverpb/rpc.proto", etcdserverpb.File_rpc_proto)
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// bare takes imports and options off a file, but for those that decide over the
// wire.
func bare(f *descriptorpb.FileDescriptorProto) {
	f.Dependency, f.OptionDependency, f.Options = nil, nil, nil
	for _, s := range f.Service {
		s.Options = nil
		for _, m := range s.Method {
			m.Options = nil
		}
	}
	var message func(*descriptorpb.DescriptorProto)
	enums := func(all []*descriptorpb.EnumDescriptorProto) {
		for _, e := range all {
			e.Options = nil
			for _, v := range e.Value {
				v.Options = nil
			}
		}
	}
	message = func(m *descriptorpb.DescriptorProto) {
		if m.GetOptions().GetMapEntry() {
			m.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
		} else {
			m.Options = nil
		}
		for _, field := range m.Field {
			if packed := field.GetOptions(); packed != nil && packed.Packed != nil {
				field.Options = &descriptorpb.FieldOptions{Packed: packed.Packed}
			} else {
				field.Options = nil
			}
		}
		for _, o := range m.OneofDecl {
			o.Options = nil
		}
		enums(m.EnumType)
		for _, inner := range m.NestedType {
			message(inner)
		}
	}
	enums(f.EnumType)
	for _, m := range f.MessageType {
		message(m)
	}
}

// The shipped descriptors of etcd's services are those of the etcd client that
// grpcbench is built with.
func TestEtcdSet(t *testing.T) {
	const file = "../scenarios/etcd.binpb"
	want := etcdSet(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is of another etcd: go test ./scenario -run TestEtcdSet -update", file)
	}
}
