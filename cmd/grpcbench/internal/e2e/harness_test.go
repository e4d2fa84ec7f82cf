package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/grpcbench/grpcbench/reports/result"
)

// root is the repository.
const root = "../../../.."

// binary is the command; TestMain builds it.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "grpcbench-e2e")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		binary = filepath.Join(folder, "grpcbench")
		build := exec.Command("go", "build", "-o", binary, "./cmd/grpcbench")
		build.Dir = root
		if text, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %s", err, text)
			return 1
		}
		return m.Run()
	}())
}

// grpcbench runs the command.
func grpcbench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

// mustSay runs the command, which must end with a code and print all of want on
// standard output.
func mustSay(t *testing.T, want []string, args ...string) string {
	t.Helper()
	code, stdout, stderr := grpcbench(t, args...)
	if code != 0 {
		t.Fatalf("grpcbench %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	for _, part := range want {
		if !strings.Contains(stdout, part) {
			t.Errorf("grpcbench %s: it lacks %q:\n%s", strings.Join(args, " "), part, stdout)
		}
	}
	return stdout
}

// exit codes of the command.
const (
	exitUsage   = 2
	exitInvalid = 3
)

// mustRun runs a scenario, and returns what was measured. A machine that is busy
// with other things may make the measurement invalid, and says nothing about the
// calls then: their books must be exact all the same.
func mustRun(t *testing.T, args ...string) *result.Result {
	t.Helper()
	out := t.TempDir()
	code, stdout, stderr := grpcbench(t, append(append([]string{"run"}, args...), "--quiet", "--out", out)...)
	if code != 0 && code != exitInvalid {
		t.Fatalf("grpcbench run %s: exit code %d: %s", strings.Join(args, " "), code, stderr)
	}
	text, err := os.Open(filepath.Join(out, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	r, err := result.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			for i := range trial.Series {
				if err := trial.Series[i].Check(); err != nil {
					t.Errorf("%s: %s: %v", v.Name, trial.Series[i].Name, err)
				}
			}
			for _, reason := range trial.Validity.Reasons {
				if strings.HasPrefix(reason.Code, "books") {
					t.Errorf("%s: %s: %s", v.Name, reason.Code, reason.Detail)
				}
			}
		}
	}
	t.Log(stdout)
	return r
}

// allOK fails the test where a call of a series did not end OK, or there is none.
// What was cut off when the measurement ended is neither.
func allOK(t *testing.T, r *result.Result) {
	t.Helper()
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			for _, s := range trial.Series {
				if s.OK() == 0 || s.OK()+s.Unfinished != s.Calls {
					t.Errorf("%s: %s: %d calls, %v, %d unfinished: %+v", v.Name, s.Name, s.Calls, s.Codes, s.Unfinished, s.Errors)
				}
			}
		}
	}
}

// write writes a file of the test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serve runs a server until the test ends, and returns its address.
func serve(t *testing.T, register func(*grpc.Server), opts ...grpc.ServerOption) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	register(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return listener.Addr().String()
}

// protoset writes the descriptors of files, with all that they import, as protoc
// does. Code that protoc was run for in the wrong folder has imports that lead
// nowhere (etcd's import etcd/api/mvccpb/kv.proto, and that file calls itself
// kv.proto): those are found by the last part of their names.
func protoset(t *testing.T, files ...protoreflect.FileDescriptor) string {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(string, protoreflect.FileDescriptor)
	add = func(name string, f protoreflect.FileDescriptor) {
		if seen[name] {
			return
		}
		seen[name] = true
		for i := range f.Imports().Len() {
			imported := f.Imports().Get(i)
			found := imported.FileDescriptor
			if imported.IsPlaceholder() {
				var err error
				if found, err = protoregistry.GlobalFiles.FindFileByPath(path.Base(imported.Path())); err != nil {
					t.Fatalf("%s imports %s: %v", name, imported.Path(), err)
				}
			}
			add(imported.Path(), found)
		}
		described := protodesc.ToFileDescriptorProto(f)
		described.Name = &name
		set.File = append(set.File, described)
	}
	for _, f := range files {
		add(f.Path(), f)
	}
	text, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "services.binpb", string(text))
}
