package expect

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// longest is how much of a value a message shows, in characters.
const longest = 60

// shown is text from outside as a message may show it: cut, and nothing that a
// terminal would act on.
func shown(text string) string {
	cut := false
	if utf8.RuneCountInString(text) > longest {
		text, cut = string([]rune(text)[:longest]), true
	}
	quoted := strconv.Quote(text)
	if bare := quoted[1 : len(quoted)-1]; bare == text {
		quoted = text
	}
	if cut {
		return quoted + "…"
	}
	return quoted
}

// written is what a document has, for messages.
func written(n *strict.Node) string {
	if n.Kind == strict.Scalar && n.Quoted {
		return quoted(n.Text)
	}
	return shown(n.String())
}

// kindName is a field's type in words.
func kindName(f protoreflect.FieldDescriptor) string {
	switch f.Kind() {
	case protoreflect.EnumKind:
		return "a " + string(f.Enum().FullName())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return "a " + string(f.Message().FullName())
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.StringKind:
		return "text"
	case protoreflect.BytesKind:
		return "bytes, as base64"
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "a number"
	}
	return "a whole number"
}

// numeric is whether values of the field have an order.
func numeric(f protoreflect.FieldDescriptor) bool {
	switch f.Kind() {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return true
}

// valueOf reads a scalar of the document as a value of the field.
func valueOf(f protoreflect.FieldDescriptor, n *strict.Node) (protoreflect.Value, string) {
	wrong := func(format string, args ...any) (protoreflect.Value, string) {
		return protoreflect.Value{}, fmt.Sprintf(format, args...)
	}
	text := n.Text
	switch f.Kind() {
	case protoreflect.BoolKind:
		if n.Quoted || text != "true" && text != "false" {
			return wrong("must be true or false (got %s)", written(n))
		}
		return protoreflect.ValueOfBool(text == "true"), ""
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), ""
	case protoreflect.BytesKind:
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			if decoded, err = base64.URLEncoding.DecodeString(text); err != nil {
				return wrong("must be bytes, as base64 (got %s)", written(n))
			}
		}
		return protoreflect.ValueOfBytes(decoded), ""
	case protoreflect.EnumKind:
		if v := f.Enum().Values().ByName(protoreflect.Name(text)); v != nil {
			return protoreflect.ValueOfEnum(v.Number()), ""
		}
		if number, err := strconv.ParseInt(text, 10, 32); err == nil && !n.Quoted {
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number)), ""
		}
		var names []string
		for i := range f.Enum().Values().Len() {
			names = append(names, string(f.Enum().Values().Get(i).Name()))
		}
		return wrong("must be a value of %s%s (got %s)", f.Enum().FullName(), among(text, names), shown(text))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		bits := 64
		if f.Kind() == protoreflect.FloatKind {
			bits = 32
		}
		x, err := strconv.ParseFloat(text, bits)
		if err != nil || strings.ContainsAny(text, "xX_") {
			return wrong("must be a number (got %s)", written(n))
		}
		if bits == 32 {
			return protoreflect.ValueOfFloat32(float32(x)), ""
		}
		return protoreflect.ValueOfFloat64(x), ""
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		x, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return wrong("must be a whole number of 32 bits (got %s)", written(n))
		}
		return protoreflect.ValueOfInt32(int32(x)), ""
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		x, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("must be a whole number of 64 bits (got %s)", written(n))
		}
		return protoreflect.ValueOfInt64(x), ""
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		x, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return wrong("must be a whole number of 32 bits, >= 0 (got %s)", written(n))
		}
		return protoreflect.ValueOfUint32(uint32(x)), ""
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		x, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return wrong("must be a whole number of 64 bits, >= 0 (got %s)", written(n))
		}
		return protoreflect.ValueOfUint64(x), ""
	}
	return wrong("is %s: name one of its fields, or write {exists: true}", kindName(f))
}

// same is whether two values of a field that is no message are equal. A float
// that is no number equals none, not even itself.
func same(f protoreflect.FieldDescriptor, a, b protoreflect.Value) bool {
	switch f.Kind() {
	case protoreflect.BytesKind:
		return bytes.Equal(a.Bytes(), b.Bytes())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return a.Float() == b.Float()
	}
	return a.Interface() == b.Interface()
}

// order compares two numbers; ok is false where one is none.
func order(f protoreflect.FieldDescriptor, a, b protoreflect.Value) (sign int, ok bool) {
	switch f.Kind() {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return cmp.Compare(a.Float(), b.Float()), !math.IsNaN(a.Float()) && !math.IsNaN(b.Float())
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return cmp.Compare(a.Uint(), b.Uint()), true
	}
	return cmp.Compare(a.Int(), b.Int()), true
}

// spelled is a value for people.
func spelled(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.StringKind:
		return quoted(v.String())
	case protoreflect.BytesKind:
		b := v.Bytes()
		if len(b) > longest {
			return base64.StdEncoding.EncodeToString(b[:longest/4*3]) + "…"
		}
		return base64.StdEncoding.EncodeToString(b)
	case protoreflect.EnumKind:
		if named := f.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
		return strconv.Itoa(int(v.Enum()))
	case protoreflect.FloatKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 32)
	case protoreflect.DoubleKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return "one"
	}
	return fmt.Sprint(v.Interface())
}

// quoted is text in quotes, cut.
func quoted(text string) string {
	if utf8.RuneCountInString(text) > longest {
		return strconv.Quote(string([]rune(text)[:longest])) + "…"
	}
	return strconv.Quote(text)
}

// mostNames is how many names a message lists.
const mostNames = 12

// among is ", did you mean x?" where a name is near, else what there is.
func among(name string, names []string) string {
	if near := strict.Suggest(name, names); near != "" {
		return ", did you mean " + near + "?"
	}
	if len(names) == 0 {
		return ", which has none"
	}
	list := slices.Clone(names)
	more := ""
	if len(list) > mostNames {
		list, more = list[:mostNames], fmt.Sprintf(" and %d more", len(list)-mostNames)
	}
	return ": there are " + strings.Join(list, ", ") + more
}
