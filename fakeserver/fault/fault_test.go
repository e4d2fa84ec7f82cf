package fault_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

const sec = time.Second

func TestLabel(t *testing.T) {
	r := fault.Rule{Inject: fault.Inject{Down: &fault.Down{}}}
	if r.Label() != "down" {
		t.Errorf("label %q", r.Label())
	}
	if r.Name = "outage"; r.Label() != "outage" {
		t.Errorf("label %q", r.Label())
	}
}

func TestStatusAndLatencyActOnArrival(t *testing.T) {
	step := fault.Step{Moment: fault.Arrival}
	late, gone := &fault.Latency{Delay: sec}, &fault.Status{Code: codes.Aborted, Message: "so it goes"}
	for _, f := range []fault.OnCall{late, late, gone} {
		if !f.Act(&step) {
			t.Errorf("%T did nothing", f)
		}
	}
	if step.Wait != 2*sec || step.End == nil || status.Code(step.End.Err) != codes.Aborted ||
		status.Convert(step.End.Err).Message() != "so it goes" {
		t.Errorf("step %+v", step)
	}
	step = fault.Step{}
	(&fault.Status{Code: codes.Internal}).Act(&step)
	if status.Convert(step.End.Err).Message() == "" {
		t.Error("a fault without a message must say what it is")
	}
	step = fault.Step{Moment: fault.BeforeWrite}
	for _, f := range []fault.OnCall{late, gone} {
		if f.Act(&step) || step.Wait != 0 || step.End != nil {
			t.Errorf("%T acts on messages: %+v", f, step)
		}
	}
}

func render(err error) string {
	if err == nil {
		return ""
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var lines []string
		for _, e := range joined.Unwrap() {
			lines = append(lines, render(e))
		}
		return strings.Join(lines, "\n")
	}
	return err.(interface{ Field() string }).Field() + ": " + err.Error()
}

type host struct {
	fault.Host
	shut, opened, sick, healed int
}

func (h *host) Shut()       { h.shut++ }
func (h *host) Open() error { h.opened++; return errors.New("port taken") }
func (h *host) Sicken()     { h.sick++ }
func (h *host) Heal()       { h.healed++ }

func TestDownShutsAndOpens(t *testing.T) {
	var h host
	var d fault.Down
	d.Begin(&h)
	if err := d.End(&h); h != (host{shut: 1, opened: 1}) || err == nil {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestUnhealthySickensAndHeals(t *testing.T) {
	var h host
	var u fault.Unhealthy
	u.Begin(&h)
	if h != (host{sick: 1}) {
		t.Errorf("begun: %+v", h)
	}
	if err := u.End(&h); h != (host{sick: 1, healed: 1}) || err != nil {
		t.Errorf("ended: %+v, %v", h, err)
	}
}

// Every kind says what it is, shows an example, and is one of the two sorts.
// One that can be written as its name alone needs no settings, and any other
// says which are missing.
func TestEveryKind(t *testing.T) {
	inject := reflect.TypeFor[fault.Inject]()
	for i := range inject.NumField() {
		f := inject.Field(i)
		for _, tag := range []string{"yaml", "doc", "example"} {
			if f.Tag.Get(tag) == "" {
				t.Errorf("%s has no %s", f.Name, tag)
			}
		}
		var in fault.Inject
		reflect.ValueOf(&in).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
		if kind := in.Kind(); strings.ReplaceAll(kind, "_", "") != strings.ToLower(f.Name) {
			t.Errorf("kind of %s is %q", f.Name, kind)
		}
		if (in.OnCall() == nil) == (in.OnBackend() == nil) {
			t.Errorf("%s must be either OnCall or OnBackend", f.Name)
		}
		err := (fault.Rule{Inject: in}).Validate()
		if bare := f.Tag.Get("example") == in.Kind(); bare != (err == nil) {
			t.Errorf("%s, whose example is %s, without settings: %v", f.Name, f.Tag.Get("example"), err)
		}
	}
}
