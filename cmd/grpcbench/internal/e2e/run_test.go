package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// short are settings that make any scenario a matter of seconds.
func short(target string) []string {
	return []string{"--set", "target=" + target, "--trials", "1", "--measure", "1s"}
}

// The shipped scenario against a real etcd: every call ends as it expects, and the
// keys are there.
func TestShippedEtcd(t *testing.T) {
	address, client := newEtcd(t)
	args := append([]string{filepath.Join(root, "scenarios", "etcd.yaml")}, short(address)...)
	r := mustRun(t, append(args, "--set", "load.reads.rate=200/s")...)
	allOK(t, r)
	if len(r.Variants) != 4 {
		t.Errorf("%d variants", len(r.Variants))
	}
	if got, err := client.Get(t.Context(), "grpcbench/3"); err != nil || got.Count != 1 || len(got.Kvs[0].Value) != 64 {
		t.Errorf("etcd has %v, %v", got, err)
	}
}

// etcd's calls of all kinds as load, by its .proto files and by a protoset: reads
// and writes, watches that are made and closed, leases that are kept alive.
func TestEtcdLoad(t *testing.T) {
	address, client := newEtcd(t)
	lease, err := client.Grant(t.Context(), 3600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), "a", "1"); err != nil {
		t.Fatal(err)
	}
	for name, descriptors := range map[string]string{
		"proto":    fmt.Sprintf("{proto: {files: [etcd/api/etcdserverpb/rpc.proto], import_paths: [%q]}}", etcdProtos(t)),
		"protoset": fmt.Sprintf("{protoset: %q}", etcdDescriptors(t)["protoset"][1]),
	} {
		t.Run(name, func(t *testing.T) {
			r := mustRun(t, write(t, "etcd.yaml", fmt.Sprintf(`
target: %s
descriptors: %s
client: {pool: {size: 2}, retry: none, timeout: 10s}
load:
  - {name: reads, call: etcdserverpb.KV/Range, rate: 100/s, request: {key: YQ==}, expect: {fields: {count: 1, "kvs[0].value": MQ==}}}
  - {name: writes, call: etcdserverpb.KV/Put, rate: 20/s, request: {key: Yg==, value: "{{ randBytes 16 }}"}, expect: {fields: {header.revision: {min: 1}}}}
  - {name: watches, call: etcdserverpb.Watch/Watch, rate: 20/s, request: {create_request: {key: YQ==}}, answers: 1, expect: {fields: {created: true}}}
  - name: keepalives
    call: etcdserverpb.Lease/LeaseKeepAlive
    workers: 2
    think: 10ms
    request: [{ID: "%d"}, {ID: "%[3]d"}]
    expect: {fields: {TTL: {min: 1}}, each: true, messages: 2}
trials: 1
warmup: 200ms
measure: 1s
`, address, descriptors, lease.ID)))
			allOK(t, r)
			for i, kind := range []result.Kind{result.Unary, result.Unary, result.BidiStream, result.BidiStream} {
				if s := r.Variants[0].Trials[0].Series[i]; s.Kind != kind {
					t.Errorf("%s is %s", s.Name, s.Kind)
				}
			}
		})
	}
}

// grpc-go's interop server by reflection: all four kinds, and its health service.
func TestInteropLoad(t *testing.T) {
	address := newInterop(t)
	r := mustRun(t, write(t, "interop.yaml", fmt.Sprintf(`
target: %s
client: {pool: {size: 2}, retry: none, timeout: 10s}
load:
  - {name: empty, call: grpc.testing.TestService/EmptyCall, rate: 50/s}
  - {name: unary, call: grpc.testing.TestService/UnaryCall, rate: 100/s, request: {response_size: 8, payload: {body: "{{ randBytes 32 }}"}}, expect: {fields: {payload.body: AAAAAAAAAAA=}}}
  - {name: echoed, call: grpc.testing.TestService/UnaryCall, rate: 20/s, request: {response_status: {code: 5, message: gone}}, expect: {code: NOT_FOUND}}
  - {name: down, call: grpc.testing.TestService/StreamingOutputCall, rate: 20/s, request: {response_parameters: [{size: 3}, {size: 5}]}, expect: {messages: 2, fields: {payload.body: AAAAAAA=}}}
  - {name: up, call: grpc.testing.TestService/StreamingInputCall, rate: 20/s, request: [{payload: {body: AAEC}}, {payload: {body: AA==}}], expect: {fields: {aggregated_payload_size: 4}}}
  - {name: both, call: grpc.testing.TestService/FullDuplexCall, rate: 20/s, request: [{response_parameters: [{size: 1}]}, {response_parameters: [{size: 1}, {size: 1}]}], expect: {messages: 3, fields: {payload.body: AA==}, each: true}}
  - {name: check, call: grpc.health.v1.Health/Check, rate: 20/s, expect: {fields: {status: SERVING}}}
  - {name: watch, call: grpc.health.v1.Health/Watch, rate: 20/s, answers: 1, expect: {fields: {status: SERVING}}}
trials: 1
warmup: 200ms
measure: 1s
`, address)))
	allOK(t, r)
	if s := r.Variants[0].Trials[0].Series; len(s) != 8 || s[5].Kind != result.BidiStream {
		t.Errorf("%d series", len(s))
	}
}

// A fast wrong answer is a failed call, against a real server too, and the table
// says what was wrong.
func TestWrongAnswers(t *testing.T) {
	address := newInterop(t)
	r := mustRun(t, write(t, "wrong.yaml", fmt.Sprintf(`
target: %s
client: {retry: none}
load:
  - {name: check, call: grpc.health.v1.Health/Check, rate: 50/s, expect: {fields: {status: NOT_SERVING}}}
trials: 1
warmup: 0s
measure: 1s
`, address)))
	s := r.Variants[0].Trials[0].Series[0]
	if s.OK() != 0 || s.Codes["DATA_LOSS"] != s.Calls || s.Origins[result.OriginExpectation] != s.Calls || s.GoodputPerS != 0 {
		t.Errorf("%d calls: %v, %v", s.Calls, s.Codes, s.Origins)
	}
	if len(s.Errors) != 1 || s.Errors[0].Message != "status: want NOT_SERVING, got SERVING" {
		t.Errorf("%+v", s.Errors)
	}
}

// Two servers are compared, interleaved; descriptors are asked of each.
func TestTwoServers(t *testing.T) {
	one, two := newInterop(t), newInterop(t)
	r := mustRun(t, write(t, "two.yaml", fmt.Sprintf(`
target: %s
client: {retry: none}
load: [{name: empty, call: grpc.testing.TestService/EmptyCall, rate: 100/s}]
compare: {target: ["%[1]s", "%s"]}
trials: 2
warmup: 100ms
measure: 500ms
`, one, two)))
	allOK(t, r)
	for i, want := range []string{one, two} {
		v := r.Variants[i]
		if picks := v.Trials[0].Client.Picks; v.Target != want || len(picks) != 1 || picks[0].Backend != want {
			t.Errorf("%s called %v", v.Name, picks)
		}
	}
}
