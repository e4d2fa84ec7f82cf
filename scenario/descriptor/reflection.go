package descriptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/grpcbench/grpcbench/scenario/plain"
)

// Reflection asks the server.
type Reflection struct {
	Version Version `yaml:"version" doc:"the version of the reflection service: v1 or v1alpha; v1, and v1alpha where the server has no v1, when left out"`
}

func (*Reflection) problems() []Problem { return nil }

// ErrNoReflection is that the server has no reflection service.
var ErrNoReflection = errors.New("the server has no reflection: give its .proto files (proto) or a file of descriptors (protoset) instead")

func (r *Reflection) load(ctx context.Context, conn grpc.ClientConnInterface) (*Set, error) {
	versions := []Version{V1, V1Alpha}
	if r.Version != "" {
		versions = []Version{r.Version}
	}
	for _, v := range versions {
		set, err := ask(ctx, conn, v)
		if status.Code(err) != codes.Unimplemented {
			return set, sentence(err)
		}
	}
	if r.Version != "" {
		return nil, fmt.Errorf("the server has no reflection %s: leave the version out, or give its .proto files (proto) or a file of descriptors (protoset)", r.Version)
	}
	return nil, ErrNoReflection
}

// sentence is what a failed call of the reflection service says to people. The
// error keeps its status.
func sentence(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok || s.Code() == codes.OK {
		return err
	}
	var text string
	switch s.Code() {
	case codes.Unavailable:
		text = "the server cannot be reached: " + cause(s.Message())
	case codes.DeadlineExceeded:
		text = "the server did not answer in time when it was asked what methods it has: " + s.Message()
	case codes.Unauthenticated, codes.PermissionDenied:
		text = "the server does not let its reflection be used: " + s.Message()
	default:
		text = "the server's reflection failed: " + s.Message()
	}
	return &askError{text: plain.Text(text), err: err}
}

// askError is a failed call of the reflection service.
type askError struct {
	text string
	err  error
}

func (e *askError) Error() string              { return e.text }
func (e *askError) Unwrap() error              { return e.err }
func (e *askError) GRPCStatus() *status.Status { return status.Convert(e.err) }

// cause is what is at the bottom of grpc-go's message about a connection:
// connection error: desc = "transport: Error while dialing: dial tcp …".
func cause(message string) string {
	for _, before := range []string{"Error while dialing: ", "authentication handshake failed: "} {
		if _, after, ok := strings.Cut(message, before); ok {
			return strings.TrimSuffix(after, `"`)
		}
	}
	return message
}

// ask learns what the server has by one version of the service; the messages
// of both are the same on the wire.
func ask(ctx context.Context, conn grpc.ClientConnInterface, v Version) (*Set, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	description := &grpc.StreamDesc{StreamName: "ServerReflectionInfo", ServerStreams: true, ClientStreams: true}
	stream, err := conn.NewStream(ctx, description, "/grpc.reflection."+string(v)+".ServerReflection/ServerReflectionInfo",
		grpc.MaxCallRecvMsgSize(maxBytes))
	if err != nil {
		return nil, err
	}
	c := &conversation{stream: stream, files: map[string]*descriptorpb.FileDescriptorProto{}}
	names := c.services()
	l := newLinker(c.files)
	l.fetch = c.file
	broken := map[string]error{}
	for _, name := range names {
		file, err := c.describe(name)
		if err == nil {
			err = l.link(file)
		}
		if err != nil {
			broken[name] = err
		}
	}
	if c.failed != nil {
		return nil, c.failed
	}
	_ = stream.CloseSend()
	set := newSet("the server's reflection", l.done, l.missing)
	set.broken = broken
	// A file may be there for another's sake: its services are not the server's.
	maps.DeleteFunc(set.services, func(name string, _ protoreflect.ServiceDescriptor) bool {
		return broken[name] != nil || !slices.Contains(names, name)
	})
	return set, nil
}

// conversation is one stream of the reflection service.
type conversation struct {
	stream grpc.ClientStream
	files  map[string]*descriptorpb.FileDescriptorProto // by path, as far as they came
	bytes  int
	failed error // what ended the stream, or why it is given up
}

// do asks one question. What the server answers to it is an error of the
// question; one of the stream is kept in failed, and every later one too.
func (c *conversation) do(question *reflectionpb.ServerReflectionRequest) (*reflectionpb.ServerReflectionResponse, error) {
	if c.failed != nil {
		return nil, c.failed
	}
	// A Send on a stream that has ended says io.EOF: RecvMsg has the status.
	if err := c.stream.SendMsg(question); err != nil && !errors.Is(err, io.EOF) {
		c.failed = err
		return nil, err
	}
	answer := new(reflectionpb.ServerReflectionResponse)
	if err := c.stream.RecvMsg(answer); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the server's reflection ended before it had answered")
		}
		c.failed = err
		return nil, err
	}
	if refused := answer.GetErrorResponse(); refused != nil {
		return nil, fmt.Errorf("the server's reflection says %s: %s", codes.Code(refused.GetErrorCode()), refused.GetErrorMessage())
	}
	return answer, nil
}

// services lists the names of the server's services.
func (c *conversation) services() []string {
	answer, err := c.do(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	if err != nil {
		c.failed = err
		return nil
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	if len(names) > maxFiles {
		c.failed = fmt.Errorf("the server's reflection lists more than %d services", maxFiles)
		return nil
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// describe asks for the file with a service, and returns its path.
func (c *conversation) describe(service string) (string, error) {
	if path := c.declaring(service); path != "" {
		return path, nil
	}
	err := c.ask(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
	})
	if err != nil {
		return "", err
	}
	path := c.declaring(service)
	if path == "" {
		return "", errors.New("the server's reflection answered with a file that does not have it")
	}
	return path, nil
}

// declaring is the path of the file that has a service, among those that came.
func (c *conversation) declaring(service string) string {
	for path, f := range c.files {
		prefix := ""
		if f.GetPackage() != "" {
			prefix = f.GetPackage() + "."
		}
		for _, s := range f.GetService() {
			if prefix+s.GetName() == service {
				return path
			}
		}
	}
	return ""
}

// file asks for a file by its path.
func (c *conversation) file(path string) error {
	err := c.ask(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_FileByFilename{FileByFilename: path},
	})
	if err != nil && c.failed == nil {
		return errors.New("the server's reflection does not have")
	}
	return err
}

// ask asks for files, and keeps those that come: mostly the one that was asked
// for with all that it imports.
func (c *conversation) ask(question *reflectionpb.ServerReflectionRequest) error {
	answer, err := c.do(question)
	if err != nil {
		return err
	}
	for _, encoded := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		c.bytes += len(encoded)
		file := new(descriptorpb.FileDescriptorProto)
		if err := proto.Unmarshal(encoded, file); err != nil {
			return errors.New("the server's reflection answered with what is no file descriptor")
		}
		if c.files[file.GetName()] == nil {
			c.files[file.GetName()] = file
		}
	}
	if len(c.files) > maxFiles || c.bytes > maxBytes {
		c.failed = fmt.Errorf("the server's reflection describes more than %d files or %d MiB: grpcbench gives up", maxFiles, maxBytes>>20)
		return c.failed
	}
	return nil
}
