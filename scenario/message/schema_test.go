package message

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	// What testdata imports.
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// schema is the messages of testdata.
type schema struct{ *dynamicpb.Types }

// message is a descriptor by its name.
func (s schema) message(t testing.TB, name string) protoreflect.MessageDescriptor {
	t.Helper()
	mt, err := s.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return mt.Descriptor()
}

func testSchema(t testing.TB) schema {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"test.proto": sourceText(t, "test.proto"), "old.proto": sourceText(t, "old.proto")}),
	})}
	compiled, err := compiler.Compile(context.Background(), "test.proto", "old.proto")
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i))
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range compiled {
		add(f)
	}
	return schemaOf(t, &set)
}

// schemaOf is the messages of some files.
func schemaOf(t testing.TB, set *descriptorpb.FileDescriptorSet) schema {
	t.Helper()
	files, err := protodesc.FileOptions{}.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	return schema{dynamicpb.NewTypes(files)}
}

func sourceText(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var _ Types = schema{}
