package message

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// wellKnown are the messages of google.protobuf that a random field may be of.
var wellKnown = []string{
	"Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue", "Any", "Empty", "BoolValue", "Int32Value", "Int64Value",
	"UInt32Value", "UInt64Value", "FloatValue", "DoubleValue", "StringValue", "BytesValue",
}

// randomSchema is a file of messages with fields of every kind, in either syntax.
func randomSchema(t testing.TB, r *rand.Rand) schema {
	t.Helper()
	old := r.IntN(3) == 0
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("random.proto"), Package: proto.String("r"), Syntax: proto.String("proto3")}
	if old {
		file.Syntax = proto.String("proto2")
	}
	for _, known := range []string{"any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"} {
		file.Dependency = append(file.Dependency, "google/protobuf/"+known+".proto")
	}
	file.EnumType = []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Color"), Value: []*descriptorpb.EnumValueDescriptorProto{
		{Name: proto.String("NONE"), Number: proto.Int32(0)}, {Name: proto.String("RED"), Number: proto.Int32(1)}, {Name: proto.String("BLUE"), Number: proto.Int32(-7)},
	}}}
	messages := 2 + r.IntN(3)
	for i := range messages {
		md := &descriptorpb.DescriptorProto{Name: proto.String(fmt.Sprintf("M%d", i))}
		if r.IntN(2) == 0 {
			md.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: proto.String("choice")}}
		}
		oneof := 0
		for n := range 1 + r.IntN(12) {
			f := &descriptorpb.FieldDescriptorProto{
				Name: proto.String(fmt.Sprintf("field_%d", n)), Number: proto.Int32(int32(n + 1 + 500*(n%2))),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}
			randomType(r, f, messages)
			switch what := r.IntN(6); {
			case what == 0:
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
				if packable(f) && r.IntN(2) == 0 {
					f.Options = &descriptorpb.FieldOptions{Packed: proto.Bool(old)}
				}
			case what == 1:
				randomMap(r, md, f, n)
			case what == 2 && md.OneofDecl != nil:
				f.OneofIndex = proto.Int32(0)
				oneof++
			case what == 3 && old:
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED.Enum()
				if f.GetType() == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE { // else M0 may need itself
					f.Label = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
				}
			}
			md.Field = append(md.Field, f)
		}
		if oneof == 0 {
			md.OneofDecl = nil
		}
		slices.SortStableFunc(md.Field, func(a, b *descriptorpb.FieldDescriptorProto) int { // a oneof's stand together
			return cmp.Compare(place(a), place(b))
		})
		if !old {
			for _, f := range md.Field {
				if f.OneofIndex == nil && f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL && r.IntN(4) == 0 {
					f.Proto3Optional = proto.Bool(true)
					f.OneofIndex = proto.Int32(int32(len(md.OneofDecl)))
					md.OneofDecl = append(md.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: proto.String("_" + f.GetName())})
				}
			}
		}
		file.MessageType = append(file.MessageType, md)
	}
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}}
	for _, dependency := range file.Dependency {
		fd, err := protoregistry.GlobalFiles.FindFileByPath(dependency)
		if err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	return schemaOf(t, set)
}

// place puts the fields of a oneof behind the others.
func place(f *descriptorpb.FieldDescriptorProto) int {
	if f.OneofIndex != nil {
		return 1
	}
	return 0
}

func packable(f *descriptorpb.FieldDescriptorProto) bool {
	switch f.GetType() {
	case descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_BYTES, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
		return false
	}
	return true
}

func randomType(r *rand.Rand, f *descriptorpb.FieldDescriptorProto, messages int) {
	kinds := []descriptorpb.FieldDescriptorProto_Type{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 11, 11, 11, 11, 11}
	kind := kinds[r.IntN(len(kinds))]
	f.Type = kind.Enum()
	switch {
	case kind == descriptorpb.FieldDescriptorProto_TYPE_ENUM:
		f.TypeName = proto.String(".r.Color")
	case kind == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE && r.IntN(2) == 0:
		f.TypeName = proto.String(fmt.Sprintf(".r.M%d", r.IntN(messages)))
	case kind == descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
		f.TypeName = proto.String(".google.protobuf." + wellKnown[r.IntN(len(wellKnown))])
	}
}

