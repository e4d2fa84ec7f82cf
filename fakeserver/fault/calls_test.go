package fault_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/userpb"
)

func TestLabels(t *testing.T) {
	down, hang := fault.Inject{Down: &fault.Down{}}, fault.Inject{Hang: &fault.Hang{}}
	got := fault.Labels([]fault.Rule{{Inject: down}, {Name: "outage", Inject: down}, {Inject: hang}, {Inject: down}, {Name: "hang", Inject: down}})
	if d := cmp.Diff([]string{"down[0]", "outage", "hang[2]", "down[3]", "hang"}, got); d != "" {
		t.Error(d)
	}
}

// A message has the size that is asked for, to the byte but where no field
// can, and decodes.
func TestOversizeIsExact(t *testing.T) {
	for _, size := range []int64{16, 17, 127, 130, 131, 132, 133, 134, 1000, 16386, 16387, 16388, 16389, 16390, 1 << 20, 2097155, 2097160, 4<<20 + 1} {
		step := fault.Step{Moment: fault.BeforeWrite, Message: &userpb.GetUserResponse{User: &userpb.User{Id: "7"}}}
		if !(&fault.Oversize{Size: size}).Act(&step) {
			t.Fatal("it does nothing")
		}
		encoded, err := proto.Marshal(step.Message)
		if err != nil {
			t.Fatal(err)
		}
		if n := int64(len(encoded)); n != size && n != size-1 {
			t.Errorf("%d bytes, want %d", n, size)
		}
		if err := proto.Unmarshal(encoded, &userpb.GetUserResponse{}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestCorruptDoesNotDecode(t *testing.T) {
	for _, m := range []proto.Message{&userpb.GetUserResponse{}, &userpb.ListUsersResponse{}, &userpb.BatchCreateUsersResponse{}, &userpb.SyncUsersResponse{}} {
		step := fault.Step{Moment: fault.BeforeWrite, Message: m}
		(&fault.Corrupt{}).Act(&step)
		encoded, err := proto.Marshal(step.Message)
		if err != nil {
			t.Fatal(err)
		}
		if err := proto.Unmarshal(encoded, m); err == nil {
			t.Errorf("%T decodes", m)
		}
	}
}

// Which kinds of calls can meet a fault, as it is set.
func TestWhoCanMeetIt(t *testing.T) {
	all := []fault.RPCKind{fault.Unary, fault.ServerStream, fault.ClientStream, fault.BidiStream}
	streams, answers, requests := all[1:], []fault.RPCKind{fault.ServerStream, fault.BidiStream}, all[2:]
	for _, c := range []struct {
		inject fault.Inject
		want   []fault.RPCKind
	}{
		{fault.Inject{Status: &fault.Status{}}, all},
		{fault.Inject{Truncate: &fault.Truncate{}}, streams},
		{fault.Inject{Reset: &fault.Reset{}}, all},
		{fault.Inject{Reset: &fault.Reset{After: 1}}, streams},
		{fault.Inject{Corrupt: &fault.Corrupt{}}, all},
		{fault.Inject{Corrupt: &fault.Corrupt{After: 1}}, answers},
		{fault.Inject{Oversize: &fault.Oversize{}}, all},
		{fault.Inject{Oversize: &fault.Oversize{After: 1}}, answers},
		{fault.Inject{SlowRead: &fault.SlowRead{}}, all},
		{fault.Inject{SlowRead: &fault.SlowRead{After: 1}}, requests},
	} {
		var got []fault.RPCKind
		for _, k := range all {
			if (fault.Rule{Inject: c.inject}).Meets(k) {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, %+v: %v, want %v", c.inject.Kind(), c.inject, got, c.want)
		}
	}
}

func TestValidateCallFaults(t *testing.T) {
	for _, c := range []struct {
		inject fault.Inject
		want   string
	}{
		{fault.Inject{Truncate: &fault.Truncate{After: -1}},
			"inject.truncate.after: must be >= 0 messages (got -1)\ninject.truncate.code: must be a code other than OK, such as UNAVAILABLE"},
		{fault.Inject{Reset: &fault.Reset{Code: "CANCEL", After: -1}}, "inject.reset.after: must be >= 0 messages (got -1)"},
		{fault.Inject{Reset: &fault.Reset{Code: "CANCELLED"}},
			"inject.reset.code: must be one of NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, " +
				"FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, " +
				"HTTP_1_1_REQUIRED (got \"CANCELLED\")"},
		{fault.Inject{Oversize: &fault.Oversize{Size: 1 << 30, After: -1}},
			"inject.oversize.size: must be from 16 bytes to 64MiB (got 1073741824)\ninject.oversize.after: must be >= 0 messages (got -1)"},
		{fault.Inject{SlowRead: &fault.SlowRead{For: -1}}, "inject.slow_read.for: must be > 0, or left out to read no more at all (got -1ns)"},
		{fault.Inject{Headers: &fault.Headers{Size: 1 << 30, Metadata: map[string]string{"A": ""}}},
			"inject.headers.size: must be from 0 to 32MiB (got 1073741824 bytes)\n" +
				"inject.headers.metadata.A: must be lower-case letters, digits, -, _ and . only (got \"A\")"},
		{fault.Inject{Status: &fault.Status{Code: codes.Internal, Details: []fault.Detail{
			{}, {RetryInfo: &fault.RetryInfo{}, Raw: &fault.RawDetail{}}, {RetryInfo: &fault.RetryInfo{Delay: -1}}, {ErrorInfo: &fault.ErrorInfo{}},
			{Message: &fault.JSONDetail{Type: "google.rpc.BadRequest", JSON: "{"}}, {Raw: &fault.RawDetail{Type: "no name"}}}}},
			"inject.status.details[0]: must be one detail (got 0)\n" +
				"inject.status.details[1]: must be one detail (got 2)\n" +
				"inject.status.details[2].retry_info: must be >= 0 (got -1ns)\n" +
				"inject.status.details[3].error_info.reason: must be given, such as QUOTA_EXCEEDED\n" +
				"inject.status.details[4].message.json: must be a google.rpc.BadRequest as JSON: unexpected EOF\n" +
				"inject.status.details[5].raw.type: must be the name of a message, such as example.v1.Reason (got \"no name\")"},
	} {
		if got := render((fault.Rule{Inject: c.inject}).Validate()); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// Every kind of detail says what it is and shows an example.
func TestEveryDetail(t *testing.T) {
	for f := range reflect.TypeFor[fault.Detail]().Fields() {
		for _, tag := range []string{"yaml", "doc", "example"} {
			if f.Tag.Get(tag) == "" {
				t.Errorf("%s has no %s", f.Name, tag)
			}
		}
	}
}
