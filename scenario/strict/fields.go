package strict

import (
	"reflect"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// field is one key of a configuration struct.
type field struct {
	name    string
	doc     string
	unit    string
	example string
	typ     reflect.Type
	index   []int
	// or is another field, named by the tag `or`, that holds the value when it
	// is written another way: as a list, as a map, or in percent.
	or *field
	// tree is a field of type *Node, named by the tag `tree`, that takes what is
	// neither: a list, text that begins with @, and a map that is no choice of or.
	tree *field
}

// written is the field that holds n: f, or one of its others.
func (f field) written(n *Node) field {
	if f.tree != nil && n != nil && f.asTree(n) {
		return *f.tree
	}
	if f.or == nil || n == nil {
		return f
	}
	list := f.or.typ.Kind() == reflect.Slice && n.Kind == Sequence
	percent := f.or.unit == "percent" && n.Kind == Scalar && strings.HasSuffix(n.Text, "%")
	settings := deref(f.or.typ).Kind() == reflect.Struct && n.Kind == Map
	if list || percent || settings {
		return *f.or
	}
	return f
}

// asTree is whether n is for the field of a tree.
func (f field) asTree(n *Node) bool {
	switch n.Kind {
	case Sequence:
		return true
	case Scalar:
		return strings.HasPrefix(n.Text, "@")
	case Map:
		for _, e := range n.Entries {
			if f.or == nil {
				break
			}
			if _, is := fieldNamed(fieldsOf(deref(f.or.typ)), e.Key); is {
				return false
			}
		}
		return true
	}
	return false
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	codeType     = reflect.TypeFor[codes.Code]()
	nodeType     = reflect.TypeFor[*Node]()
)

// worded is a type that may be written as one of a few words.
type worded interface {
	Words() []string
	UnmarshalText([]byte) error
}

// defaulted is a type whose zero value is not its default.
type defaulted interface{ SetDefaults() }

// fieldsOf lists the keys of a struct, those of inline structs in place.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case options == "inline":
			for _, in := range fieldsOf(f.Type) {
				in.index = append([]int{i}, in.index...)
				if in.or != nil {
					other := *in.or
					other.index = append([]int{i}, other.index...)
					in.or = &other
				}
				if in.tree != nil {
					other := *in.tree
					other.index = append([]int{i}, other.index...)
					in.tree = &other
				}
				list = append(list, in)
			}
		case name != "" && f.IsExported():
			own := field{
				name: name, doc: f.Tag.Get("doc"), unit: f.Tag.Get("unit"), example: f.Tag.Get("example"),
				typ: f.Type, index: []int{i},
			}
			if other, ok := t.FieldByName(f.Tag.Get("or")); ok {
				own.or = &field{name: name, unit: other.Tag.Get("unit"), typ: other.Type, index: other.Index}
			}
			if other, ok := t.FieldByName(f.Tag.Get("tree")); ok {
				own.tree = &field{name: name, typ: other.Type, index: other.Index}
			}
			list = append(list, own)
		}
	}
	return list
}

func fieldNamed(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// valueField is the only field of a struct that is written without a key.
func valueField(t reflect.Type) (field, bool) {
	if t.Kind() != reflect.Struct || t.NumField() != 1 {
		return field{}, false
	}
	f := t.Field(0)
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name != "" || options != "value" || !f.IsExported() {
		return field{}, false
	}
	return field{doc: f.Tag.Get("doc"), unit: f.Tag.Get("unit"), typ: f.Type, index: []int{0}}, true
}

// isChoice tells a choice: all fields are pointers with an example.
func isChoice(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() != reflect.Pointer || f.Tag.Get("example") == "" || !f.IsExported() {
			return false
		}
	}
	return true
}

// wordsOf lists the words that a type may be written as.
func wordsOf(t reflect.Type) []string {
	if w, ok := reflect.New(t).Interface().(worded); ok {
		return w.Words()
	}
	return nil
}

// fresh is a new value of a type with its defaults.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if d, ok := v.Interface().(defaulted); ok {
		d.SetDefaults()
	}
	return v
}

// aloneFits tells whether the name of a kind alone can be enough: not where
// the kind is a value that has no default.
func aloneFits(kind reflect.Type) bool {
	if _, isValue := valueField(kind); !isValue {
		return true
	}
	_, hasDefault := reflect.New(kind).Interface().(defaulted)
	return hasDefault
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
