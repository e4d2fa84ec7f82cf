// Package descriptor finds out what the methods of a gRPC server take and
// answer: from the server's reflection, from .proto files, or from a file of
// descriptors. What it returns knows every message type that a call needs.
package descriptor

import (
	"context"
	"fmt"
	"path/filepath"

	"google.golang.org/grpc"
)

// Source is the choice of where descriptors come from: at most one field is
// set, none is reflection.
type Source struct {
	Reflection *Reflection `yaml:"reflection" doc:"the server is asked by gRPC's reflection service" example:"reflection"`
	Proto      *Proto      `yaml:"proto" doc:".proto files, as they are written; protoc is not needed" example:"{proto: {files: [pay/v1/pay.proto], import_paths: [protos]}}"`
	Protoset   *Protoset   `yaml:"protoset" doc:"a file of descriptors with all their imports, as protoc -o --include_imports, buf build -o and grpcurl -protoset-out write it" example:"{protoset: pay.binpb}"`
}

// Problem is what is wrong with the field of a Source, a dotted path.
type Problem struct{ Field, Text string }

// source is a kind of Source.
type source interface {
	// load reads the descriptors. conn is nil where the kind needs no server.
	load(ctx context.Context, conn grpc.ClientConnInterface) (*Set, error)
	problems() []Problem
}

func (s Source) choice() (string, source) {
	switch {
	case s.Proto != nil:
		return "proto", s.Proto
	case s.Protoset != nil:
		return "protoset", s.Protoset
	case s.Reflection != nil:
		return "reflection", s.Reflection
	}
	return "reflection", new(Reflection)
}

// Name is the name of the kind: reflection where none is set.
func (s Source) Name() string {
	name, _ := s.choice()
	return name
}

// NeedsServer is whether Load asks the server.
func (s Source) NeedsServer() bool { return s.Proto == nil && s.Protoset == nil }

// Load reads the descriptors, over conn where NeedsServer says so; else conn
// may be nil. The error is one sentence for people, which says what can be done.
func (s Source) Load(ctx context.Context, conn grpc.ClientConnInterface) (*Set, error) {
	_, kind := s.choice()
	return kind.load(ctx, conn)
}

// Problems is what is wrong with its settings.
func (s Source) Problems() []Problem {
	name, kind := s.choice()
	var all []Problem
	for _, p := range kind.problems() {
		if p.Field == "" {
			p.Field = name
		} else {
			p.Field = name + "." + p.Field
		}
		all = append(all, p)
	}
	return all
}

// In is the source with its files taken from a folder, where they are not
// absolute.
func (s Source) In(folder string) Source {
	if s.Proto != nil {
		own := Proto{folder: folder}
		for _, f := range s.Proto.Files {
			own.Files = append(own.Files, inFolder(folder, f))
		}
		for _, p := range s.Proto.ImportPaths {
			own.ImportPaths = append(own.ImportPaths, inFolder(folder, p))
		}
		s.Proto = &own
	}
	if s.Protoset != nil {
		s.Protoset = &Protoset{File: inFolder(folder, s.Protoset.File)}
	}
	return s
}

func inFolder(folder, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}

// Version is a version of the reflection service; empty is the newest that the
// server has.
type Version string

// The versions of the reflection service.
const (
	V1      Version = "v1"
	V1Alpha Version = "v1alpha"
)

// Words implements the decoder's interface.
func (*Version) Words() []string { return []string{string(V1), string(V1Alpha)} }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Version) UnmarshalText(text []byte) error {
	switch got := Version(text); got {
	case V1, V1Alpha:
		*v = got
		return nil
	}
	return fmt.Errorf("must be %s or %s (got %q)", V1, V1Alpha, text)
}

// String is the version as it is written.
func (v Version) String() string { return string(v) }
