package scenario

import (
	"reflect"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// scenarioType is what documents and their variants are decoded into.
func scenarioType() reflect.Type { return reflect.TypeFor[Scenario]() }

// opens reports whether a map written for a value of type t lists settings
// one by one, so that an overlay's map goes on inside it. A choice does not:
// it is replaced whole.
func opens(t reflect.Type) bool {
	if t == nil || len(strict.Kinds(t)) > 0 {
		return false
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map || t.Kind() == reflect.Slice && indirect(t.Elem()).Kind() == reflect.Struct
}

// typeOf is the type of the setting that key names in a value of type t, or
// nil. An item of a list has any key.
func typeOf(t reflect.Type, key string) reflect.Type {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return indirect(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if options == "inline" {
				if inner := typeOf(f.Type, key); inner != nil {
					return inner
				}
			}
			if name == key && name != "" && name != "-" {
				return indirect(f.Type)
			}
		}
	}
	return nil
}

// typeAt is typeOf along a dotted path.
func typeAt(t reflect.Type, path string) reflect.Type {
	for _, key := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		if t = typeOf(t, key); t == nil {
			return nil
		}
	}
	return t
}

func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
