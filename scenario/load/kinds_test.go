package load_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
)

// TestKinds sets each field of the choice in turn: a kind that Process or Name
// forgot would fail here.
func TestKinds(t *testing.T) {
	choice := reflect.TypeFor[load.Arrivals]()
	for i := range choice.NumField() {
		field := choice.Field(i)
		name := field.Tag.Get("yaml")
		t.Run(name, func(t *testing.T) {
			if field.Tag.Get("doc") == "" || field.Tag.Get("example") == "" {
				t.Error("needs a doc line and an example")
			}
			var a load.Arrivals
			kind := reflect.New(field.Type.Elem())
			reflect.ValueOf(&a).Elem().Field(i).Set(kind)
			if a.Name() != name {
				t.Errorf("Name() = %q, want %q", a.Name(), name)
			}
			if a.Process() != kind.Interface() {
				t.Fatalf("Process() = %v, want the field", a.Process())
			}
			if due := offsets(a.Process().Schedule(100, 1), time.Second); len(due) < 50 || len(due) > 150 {
				t.Errorf("%d arrivals in a second at 100/s", len(due))
			}
		})
	}
}

func TestNoKind(t *testing.T) {
	var a load.Arrivals
	if a.Process() != nil || a.Name() != "" {
		t.Errorf("an empty choice is %q, %v", a.Name(), a.Process())
	}
}
