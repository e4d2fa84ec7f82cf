package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
)

// Encode is a configuration as a document says it: Decode reads the tree back
// into an equal value over defaults, which is of the same type. A zero that
// defaults have as well is left out; everything else is written, so that what is
// read does not depend on the defaults of another day. A zero that has no text,
// such as a choice of nothing in place of a default, panics: a valid
// configuration has none.
func Encode(v, defaults any) *Node {
	return encode(reflect.ValueOf(v), reflect.ValueOf(defaults), field{})
}

// encode is v as a node, nil when it is left out. def is what v is decoded over.
func encode(v, def reflect.Value, f field) *Node {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			if def.Kind() == reflect.Pointer && !def.IsNil() {
				panic(fmt.Sprintf("strict: no text says that %s is not there", v.Type()))
			}
			return nil
		}
		v = v.Elem()
		if def.Kind() == reflect.Pointer && !def.IsNil() {
			def = def.Elem()
		} else {
			def = fresh(v.Type()).Elem()
		}
		if node := encode(v, def, f); node != nil {
			return node
		}
		return empty(v, f)
	}
	if word, is := wordOf(v); is {
		return NewScalar(word)
	}
	t := v.Type()
	switch {
	case isChoice(t):
		return encodeChoice(v)
	case nothing(v) && nothing(def):
		return nil
	case t.Kind() == reflect.Struct:
		if inner, ok := valueField(t); ok {
			return encode(v.FieldByIndex(inner.index), reflect.Zero(inner.typ), inner)
		}
		return encodeStruct(v, def)
	case t.Kind() == reflect.Slice:
		list := NewSequence()
		for i := range v.Len() {
			list.Items = append(list.Items, item(v.Index(i), f.unit))
		}
		return list
	case t.Kind() == reflect.Map:
		return encodeMap(v, f)
	}
	return scalar(v, f)
}

// empty is a value that is there and has nothing to say.
func empty(v reflect.Value, f field) *Node {
	if inner, ok := valueField(v.Type()); ok {
		return empty(v.FieldByIndex(inner.index), inner)
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		return NewMap()
	case reflect.Slice:
		return NewSequence()
	}
	return scalar(v, f)
}

// nothing is a zero, or a map or list without anything in it.
func nothing(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	}
	return v.IsZero()
}

// item is an element of a list or a map, which is written whatever it is.
func item(v reflect.Value, unit string) *Node {
	f := field{unit: unit}
	def := fresh(v.Type()).Elem()
	if node := encode(v, def, f); node != nil {
		return node
	}
	return empty(v, f)
}

// encodeChoice is a name, or {name: {settings}}; nil where nothing is chosen.
func encodeChoice(v reflect.Value) *Node {
	for _, f := range fieldsOf(v.Type()) {
		kind := v.FieldByIndex(f.index)
		if kind.IsNil() {
			continue
		}
		settings := encode(kind.Elem(), fresh(f.typ.Elem()).Elem(), f)
		switch {
		case settings != nil:
		case aloneFits(f.typ.Elem()):
			return NewScalar(f.name)
		default:
			settings = empty(kind.Elem(), f)
		}
		return NewMap(Entry{Key: f.name, Value: settings})
	}
	return nil
}

func encodeStruct(v, def reflect.Value) *Node {
	out := NewMap()
	for _, f := range fieldsOf(v.Type()) {
		if value := encode(v.FieldByIndex(f.index), def.FieldByIndex(f.index), f); value != nil {
			out.Entries = append(out.Entries, Entry{Key: f.name, Value: value})
		}
	}
	return out
}

func encodeMap(v reflect.Value, f field) *Node {
	out := NewMap()
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	for _, key := range keys {
		out.Entries = append(out.Entries, Entry{Key: key.String(), Value: item(v.MapIndex(key), f.unit)})
	}
	return out
}

// wordOf is the word by which a type writes a value: none, for a policy that is
// off. A value that takes settings has none.
func wordOf(v reflect.Value) (string, bool) {
	if worded, ok := v.Interface().(interface{ Word() string }); ok {
		word := worded.Word()
		return word, word != ""
	}
	return "", false
}

// scalar is one value in the form that Decode reads.
func scalar(v reflect.Value, f field) *Node {
	if text, ok := v.Interface().(encoding.TextMarshaler); ok && v.Type() != codeType {
		written, err := text.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("strict: %s cannot be written: %v", v.Type(), err))
		}
		return NewScalar(string(written))
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return NewScalar(value.String())
	case codes.Code:
		return NewScalar(CodeName(value))
	}
	switch v.Kind() {
	case reflect.String:
		return &Node{Kind: Scalar, Text: v.String(), Quoted: true} // quotes where they are needed
	case reflect.Bool:
		return NewScalar(strconv.FormatBool(v.Bool()))
	case reflect.Float32, reflect.Float64:
		return NewScalar(numberText(v.Float(), f.unit))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if f.unit == "bytes" {
			return NewScalar(ByteText(v.Int()))
		}
		return NewScalar(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return NewScalar(strconv.FormatUint(v.Uint(), 10))
	}
	panic(fmt.Sprintf("strict: no text for %s", v.Type()))
}

// numberText is a number as it is written with a unit, exactly.
func numberText(x float64, unit string) string {
	plain := strconv.FormatFloat(x, 'f', -1, 64)
	switch unit {
	case "share":
		// 7 % and not 7.000000000000001 %, but only where it reads back the same.
		if percent := strconv.FormatFloat(100*x, 'g', 6, 64) + "%"; x <= 1 {
			if back, m := parseShare(percent, percent); m == "" && back == x {
				return percent
			}
		}
	case "rate":
		return plain + "/s"
	}
	return plain
}

// ByteText is a size in the largest unit of 1024 that it is a whole number of.
func ByteText(n int64) string {
	for _, unit := range []sizeUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return fmt.Sprintf("%d%s", n/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// CodeName is a status code as gRPC writes it: DEADLINE_EXCEEDED.
func CodeName(c codes.Code) string {
	if names := codeNames(); int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("CODE(%d)", c)
}
