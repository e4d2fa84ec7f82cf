package descriptor

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Protoset is a file with a google.protobuf.FileDescriptorSet, in protobuf's
// binary form.
type Protoset struct {
	File string `yaml:",value" doc:"the file; its name is taken from the scenario's own folder"`
}

func (p *Protoset) problems() []Problem {
	if p.File == "" {
		return []Problem{{Text: "must name a file, such as pay.binpb"}}
	}
	return nil
}

func (p *Protoset) load(context.Context, grpc.ClientConnInterface) (*Set, error) {
	contents, err := readBounded(p.File)
	if err != nil {
		return nil, err
	}
	return readProtoset(filepath.Base(p.File), contents)
}

// readBounded reads a file, unless it is larger than descriptors can be.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	contents, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(contents) > maxBytes {
		return nil, fmt.Errorf("%s has more than %d MiB: no file of descriptors has", name, maxBytes>>20)
	}
	return contents, nil
}

// howToWrite is how a right file is made.
const howToWrite = "protoc -o FILE --include_imports, buf build -o FILE.binpb and grpcurl -protoset-out FILE write one"

// readProtoset makes a set of a FileDescriptorSet.
func readProtoset(name string, contents []byte) (*Set, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(contents, &set); err != nil || len(set.GetFile()) == 0 {
		return nil, fmt.Errorf("%s is no file of descriptors: %s", name, howToWrite)
	}
	if len(set.GetFile()) > maxFiles {
		return nil, fmt.Errorf("%s describes more than %d files", name, maxFiles)
	}
	l := newLinker(map[string]*descriptorpb.FileDescriptorProto{})
	l.absent = "is not in " + name + " (protoc writes imports only with --include_imports)"
	for _, f := range set.GetFile() {
		if l.files[f.GetName()] != nil {
			return nil, fmt.Errorf("%s describes the file %q twice", name, f.GetName())
		}
		l.files[f.GetName()] = f
	}
	for _, f := range set.GetFile() {
		if err := l.link(f.GetName()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err) // others would follow from it
		}
	}
	return newSet(name, l.done, l.missing), nil
}