// randomMap makes a map of the field's type out of it.
func randomMap(r *rand.Rand, md *descriptorpb.DescriptorProto, f *descriptorpb.FieldDescriptorProto, n int) {
	keys := []descriptorpb.FieldDescriptorProto_Type{3, 4, 5, 6, 7, 8, 9, 13, 15, 16, 17, 18}
	entry := &descriptorpb.DescriptorProto{
		Name:    proto.String(fmt.Sprintf("Field%dEntry", n)),
		Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
		Field: []*descriptorpb.FieldDescriptorProto{
			{Name: proto.String("key"), Number: proto.Int32(1), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: keys[r.IntN(len(keys))].Enum()},
			{Name: proto.String("value"), Number: proto.Int32(2), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: f.Type, TypeName: f.TypeName},
		},
	}
	md.NestedType = append(md.NestedType, entry)
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	f.TypeName = proto.String(".r." + md.GetName() + "." + entry.GetName())
}

// jsonMaker writes random valid JSON for a message twice: plainly, and with some
// values taken from a row.
type jsonMaker struct {
	*rand.Rand
	inAny protoreflect.MessageDescriptor
	row   []string // its members
}

// pair is a value plainly and as a template.
type pair struct{ json, template string }

func both(json string) pair { return pair{json, json} }

// fromRow may put the value into the row.
func (j *jsonMaker) fromRow(p pair, odds int) pair {
	if j.IntN(odds) != 0 {
		return p
	}
	name := fmt.Sprintf("c%d", len(j.row))
	j.row = append(j.row, strconv.Quote(name)+": "+p.json)
	p.template = `"{{ .row.` + name + ` }}"`
	return p
}

func object(members map[string]pair, order []string) pair {
	var json, template []string
	for _, name := range order {
		json = append(json, string(appendQuoted(nil, name))+":"+members[name].json)
		template = append(template, string(appendQuoted(nil, name))+" : "+members[name].template)
	}
	return pair{"{" + strings.Join(json, ",") + "}", "{" + strings.Join(template, " ,\n") + "}"}
}

func array(items []pair) pair {
	var json, template []string
	for _, item := range items {
		json, template = append(json, item.json), append(template, item.template)
	}
	return pair{"[" + strings.Join(json, ",") + "]", "[ " + strings.Join(template, ", ") + "]"}
}

func (j *jsonMaker) fields(md protoreflect.MessageDescriptor, depth int) (map[string]pair, []string) {
	members, order := map[string]pair{}, []string(nil)
	taken := map[protoreflect.OneofDescriptor]bool{}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		required := fd.Cardinality() == protoreflect.Required
		if !required && (j.IntN(3) == 0 || depth > 4) {
			continue
		}
		name := fd.JSONName()
		if j.IntN(3) == 0 {
			name = string(fd.Name())
		}
		if oneof := fd.ContainingOneof(); oneof != nil {
			if taken[oneof] {
				continue
			}
			taken[oneof] = true
		}
		order = append(order, name)
		// Null is a Value's, and no list of them.
		if !required && j.IntN(12) == 0 && !(takesNull(fd) && fd.IsList()) {
			members[name] = j.fromRow(both("null"), 2)
			continue
		}
		members[name] = j.field(fd, depth)
	}
	j.Shuffle(len(order), func(a, b int) { order[a], order[b] = order[b], order[a] })
	return members, order
}

func (j *jsonMaker) field(fd protoreflect.FieldDescriptor, depth int) pair {
	switch {
	case fd.IsList():
		var items []pair
		for range j.IntN(4) {
			items = append(items, j.value(fd, depth))
		}
		return j.fromRow(array(items), 8)
	case fd.IsMap():
		members, order := map[string]pair{}, []string(nil)
		for range j.IntN(4) {
			key := j.key(fd.MapKey().Kind())
			if _, is := members[key]; !is {
				order = append(order, key)
			}
			members[key] = j.value(fd.MapValue(), depth)
		}
		return j.fromRow(object(members, order), 8)
	}
	return j.value(fd, depth)
}

