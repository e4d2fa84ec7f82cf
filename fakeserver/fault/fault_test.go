package fault_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

const sec = time.Second

func TestWindow(t *testing.T) {
	never := time.Duration(-1)
	for _, c := range []struct {
		rule fault.Rule
		at   time.Duration
		open bool
		next time.Duration
	}{
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 5*sec - 1, false, 5 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 5 * sec, true, 8 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 8*sec - 1, true, 8 * sec},
		{fault.Rule{At: 5 * sec, For: 3 * sec}, 8 * sec, false, never},
		{fault.Rule{}, -1, false, 0},
		{fault.Rule{}, 0, true, never},
		{fault.Rule{At: -2 * sec}, -2 * sec, true, never},
		{fault.Rule{At: sec, For: math.MaxInt64}, 2 * sec, true, never},
	} {
		if got := c.rule.Open(c.at); got != c.open {
			t.Errorf("%v+%v at %v: open = %v", c.rule.At, c.rule.For, c.at, got)
		}
		next, ok := c.rule.Next(c.at)
		if c.next == never && !ok {
			continue
		}
		if !ok || next != c.next {
			t.Errorf("%v+%v at %v: next = %v, %v", c.rule.At, c.rule.For, c.at, next, ok)
		}
	}
}

func TestLabel(t *testing.T) {
	r := fault.Rule{Inject: fault.Inject{Down: &fault.Down{}}}
	if r.Label() != "down" {
		t.Errorf("label %q", r.Label())
	}
	if r.Name = "outage"; r.Label() != "outage" {
		t.Errorf("label %q", r.Label())
	}
}

func TestStatusAndLatencyMeetCalls(t *testing.T) {
	var e fault.Effect
	(&fault.Latency{Delay: sec}).Meet(&e)
	(&fault.Latency{Delay: sec}).Meet(&e)
	(&fault.Status{Code: codes.Aborted, Message: "so it goes"}).Meet(&e)
	if e.Delay != 2*sec || status.Code(e.Err) != codes.Aborted || status.Convert(e.Err).Message() != "so it goes" {
		t.Errorf("effect %+v", e)
	}
	(&fault.Status{Code: codes.Internal}).Meet(&e)
	if status.Convert(e.Err).Message() == "" {
		t.Error("a fault without a message must say what it is")
	}
}

func TestValidate(t *testing.T) {
	half, over, nan := 0.5, 1.5, math.NaN()
	ok := fault.Inject{Latency: &fault.Latency{Delay: sec}}
	for _, c := range []struct {
		rule fault.Rule
		want string
	}{
		{fault.Rule{Inject: ok, Probability: &half}, ""},
		{fault.Rule{}, "inject: must name a fault"},
		{fault.Rule{Inject: fault.Inject{Latency: ok.Latency, Down: &fault.Down{}}}, "inject: must be one fault (got 2)"},
		{fault.Rule{Inject: ok, For: -sec, Probability: &over},
			"for: must be > 0, or left out to last to the end (got -1s)\nprobability: must be from 0% to 100% (got 1.5)"},
		{fault.Rule{Inject: ok, Probability: &nan}, "probability: must be from 0% to 100% (got NaN)"},
		{fault.Rule{Inject: fault.Inject{Latency: &fault.Latency{}}}, "inject.latency: must be > 0 (got 0s)"},
		{fault.Rule{Inject: fault.Inject{Status: &fault.Status{}}}, "inject.status.code: must be a code other than OK, such as UNAVAILABLE"},
		{fault.Rule{Inject: fault.Inject{Status: &fault.Status{Code: 99}}}, "inject.status.code: must be a gRPC status code, 1 to 16 (got 99)"},
		{fault.Rule{Inject: fault.Inject{Down: &fault.Down{}}, Probability: &half, Where: fault.Where{Method: "GetUser"}},
			"probability: must be left out: down befalls a backend, not single calls\n" +
				"where.method: must be left out: down befalls a backend, not single calls"},
	} {
		if got := render(c.rule.Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
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
	shut, opened int
}

func (h *host) Shut()       { h.shut++ }
func (h *host) Open() error { h.opened++; return errors.New("port taken") }

func TestDownShutsAndOpens(t *testing.T) {
	var h host
	var d fault.Down
	d.Begin(&h)
	if err := d.End(&h); h != (host{shut: 1, opened: 1}) || err == nil {
		t.Errorf("%+v, %v", h, err)
	}
}

// Every kind says what it is, shows an example, and is one of the two sorts.
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
		if in.Kind() != strings.ToLower(f.Name) {
			t.Errorf("kind of %s is %q", f.Name, in.Kind())
		}
		if (in.OnCall() == nil) == (in.OnBackend() == nil) {
			t.Errorf("%s must be either OnCall or OnBackend", f.Name)
		}
		if err := (fault.Rule{Inject: in}).Validate(); f.Type.Elem().NumField() > 0 && err == nil {
			t.Errorf("an empty %s is valid", f.Name)
		}
	}
}
