// Command genproto compiles the fleet's .proto files without protoc: the
// protocompile library makes the descriptors, the plugins pinned as tools in
// go.mod make the Go. It writes beside each .proto, or, with -check, fails
// when what is checked in differs from what it would write.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

var protos = []string{"fakeserver/userpb/user.proto", "fakeserver/controlpb/control.proto"}

var plugins = []string{"protoc-gen-go", "protoc-gen-go-grpc"}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	flag.Parse()
	stale := false
	for _, file := range protos {
		for _, plugin := range plugins {
			if err := generate(file, plugin, *check, &stale); err != nil {
				fmt.Fprintf(os.Stderr, "genproto: %s: %s: %v\n", file, plugin, err)
				os.Exit(1)
			}
		}
	}
	if stale {
		fmt.Fprintln(os.Stderr, "genproto: stale; run `make generate`")
		os.Exit(1)
	}
}

func generate(file, plugin string, check bool, stale *bool) error {
	request, err := compile(file)
	if err != nil {
		return err
	}
	in, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("%s", response.GetError())
	}
	for _, f := range response.File {
		path := filepath.Join(filepath.Dir(file), filepath.Base(f.GetName()))
		if !check {
			if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
				return err
			}
			continue
		}
		if have, _ := os.ReadFile(path); string(have) != f.GetContent() {
			fmt.Fprintf(os.Stderr, "genproto: %s differs from its .proto\n", path)
			*stale = true
		}
	}
	return nil
}

func compile(file string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), file)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file},
		Parameter:      proto.String("paths=source_relative"),
	}
	seen := map[string]bool{}
	var add func(linker.File)
	add = func(f linker.File) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := 0; i < f.Imports().Len(); i++ {
			if dep := f.FindImportByPath(f.Imports().Get(i).Path()); dep != nil {
				add(dep)
			}
		}
		request.ProtoFile = append(request.ProtoFile, (*descriptorpb.FileDescriptorProto)(protoutil.ProtoFromFileDescriptor(f)))
	}
	for _, f := range files {
		add(f)
	}
	return request, nil
}
