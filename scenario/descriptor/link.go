package descriptor

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// What services import besides their own files, and few have at hand.
	_ "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// The bounds on what a server or a file may describe: far above what any has,
// and low enough that a hostile one cannot fill the memory.
const (
	maxFiles = 10_000
	maxBytes = 64 << 20
)

// wellKnown is where protobuf's own types are. Those that grpcbench is linked
// with are taken from there, whatever a source says of them: they are the ones
// that protobuf's JSON is defined by.
const wellKnown = "google/protobuf/"

// linked is a file that grpcbench is linked with, or nil.
func linked(path string) protoreflect.FileDescriptor {
	f, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return nil
	}
	return f
}

// linker puts files together with what they import, in the order that takes.
type linker struct {
	files map[string]*descriptorpb.FileDescriptorProto
	// fetch asks the source for a file that is not among files: it adds what it
	// gets. Nil where there is nobody to ask. Its error is the reason that
	// the file is missing.
	fetch func(path string) error
	// absent is the reason that a file is missing where fetch is nil.
	absent string

	done     *protoregistry.Files
	missing  map[string]missing
	failed   map[string]error
	onTheWay map[string]bool
}

func newLinker(files map[string]*descriptorpb.FileDescriptorProto) *linker {
	return &linker{files: files, done: new(protoregistry.Files), missing: map[string]missing{},
		failed: map[string]error{}, onTheWay: map[string]bool{}}
}

// link links one file, after all that it imports. An import that nobody has
// leaves a hole, which is noted: options are not needed for a call.
func (l *linker) link(path string) error {
	if _, err := l.done.FindFileByPath(path); err == nil {
		return nil
	}
	if err := l.failed[path]; err != nil {
		return err
	}
	err := l.linkOnce(path)
	if err != nil {
		l.failed[path] = err
	}
	return err
}

func (l *linker) linkOnce(path string) error {
	if strings.HasPrefix(path, wellKnown) && linked(path) != nil {
		return l.done.RegisterFile(linked(path))
	}
	if l.onTheWay[path] {
		return fmt.Errorf("%s imports itself", path)
	}
	l.onTheWay[path] = true
	defer delete(l.onTheWay, path)
	file := l.files[path]
	for _, dependency := range file.GetDependency() {
		if err := l.find(dependency); err != nil {
			l.missing[dependency] = missing{by: path, why: err.Error()}
			continue
		}
		if err := l.link(dependency); err != nil {
			return err
		}
	}
	linked, err := protodesc.FileOptions{AllowUnresolvable: true}.New(file, l.done)
	if err == nil {
		err = l.done.RegisterFile(linked)
	}
	if err != nil {
		return fmt.Errorf("%s: %s", path, unprefixed(err))
	}
	return nil
}

// find makes sure that the file is there.
func (l *linker) find(path string) error {
	if l.files[path] != nil || strings.HasPrefix(path, wellKnown) && linked(path) != nil {
		return nil
	}
	reason := errors.New(l.absent)
	if l.fetch != nil {
		if reason = l.fetch(path); reason == nil && l.files[path] != nil {
			return nil
		}
		if reason == nil {
			reason = errors.New("is missing from what the server answered")
		}
	}
	if f := linked(path); f != nil {
		l.files[path] = protodesc.ToFileDescriptorProto(f)
		return nil
	}
	return reason
}

// unprefixed is the error of package protodesc or protoregistry without its prefix,
// whose space is now a normal and now a non-breaking one.
func unprefixed(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}
