package descriptor

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The bounds of a skeleton: messages within messages can come to more fields
// than anybody reads.
const (
	maxSkeletonDepth  = 12
	maxSkeletonFields = 500
)

// Skeleton is a message as JSON to fill in: every field with an empty value, an
// enum with its first name, of a oneof the first field (there may only be one).
// A message within itself is left out. The JSON is valid for the message.
func (s *Set) Skeleton(message protoreflect.MessageDescriptor) string {
	b := &skeleton{}
	b.message(message)
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(b.text.String()), "", "  "); err != nil {
		return "{}" // never: what is written is JSON
	}
	return indented.String()
}

// skeleton writes one.
type skeleton struct {
	text   strings.Builder
	path   []protoreflect.FullName // of the messages that the writing is in
	fields int
}

func (b *skeleton) message(m protoreflect.MessageDescriptor) {
	if text, ok := wellKnownJSON(m.FullName()); ok {
		b.text.WriteString(text)
		return
	}
	b.path = append(b.path, m.FullName())
	defer func() { b.path = b.path[:len(b.path)-1] }()
	b.text.WriteByte('{')
	first := true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if o := f.ContainingOneof(); o != nil && o.Fields().Get(0) != f || b.cut(f) {
			continue
		}
		if !first {
			b.text.WriteByte(',')
		}
		first = false
		b.fields++
		b.text.WriteString(strconv.Quote(f.JSONName()))
		b.text.WriteByte(':')
		b.field(f)
	}
	b.text.WriteByte('}')
}

// cut is whether the field is left out, for it leads back to where it comes from
// or there are too many. A required one is not: messages cannot do without.
func (b *skeleton) cut(f protoreflect.FieldDescriptor) bool {
	if f.Cardinality() == protoreflect.Required && len(b.path) < maxSkeletonDepth {
		return false
	}
	if b.fields >= maxSkeletonFields || len(b.path) >= maxSkeletonDepth {
		return true
	}
	m := f.Message()
	if f.IsMap() {
		m = f.MapValue().Message()
	}
	if m == nil {
		return false
	}
	for _, outer := range b.path {
		if outer == m.FullName() {
			return true
		}
	}
	return false
}

func (b *skeleton) field(f protoreflect.FieldDescriptor) {
	switch {
	case f.IsMap():
		b.text.WriteByte('{')
		b.text.WriteString(mapKey(f.MapKey().Kind()))
		b.text.WriteByte(':')
		b.value(f.MapValue())
		b.text.WriteByte('}')
	case f.IsList():
		b.text.WriteByte('[')
		b.value(f)
		b.text.WriteByte(']')
	default:
		b.value(f)
	}
}

func mapKey(kind protoreflect.Kind) string {
	switch kind {
	case protoreflect.StringKind:
		return `"key"`
	case protoreflect.BoolKind:
		return `"false"`
	}
	return `"0"`
}

func (b *skeleton) value(f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.BoolKind:
		b.text.WriteString("false")
	case protoreflect.StringKind, protoreflect.BytesKind:
		b.text.WriteString(`""`)
	case protoreflect.EnumKind:
		if f.Enum().FullName() == "google.protobuf.NullValue" {
			b.text.WriteString("null")
			return
		}
		b.text.WriteString(strconv.Quote(string(f.Enum().Values().Get(0).Name())))
	case protoreflect.MessageKind, protoreflect.GroupKind:
		b.message(f.Message())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		b.text.WriteString(`"0"`) // as protobuf's JSON writes it, for JSON's numbers are not exact
	default:
		b.text.WriteByte('0')
	}
}

// wellKnownJSON is an empty value of the messages that protobuf's JSON writes in
// ways of their own.
func wellKnownJSON(name protoreflect.FullName) (string, bool) {
	short, known := strings.CutPrefix(string(name), "google.protobuf.")
	if !known {
		return "", false
	}
	switch short {
	case "Timestamp":
		return `"1970-01-01T00:00:00Z"`, true
	case "Duration":
		return `"0s"`, true
	case "FieldMask", "StringValue", "BytesValue":
		return `""`, true
	case "Any", "Struct":
		return `{}`, true
	case "Value":
		return `null`, true
	case "ListValue":
		return `[]`, true
	case "BoolValue":
		return `false`, true
	case "Int64Value", "UInt64Value":
		return `"0"`, true
	case "DoubleValue", "FloatValue", "Int32Value", "UInt32Value":
		return `0`, true
	}
	return "", false
}
