package reports

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/result/schematest"
)

// whole makes lists and maps of what is nil, as a run writes them: results made by
// hand have only what their test is about.
func whole(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			whole(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				whole(field)
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		for i := range v.Len() {
			whole(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	}
}

// TestResultsAreAsTheSchemaSays: the results that the reports' goldens are made of,
// and a larger one.
func TestResultsAreAsTheSchemaSays(t *testing.T) {
	schema := schematest.Schema(t)
	all := fixtures()
	for _, name := range []string{"hostile", "gated"} { // they have words that no run writes
		delete(all, name)
	}
	all["many"] = func(t testing.TB) *result.Result { return many(t, 16, 3) }
	for name, make := range all {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := JSON(&text, make(t)); err != nil {
				t.Fatal(err)
			}
			r, err := result.Read(&text)
			if err != nil {
				t.Fatal(err)
			}
			whole(reflect.ValueOf(r))
			text.Reset()
			if err := JSON(&text, r); err != nil {
				t.Fatal(err)
			}
			schematest.Check(t, schema, text.Bytes())
		})
	}
}