func (j *jsonMaker) key(kind protoreflect.Kind) string {
	switch kind {
	case protoreflect.StringKind:
		return j.word()
	case protoreflect.BoolKind:
		return strconv.FormatBool(j.IntN(2) == 0)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.Itoa(j.IntN(5))
	}
	return strconv.Itoa(j.IntN(9) - 4)
}

func (j *jsonMaker) word() string {
	return []string{"", "a", "key", "Ünïcode", "with \"quotes\" and \\", "line\nend", "} }", "\x00", "\U0001F600"}[j.IntN(9)]
}

// value is one value of a field.
func (j *jsonMaker) value(fd protoreflect.FieldDescriptor, depth int) pair {
	if fd.Message() != nil {
		return j.message(fd.Message(), depth+1)
	}
	if fd.Kind() == protoreflect.StringKind && j.IntN(3) == 0 {
		a, b := j.word(), j.word()
		name := fmt.Sprintf("c%d", len(j.row))
		j.row = append(j.row, strconv.Quote(name)+": "+string(appendQuoted(nil, b)))
		quotedA := string(appendQuoted(nil, a))
		return pair{string(appendQuoted(nil, a+b+a)), quotedA[:len(quotedA)-1] + "{{ .row." + name + " }}" + quotedA[1:]}
	}
	return j.fromRow(both(j.scalar(fd)), 3)
}

// scalar is a value in one of the ways that protobuf has of writing it.
func (j *jsonMaker) scalar(fd protoreflect.FieldDescriptor) string {
	pick := func(of ...string) string { return of[j.IntN(len(of))] }
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return pick("true", "false")
	case protoreflect.StringKind:
		return string(appendQuoted(nil, j.word()))
	case protoreflect.BytesKind:
		b := []byte(j.word())
		return `"` + pick(base64.StdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b)) + `"`
	case protoreflect.EnumKind:
		return pick(`"RED"`, `"NONE"`, `"BLUE"`, "1", "-7", "0", "1.0")
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return pick("0", "-0", "1.5", "-2e3", `"NaN"`, `"Infinity"`, `"-Infinity"`, `"3.25"`, "1e-40", strconv.FormatFloat(j.NormFloat64(), 'g', -1, 32))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return pick("0", "1", "4294967295", `"7"`, "1e3", "2.0", `"1.5e1"`)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return pick("0", "1", "18446744073709551615", `"18446744073709551615"`, "1e3", "120e-1")
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return pick("0", "-0", "-1", "-9223372036854775808", `"9223372036854775807"`, "1e3", "-2.50e1")
	}
	return pick("0", "-1", "2147483647", "-2147483648", `"7"`, "1e3", "0.0e100", "0.5e1")
}

// message is a message of any type.
func (j *jsonMaker) message(md protoreflect.MessageDescriptor, depth int) pair {
	text := func(s string) pair { return j.fromRow(both(strconv.Quote(s)), 3) }
	pick := func(of ...string) string { return of[j.IntN(len(of))] }
	switch kind := knownAs(md); {
	case kind == wrapper:
		return j.fromRow(both(j.scalar(md.Fields().ByNumber(1))), 3)
	case md.Name() == "Timestamp" && kind == textual:
		return text(pick("2026-03-01T12:00:00Z", "0001-01-01T00:00:00.000000001Z", "2026-03-01T12:00:00.5+02:00"))
	case md.Name() == "Duration" && kind == textual:
		return text(pick("1.5s", "-0.000000001s", "0s", "+3s"))
	case kind == textual:
		return text(pick("", "a", "a,fooBar.baz"))
	case kind == aStruct:
		members, order := map[string]pair{}, []string{"a", "b", "c"}
		for _, name := range order {
			members[name] = j.anything(depth + 1)
		}
		return j.fromRow(object(members, order), 6)
	case kind == aListValue:
		return j.fromRow(array([]pair{j.anything(depth + 1), j.anything(depth + 1)}), 6)
	case kind == aValue:
		return j.anything(depth)
	case kind == anAny:
		switch {
		case depth > 4 || j.IntN(4) == 0:
			return both("{}")
		case j.IntN(2) == 0:
			members := map[string]pair{"@type": both(`"type.googleapis.com/google.protobuf.Duration"`), "value": text("2s")}
			return object(members, []string{"value", "@type"})
		}
		members, order := j.fields(j.inAny, depth+1)
		members["@type"] = both(`"x/` + string(j.inAny.FullName()) + `"`)
		return object(members, append(order, "@type"))
	default:
		members, order := j.fields(md, depth)
		return j.fromRow(object(members, order), 10)
	}
}

