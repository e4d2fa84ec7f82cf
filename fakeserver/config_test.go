package fakeserver

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

func TestValidateConfig(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "backends: must be from 1 to 1000 (got 0)"},
		{Config{Backends: 1, ServiceTime: fixed(-ms), Concurrency: -1},
			"service_time.fixed: must be > 0 (got -1ms)\nconcurrency: must be >= 0, where 0 is no limit (got -1)"},
		{Config{Backends: 1, Concurrency: 1, Queue: ptr(-1)}, "queue: must be >= 0 (got -1)"},
		{Config{Backends: 1, Queue: ptr(1)}, "queue: must come with concurrency: without that no call ever waits"},
		{Config{Backends: 2, Faults: []fault.Rule{{Inject: down()}, {For: -1, Where: fault.Where{Method: "Nope", Backends: []int{0, 2, -1}}}}},
			"faults[1].for: must be > 0, or left out to last to the end (got -1ns)\n" +
				"faults[1].inject: must name a fault\n" +
				"faults[1].where.backends[1]: must be from 0 to 1 (got 2)\n" +
				"faults[1].where.backends[2]: must be from 0 to 1 (got -1)\n" +
				"faults[1].where.method: must be one of CreateUser, GetUser, ListUsers, BatchCreateUsers, SyncUsers (got \"Nope\")"},
		{Config{Backends: 1, Faults: []fault.Rule{{Name: "a", Inject: down()}, {Inject: down()}, {Name: "a", Inject: down()}, {Inject: down(), Stagger: sec}}},
			"faults[2].name: must be unique: faults[0] is named \"a\" already\n" +
				"faults[3].stagger: must be left out: the fleet has one backend, and nothing comes after it"},
		{Config{Backends: 1, Faults: []fault.Rule{
			{Inject: latency(ms), Where: fault.Where{Method: "GetUser", Kind: fault.Unary}},
			{Inject: latency(ms), Where: fault.Where{Method: "GetUser", Kind: fault.BidiStream}}}},
			"faults[1].where.kind: must be left out, or unary as GetUser is"},
	} {
		if got := render(c.config.Validate()); got != c.want {
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

func TestNeedsCallID(t *testing.T) {
	rule := fault.Rule{Inject: unavailable()}
	certain, chance := rule, rule
	certain.Probability, chance.Probability = ptr(1.0), ptr(0.5)
	for name, c := range map[string]struct {
		config Config
		want   bool
	}{
		"default":     {Default(), false},
		"fixed time":  {Config{ServiceTime: fixed(ms)}, false},
		"random time": {Config{ServiceTime: servicetime.Choice{Exponential: &servicetime.Exponential{Average: 1}}}, true},
		"sure faults": {Config{Faults: []fault.Rule{rule, certain, {Inject: down()}}}, false},
		"chance":      {Config{Faults: []fault.Rule{rule, chance}}, true},
		"every third": {Config{Faults: []fault.Rule{{Nth: ptr(3)}}}, true},
		"bursts":      {Config{Faults: []fault.Rule{{Burst: &fault.Burst{Size: 1, Every: 2}}}}, true},
		"retries":     {Config{Faults: []fault.Rule{{Where: fault.Where{Attempt: ptr(2)}}}}, false},
	} {
		if got := c.config.NeedsCallID(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A Config crosses to a child process as JSON.
func TestConfigCrossesAsJSON(t *testing.T) {
	want := Config{
		Backends: 3, Concurrency: 4, Queue: ptr(0),
		ServiceTime: servicetime.Choice{Quantiles: &servicetime.Quantiles{P50: ptr(ms), P999: ptr(sec)}},
		Faults: []fault.Rule{
			{Name: "a", At: -sec, For: time.Minute, Every: time.Hour, Stagger: ms, Probability: ptr(0.25), Inject: latency(ms),
				Where: fault.Where{Backends: []int{1}, Method: "GetUser", Kind: fault.Unary, Metadata: map[string]string{"k": "v"}, Attempt: ptr(2)}},
			{Nth: ptr(3), Inject: latency(ms)},
			{Burst: &fault.Burst{Size: 1, Every: 2}, Inject: latency(ms)},
			{Inject: down()},
			{Inject: fault.Inject{Status: &fault.Status{Code: codes.Aborted, Message: "m"}}},
		},
	}
	text, err := json.Marshal(want)
	must(t, err)
	var got Config
	must(t, json.Unmarshal(text, &got))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The description of the service is the generated one in all but its handlers.
func TestDescIsTheGeneratedOne(t *testing.T) {
	type shape struct{ Client, Server, Stream bool }
	got, want := map[string]shape{}, map[string]shape{}
	for _, m := range desc().Methods {
		got[m.MethodName] = shape{}
	}
	for _, s := range desc().Streams {
		got[s.StreamName] = shape{s.ClientStreams, s.ServerStreams, true}
	}
	for _, m := range userpb.UserService_ServiceDesc.Methods {
		want[m.MethodName] = shape{}
	}
	for _, s := range userpb.UserService_ServiceDesc.Streams {
		want[s.StreamName] = shape{s.ClientStreams, s.ServerStreams, true}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for m := range methodCount {
		if found, ok := methodOf("/" + methods[m]); !ok || found != m {
			t.Errorf("methodOf(%s) = %d, %v", methods[m], found, ok)
		}
	}
}

func TestEveryCodeHasItsName(t *testing.T) {
	for c, name := range codeNames {
		var parsed codes.Code
		if err := parsed.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil || parsed != codes.Code(c) {
			t.Errorf("code %d is called %q: %v", c, name, err)
		}
	}
}
