package descriptor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// payments is the .proto files of the fixture.
func payments() Source {
	return Source{Proto: &Proto{Files: []string{"protos/pay/v1/pay.proto"}, ImportPaths: []string{"protos"}}}.In("testdata")
}

// load is the source's set, without a server.
func load(t *testing.T, s Source) *Set {
	t.Helper()
	set, err := s.Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// fileSet is the files of a service with all their imports, as protoc writes
// them: those without an import first.
func fileSet(t *testing.T, set *Set, service string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	out := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		out.File = append(out.File, protodesc.ToFileDescriptorProto(f))
	}
	add(set.services[service].ParentFile())
	return out
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// protoset writes a file of descriptors.
func protoset(t *testing.T, set *descriptorpb.FileDescriptorSet) Source {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pay.binpb")
	if err := os.WriteFile(file, marshal(t, set), 0o600); err != nil {
		t.Fatal(err)
	}
	return Source{Protoset: &Protoset{File: file}}
}

// names lists the services.
func names(s *Set) string {
	var all []string
	for _, service := range s.Services() {
		all = append(all, string(service.FullName()))
	}
	return strings.Join(all, " ")
}

// usable checks that a set of the fixture has what calls need, from wherever it
// came.
func usable(t *testing.T, set *Set) {
	t.Helper()
	for _, name := range []string{"pay.v1.Payments/Charge", "/pay.v1.Payments/Charge", "pay.v1.Payments.Charge"} {
		method, err := set.Method(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := FullName(method); got != "pay.v1.Payments/Charge" {
			t.Errorf("%s is %s", name, got)
		}
		m := dynamicpb.NewMessage(method.Input())
		text := `{"accountId": "7", "amount": {"currency": "EUR", "units": "12", "[money.memo]": "lunch"},
			"at": "2026-01-02T03:04:05Z", "detail": {"@type": "type.googleapis.com/pay.v1.Tree", "leaf": {"size": 3}}}`
		if err := (protojson.UnmarshalOptions{Resolver: set.Resolver()}).Unmarshal([]byte(text), m); err != nil {
			t.Error(err)
		}
		linked := `{"detail": {"@type": "type.googleapis.com/google.rpc.Status", "code": 5}}`
		if err := (protojson.UnmarshalOptions{Resolver: set.Resolver()}).Unmarshal([]byte(linked), m); err != nil {
			t.Error(err)
		}
	}
	if talk, err := set.Method("pay.v1.Payments/Talk"); err != nil || !talk.IsStreamingClient() || !talk.IsStreamingServer() {
		t.Errorf("Talk: %v, %v", talk, err)
	}
}

func TestProtoFiles(t *testing.T) {
	set := load(t, payments())
	usable(t, set)
	if got := names(set); got != "pay.v1.Payments pay.v1.Reports" {
		t.Errorf("services %s", got)
	}
}

// A file may be named from the scenario's folder or from an import path, and
// where no import path is given those of the files serve.
func TestProtoNames(t *testing.T) {
	for name, p := range map[string]Proto{
		"from an import path":       {Files: []string{"pay/v1/pay.proto"}, ImportPaths: []string{"protos"}},
		"from the scenario's own":   {Files: []string{"protos/pay/v1/pay.proto"}, ImportPaths: []string{"other", "protos"}},
		"without an import path":    {Files: []string{"protos/money/money.proto"}},
		"the folder is the default": {Files: []string{"money/money.proto"}},
	} {
		folder := "testdata"
		if name == "the folder is the default" {
			folder = "testdata/protos"
		}
		if _, err := (Source{Proto: &p}).In(folder).Load(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProtoMistakes(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("syntax.proto", "syntax = \"proto3\";\nmessage X {\n  strin name = 1\n}\n")
	write("import.proto", "syntax = \"proto3\";\nimport \"far/away.proto\";\nmessage X { far.Away a = 1; }\n")
	write("type.proto", "syntax = \"proto3\";\nmessage X { Nothing a = 1; }\n")
	for file, want := range map[string]string{
		"syntax.proto": "syntax.proto:4:1: syntax error",
		"import.proto": `import.proto:2:8: "far/away.proto" is imported, and in none of the import paths ` + folder + ": name its folder in import_paths",
		"type.proto":   "type.proto:2:13: field X.a: unknown type Nothing",
		"none.proto":   "no file " + filepath.Join(folder, "none.proto") + ", nor one of that name in " + folder,
		".":            "is a folder: name the .proto files in it",
	} {
		_, err := Source{Proto: &Proto{Files: []string{file}}}.In(folder).Load(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant %s", file, err, want)
		}
	}
	outside := Source{Proto: &Proto{Files: []string{"syntax.proto"}, ImportPaths: []string{"protos"}}}.In(folder)
	if _, err := outside.Load(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "is in none of the import paths") {
		t.Errorf("outside: %v", err)
	}
}

// A protoset's files may come in any order.
func TestProtoset(t *testing.T) {
	files := fileSet(t, load(t, payments()), "pay.v1.Payments")
	usable(t, load(t, protoset(t, files)))
	for i, j := 0, len(files.File)-1; i < j; i, j = i+1, j-1 {
		files.File[i], files.File[j] = files.File[j], files.File[i]
	}
	usable(t, load(t, protoset(t, files)))
}

// without is the set without one of its files.
func without(set *descriptorpb.FileDescriptorSet, path string) *descriptorpb.FileDescriptorSet {
	out := &descriptorpb.FileDescriptorSet{}
	for _, f := range set.File {
		if f.GetName() != path {
			out.File = append(out.File, f)
		}
	}
	return out
}

// Protobuf's own types and what only options need may be missing; what a
// message has may not, and then only the methods that take it cannot be called.
func TestProtosetWithoutImports(t *testing.T) {
	files := fileSet(t, load(t, payments()), "pay.v1.Payments")
	for _, path := range []string{"google/protobuf/timestamp.proto", "google/api/annotations.proto"} {
		usable(t, load(t, protoset(t, without(files, path))))
	}
	set := load(t, protoset(t, without(files, "money/money.proto")))
	_, err := set.Method("pay.v1.Payments/Charge")
	want := "pay.v1.Payments/Charge cannot be called: the type money.Money of the field pay.v1.ChargeRequest.amount is not described: " +
		"pay/v1/pay.proto imports money/money.proto, which is not in pay.binpb (protoc writes imports only with --include_imports)"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, err := set.Method("pay.v1.Reports/Daily"); err != nil {
		t.Errorf("a method that does not need it: %v", err)
	}
}

func TestProtosetMistakes(t *testing.T) {
	files := fileSet(t, load(t, payments()), "pay.v1.Payments")
	loop := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		{Name: proto.String("a.proto"), Dependency: []string{"b.proto"}},
		{Name: proto.String("b.proto"), Dependency: []string{"a.proto"}},
	}}
	twice := &descriptorpb.FileDescriptorSet{File: append(files.File[:len(files.File):len(files.File)], files.File[0])}
	for name, test := range map[string]struct {
		contents []byte
		want     string
	}{
		"text":  {[]byte("syntax = \"proto3\";"), "is no file of descriptors"},
		"empty": {nil, "is no file of descriptors"},
		"loop":  {marshal(t, loop), "imports itself"},
		"twice": {marshal(t, twice), "twice"},
	} {
		if _, err := readProtoset("x.binpb", test.contents); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if _, err := (Source{Protoset: &Protoset{File: "nowhere.binpb"}}).In("testdata").Load(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "testdata/nowhere.binpb") {
		t.Errorf("no file: %v", err)
	}
}

func TestMethodMistakes(t *testing.T) {
	set := load(t, payments())
	for name, want := range map[string]string{
		"pay.v1.Payments/Chrage": `no method "Chrage" in pay.v1.Payments, did you mean Charge?`,
		"pay.v1.Payments/Drop":   `no method "Drop" in pay.v1.Payments: there are Charge, Refund, Watch, Upload, Talk`,
		"pay.v1.Payment/Charge":  `no service "pay.v1.Payment" in pay/v1/pay.proto, did you mean pay.v1.Payments?`,
		"Payments/Charge":        `no service "Payments" in pay/v1/pay.proto, did you mean pay.v1.Payments?`,
		"shop.Orders/List":       `no service "shop.Orders" in pay/v1/pay.proto: there are pay.v1.Payments, pay.v1.Reports`,
		"Charge":                 `must be a method's full name, such as pay.v1.Payments/Charge (got "Charge")`,
		"pay.v1.Payments/":       `must be a method's full name, such as pay.v1.Payments/Charge (got "pay.v1.Payments/")`,
		"":                       `must be a method's full name, such as pay.v1.Payments/Charge (got "")`,
	} {
		if _, err := set.Method(name); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", name, err, want)
		}
	}
}

// A skeleton has every field, and is valid.
func TestSkeleton(t *testing.T) {
	set := load(t, payments())
	method, err := set.Method("pay.v1.Payments/Charge")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/charge.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Skeleton(method.Input()); got != string(bytes.TrimSpace(want)) {
		t.Errorf("the skeleton is\n%s", got)
	}
	daily, err := set.Method("pay.v1.Reports/Daily")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := set.Skeleton(daily.Input()), "{\n  \"name\": \"\",\n  \"leaf\": {\n    \"size\": 0\n  }\n}"; got != want {
		t.Errorf("the skeleton of a message within itself is\n%s", got)
	}
	for _, message := range []protoreflect.MessageDescriptor{method.Input(), method.Output(), daily.Input(), (&descriptorpb.FileDescriptorSet{}).ProtoReflect().Descriptor()} {
		m := dynamicpb.NewMessage(message)
		if err := (protojson.UnmarshalOptions{Resolver: set.Resolver()}).Unmarshal([]byte(set.Skeleton(message)), m); err != nil {
			t.Errorf("%s: %v", message.FullName(), err)
		}
	}
}

// What the document can hold is decoded, and a mistake has its place.
func TestDocument(t *testing.T) {
	for text, want := range map[string]string{
		"reflection":                       "reflection",
		"{reflection: {version: v1alpha}}": "reflection",
		"{proto: {files: [a.proto], import_paths: [protos, other]}}": "proto",
		"{protoset: pay.binpb}": "protoset",
	} {
		doc, err := strict.Parse("x.yaml", []byte("descriptors: "+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		var into struct {
			Descriptors Source `yaml:"descriptors"`
		}
		if err := strict.Decode(doc, nil, &into); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if into.Descriptors.Name() != want || len(into.Descriptors.Problems()) != 0 || into.Descriptors.NeedsServer() != (want == "reflection") {
			t.Errorf("%s is %s, problems %v", text, into.Descriptors.Name(), into.Descriptors.Problems())
		}
	}
	for text, want := range map[string]string{
		"{reflection: {version: v2}}": "descriptors.reflection.version: must be v1 or v1alpha",
		"protoset":                    "descriptors: protoset needs a value, such as {protoset: pay.binpb}",
	} {
		doc, err := strict.Parse("x.yaml", []byte("descriptors: "+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		var into struct {
			Descriptors Source `yaml:"descriptors"`
		}
		if err := strict.Decode(doc, nil, &into); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for want, s := range map[string]Source{
		"proto.files":    {Proto: &Proto{}},
		"proto.files[1]": {Proto: &Proto{Files: []string{"a.proto", ""}}},
		"protoset":       {Protoset: &Protoset{}},
	} {
		if got := s.Problems(); len(got) != 1 || got[0].Field != want {
			t.Errorf("problems %v, want one of %s", got, want)
		}
	}
}

// Whatever a file of descriptors holds, reading it ends in a set or an error.
func FuzzProtoset(f *testing.F) {
	set, err := payments().Load(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	files := &descriptorpb.FileDescriptorSet{}
	for _, service := range set.Services() {
		files.File = append(files.File, protodesc.ToFileDescriptorProto(service.ParentFile()))
	}
	seed, err := proto.Marshal(files)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, contents []byte) {
		set, err := readProtoset("x.binpb", contents)
		if err != nil {
			return
		}
		for _, service := range set.Services() {
			for i := range service.Methods().Len() {
				method, err := set.Method(FullName(service.Methods().Get(i)))
				if err == nil {
					set.Skeleton(method.Input())
				}
			}
		}
	})
}
