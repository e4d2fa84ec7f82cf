package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/run"
)

const commanded = `
name: commanded
fleet: {backends: 1, isolation: inprocess, service_time: {fixed: 1ms}}
load: [{name: reads, call: GetUser, arrivals: poisson, rate: 500/s}]
compare: {client.pool.size: [1, 2]}
trials: 20
warmup: 0s
measure: 50ms
`

// said is what a build says of a trial.
type said struct {
	Phase    string           `json:"phase"`
	T0       time.Time        `json:"t0"`
	Interval *result.Interval `json:"interval"`
	Trial    *result.Trial    `json:"trial"`
	Done     bool             `json:"done"`
	Error    string           `json:"error"`
}

// TestTrialsOnCommand speaks the protocol to ServeTrials: trial after trial comes
// back as a run of the same plan measures it, and a stop ends one early.
func TestTrialsOnCommand(t *testing.T) {
	inWorld(t, func(w *world) {
		plan := w.plan(commanded)
		alone := w.run(plan)

		in, orders := io.Pipe()
		lines, out := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := run.ServeTrials(w.Context(), in, out, w.deps(), "v1.2.3")
			_ = out.Close() // a pipe's never fails
			ended <- err
		}()
		decoder := json.NewDecoder(lines)
		hear := func(into any) {
			t.Helper()
			if err := decoder.Decode(into); err != nil {
				t.Fatal(err)
			}
		}
		tell := func(order string) {
			t.Helper()
			if _, err := io.WriteString(orders, order); err != nil {
				t.Fatal(err)
			}
		}
		var hello struct {
			Protocol    int                `json:"protocol"`
			Schema      int                `json:"schema_version"`
			Environment result.Environment `json:"environment"`
		}
		if hear(&hello); hello.Protocol != run.Protocol || hello.Schema != result.SchemaVersion || hello.Environment.Grpcbench != "v1.2.3" {
			t.Errorf("greeting: %+v", hello)
		}
		text, err := json.Marshal(map[string]any{"file": "test.yaml", "text": commanded, "only": []string{"pool.size=2"}})
		if err != nil {
			t.Fatal(err)
		}
		tell(string(text))
		var answer map[string]string
		if hear(&answer); len(answer["plan_sha256"]) != 64 {
			t.Errorf("plan: %v", answer)
		}
		began := 0
		trial := func(order string) said {
			tell(order)
			for {
				var s said
				if hear(&s); s.Done || s.Error != "" {
					return s
				}
				if s.Phase == string(run.Measuring) && s.Interval == nil && !s.T0.IsZero() {
					began++
				}
			}
		}
		// One order follows another at once: none may be lost. One to stop, after its
		// trial, is nothing.
		for block := range plan.Trials {
			got := trial(fmt.Sprintf(`{"trial":{"variant":"pool.size=2","block":%d}}`, block))
			if got.Trial == nil {
				t.Fatalf("block %d: %s", block, got.Error)
			}
			want := alone.Variants[1].Trials[block].Series[0]
			if s := got.Trial.Series[0]; got.Trial.Block != block || s.Planned != want.Planned || !maps.Equal(s.Codes, want.Codes) {
				t.Errorf("block %d: %d planned, %v; alone %d, %v", got.Trial.Block, s.Planned, s.Codes, want.Planned, want.Codes)
			}
			tell(`{"stop":true}`)
		}
		if began != plan.Trials {
			t.Errorf("%d trials said when their measurement began, want %d", began, plan.Trials)
		}
		if got := trial(`{"trial":{"variant":"pool.size=1","block":0}}`); got.Error != "there is no variant pool.size=1" {
			t.Errorf("a variant that was not asked for: %+v", got)
		}
		if err := orders.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("after the end it says more: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// sevens counts calls for user 7.
type sevens struct {
	userpb.UnimplementedUserServiceServer
	calls atomic.Int64
}

func (s *sevens) GetUser(_ context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	if r.GetUserId() == "7" {
		s.calls.Add(1)
	}
	return &userpb.GetUserResponse{}, nil
}

// TestTrialsOnCommandOfOwnMethods: a method that only its target can describe is asked
// for by each build, before its first trial.
func TestTrialsOnCommandOfOwnMethods(t *testing.T) {
	inWorld(t, func(w *world) {
		var served sevens
		w.serve("a:1", &served)
		text, err := json.Marshal(map[string]any{"file": "test.yaml", "text": `
target: passthrough:///a:1
client: {retry: none}
load: [{name: reads, call: user.v1.UserService/GetUser, request: {user_id: "7"}, arrivals: constant, rate: 100/s}]
trials: 1
warmup: 0s
measure: 1s
`})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		in, orders := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- run.ServeTrials(w.Context(), in, &out, w.deps(), "v1") }()
		for _, order := range []string{string(text), `{"trial":{"variant":"default","block":0}}`} {
			if _, err := io.WriteString(orders, order); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second) // in virtual time, longer than the trial
		if err := orders.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		var last said
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
			t.Fatal(err)
		}
		if last.Error != "" || last.Trial == nil {
			t.Fatalf("the trial: %s", lines[len(lines)-1])
		}
		if s := last.Trial.Series[0]; s.OK() != 100 || s.Kind != result.Unary || served.calls.Load() != 100 {
			t.Errorf("%d calls OK of kind %q, %d of them with the message", s.OK(), s.Kind, served.calls.Load())
		}
	})
}

// TestTrialsOnCommandRefuse: a scenario that this build does not understand is
// refused in its own words.
func TestTrialsOnCommandRefuse(t *testing.T) {
	var out bytes.Buffer
	in := strings.NewReader(`{"file":"new.yaml","text":"name: new\nlaod: []\n"}`)
	if err := run.ServeTrials(t.Context(), in, &out, run.Deps{}, "v1"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "new.yaml:2:1: laod") {
		t.Errorf("it says %s", out.String())
	}
	if err := run.ServeTrials(t.Context(), strings.NewReader(""), io.Discard, run.Deps{}, "v1"); err != nil {
		t.Errorf("nobody asks anything: %v", err)
	}
	if err := run.ServeTrials(t.Context(), strings.NewReader("{"), io.Discard, run.Deps{}, "v1"); err == nil {
		t.Error("half an order is none")
	}
}
