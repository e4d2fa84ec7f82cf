package load_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
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
			if d, ok := kind.Interface().(interface{ SetDefaults() }); ok {
				d.SetDefaults()
			}
			if replay, ok := kind.Interface().(*load.Replay); ok {
				replay.File = arrivalsFile(t, 100)
				if err := replay.Load(); err != nil {
					t.Fatal(err)
				}
			}
			reflect.ValueOf(&a).Elem().Field(i).Set(kind)
			if p := a.Problems(); p != nil {
				t.Errorf("the defaults are wrong: %v", p)
			}
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

// arrivalsFile holds that many arrivals in a second.
func arrivalsFile(t *testing.T, perSecond int) string {
	t.Helper()
	var b strings.Builder
	for i := range perSecond {
		fmt.Fprintln(&b, float64(i)/float64(perSecond))
	}
	path := filepath.Join(t.TempDir(), "arrivals.txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// The other choices: each field has its name, its defaults are right, and what
// it makes is its own.
func TestShapeKinds(t *testing.T) {
	eachKind(t, reflect.TypeFor[load.Shape](), func(t *testing.T, name string, choice any) {
		s := *choice.(*load.Shape)
		if s.Name() != name || (s.Profile() == nil) != (name == "constant") {
			t.Errorf("is %q with profile %v", s.Name(), s.Profile())
		}
		if p := s.Problems(); p != nil {
			t.Errorf("the defaults are wrong: %v", p)
		}
	})
	var none load.Shape
	if none.Name() != "" || none.Profile() != nil || none.Problems() != nil {
		t.Error("no shape is one")
	}
}

func TestKeyKinds(t *testing.T) {
	eachKind(t, reflect.TypeFor[load.Keys](), func(t *testing.T, name string, choice any) {
		k := *choice.(*load.Keys)
		if k.Name() != name || k.Problems() != nil {
			t.Errorf("is %q, wrong: %v", k.Name(), k.Problems())
		}
	})
}

func TestSizeKinds(t *testing.T) {
	eachKind(t, reflect.TypeFor[load.Sizes](), func(t *testing.T, name string, choice any) {
		s := *choice.(*load.Sizes)
		if s.Name() != name || s.Sampler() == nil || !strings.HasPrefix(s.String(), name+" ") {
			t.Errorf("is %q, %q", s.Name(), s)
		}
		if s.Problems() == nil {
			t.Error("has no default, and lacks nothing")
		}
	})
}

// eachKind sets each field of a choice in turn.
func eachKind(t *testing.T, choice reflect.Type, check func(t *testing.T, name string, choice any)) {
	for i := range choice.NumField() {
		field := choice.Field(i)
		name := field.Tag.Get("yaml")
		t.Run(name, func(t *testing.T) {
			if field.Tag.Get("doc") == "" || field.Tag.Get("example") == "" {
				t.Error("needs a doc line and an example")
			}
			c, kind := reflect.New(choice), reflect.New(field.Type.Elem())
			if d, ok := kind.Interface().(interface{ SetDefaults() }); ok {
				d.SetDefaults()
			}
			if stages, ok := kind.Interface().(*load.Stages); ok {
				one := 1.0
				stages.List = []load.Stage{{For: time.Second, At: &one}}
			}
			c.Elem().Field(i).Set(kind)
			check(t, name, c.Interface())
		})
	}
}

func TestNoKind(t *testing.T) {
	var a load.Arrivals
	if a.Process() != nil || a.Name() != "" {
		t.Errorf("an empty choice is %q, %v", a.Name(), a.Process())
	}
}