func (j *jsonMaker) anything(depth int) pair {
	switch j.IntN(7) {
	case 0:
		return j.fromRow(both("null"), 3)
	case 1:
		return j.fromRow(both("true"), 3)
	case 2:
		return j.fromRow(both("-1.25e2"), 3)
	case 3:
		if depth < 5 {
			return array([]pair{j.anything(depth + 1), j.anything(depth + 1)})
		}
	case 4:
		if depth < 5 {
			return object(map[string]pair{"k": j.anything(depth + 1)}, []string{"k"})
		}
	}
	return j.fromRow(both(string(appendQuoted(nil, j.word()))), 3)
}

// For random types and random JSON of them the wire is the message that protojson
// makes of the JSON; where some values come from a row, too.
func TestRandomMessagesAreProtojsons(t *testing.T) {
	types := 300
	if testing.Short() {
		types = 60
	}
	rows := 0
	for seed := range types {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		s := randomSchema(t, r)
		md := s.message(t, "r.M0")
		for range 8 {
			maker := &jsonMaker{Rand: r, inAny: s.message(t, "r.M1")}
			members, order := maker.fields(md, 0)
			p := object(members, order)
			want := wanted(t, s, md, p.json)
			same(t, want, render(t, s, md, p.json, &Env{}))

			feed, err := ReadFeed("rows.jsonl", []byte(`{"none": 0`+strings.Join(append([]string{""}, maker.row...), ", ")+"}"))
			if err != nil {
				t.Fatal(err)
			}
			row, _ := feed.Row(Sequential, 0, 0)
			same(t, want, render(t, s, md, p.template, &Env{Row: row}))
			of, _ := Compile(md, Text{JSON: []byte(p.template)}, s)
			if err := of.Check(feed); err != nil {
				t.Errorf("the row fits, but: %v", err)
			}
			if rows += len(maker.row); t.Failed() {
				t.Fatalf("seed %d\njson: %s\ntemplate: %s\nrow: %s", seed, p.json, p.template, strings.Join(maker.row, ", "))
			}
		}
	}
	if rows < 10*types {
		t.Errorf("only %d values came from rows: this is no test of them", rows)
	}
}

// agrees checks that a text is right for us exactly where it is for protojson, but
// for the bounds that are ours; and that the check by itself finds what is wrong.
func agrees(t *testing.T, s schema, md protoreflect.MessageDescriptor, text string) {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	theirs := protojson.UnmarshalOptions{Resolver: s}.Unmarshal([]byte(text), m)
	of, ours := Compile(md, Text{Name: "x.json", JSON: []byte(text)}, s)
	if ours != nil {
		checkPositions(t, ours)
		if bound := "nested too deeply"; theirs == nil && !strings.Contains(ours.Error(), bound) {
			t.Fatalf("%s\nprotojson takes it, but: %v", text, ours)
		}
		return
	}
	if theirs != nil {
		t.Fatalf("%s\nprotojson does not take it: %v", text, theirs)
	}
	wire, ok := of.Static()
	if !ok {
		t.Fatalf("%s\nis not static", text)
	}
	same(t, m, decode(t, s, md, wire))

	// The walk, which only what is wrong or has templates goes through, agrees.
	n, fault := parseJSON(newSource(Text{JSON: []byte(text)}), 0, len(strings.TrimPrefix(text, "\uFEFF")))
	if fault != nil {
		t.Fatal(fault)
	}
	c := &compiler{types: s}
	if c.message(md, n, ""); len(c.errs) > 0 {
		t.Fatalf("%s\nis right, but the check finds: %v", text, c.errs)
	}
}
