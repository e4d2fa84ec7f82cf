package run_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/userpb"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shortened makes a shipped scenario small enough for a bubble: what it
// compares and how stays as it is.
func shortened(name string) []string {
	set := []string{"fleet.isolation=inprocess", "warmup=200ms", "trials=2"}
	switch name {
	case "own-service":
		return []string{"target=passthrough:///users:1", "warmup=200ms", "trials=2", "measure=1s"}
	case "backoffs":
		return append(set, "measure=2s", "drain=3s", "client.timeout=2s", "fleet.faults.outage.at=500ms", "fleet.faults.outage.for=700ms", "load.reads.rate=600/s")
	case "balancing":
		return append(set, "measure=1s", "fleet.faults.slow.at=300ms", "fleet.faults.slow.for=400ms")
	case "breaker":
		return append(set, "measure=1s", "fleet.faults.sick.at=300ms", "fleet.faults.sick.for=400ms",
			"fleet.faults.failing.at=300ms", "fleet.faults.failing.for=400ms")
	case "churn":
		return append(set, "load.reads.rate=200/s")
	case "retry-budgets":
		return append(set, "measure=1s", "fleet.faults.failing.at=300ms", "fleet.faults.failing.for=400ms")
	case "hedging":
		return append(set, "measure=500ms")
	case "outage":
		return append(set, "measure=1500ms", "fleet.faults.outage.at=300ms", "fleet.faults.outage.for=400ms")
	case "brownout":
		return append(set, "measure=1500ms", "fleet.faults.brownout.at=300ms", "fleet.faults.brownout.for=600ms", "fleet.faults.brownout.inject.slow.ramp=200ms")
	case "rolling-restart":
		return append(set, "measure=1500ms", "fleet.faults.roll.at=200ms", "fleet.faults.roll.for=100ms", "fleet.faults.roll.stagger=300ms")
	case "blackhole":
		return append(set, "measure=1500ms", "fleet.faults.silence.at=200ms", "fleet.faults.silence.for=600ms")
	case "retry-storm":
		return append(set, "measure=6s", "fleet.faults.freeze.at=1s", "fleet.faults.freeze.for=500ms")
	default:
		return append(set, "measure=1s")
	}
}

// TestShippedScenarios runs every shipped scenario, shortened, in virtual time.
// The golden files hold the figures that do not depend on the order in which
// goroutines wake at the same instant.
func TestShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d scenarios, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == "etcd" {
				t.Skip("it needs an etcd: make e2e runs it")
			}
			inWorld(t, func(w *world) {
				w.serve("users:1", &ownUsers{T: t}) // the target of own-service
				set := shortened(name)
				if raceEnabled {
					set = append(set, "trials=1") // it takes ten times as long
				}
				plan, err := scenario.Read(file, text, scenario.Options{Set: set})
				if err != nil {
					t.Fatal(err)
				}
				if n := len(plan.Variants); raceEnabled && n > 2 {
					plan.Variants = []scenario.Variant{plan.Variants[0], plan.Variants[n-1]}
				}
				r := w.run(plan)
				mustBeExact(t, r)
				if raceEnabled {
					return // the figures are two trials' of every variant
				}
				checkGolden(t, filepath.Join("testdata", "shipped", name+".golden"), stable(r))
			})
		})
	}
}

// ownUsers is the service that own-service.yaml calls, and checks what comes.
type ownUsers struct {
	userpb.UnimplementedUserServiceServer
	*testing.T
}

func (u *ownUsers) GetUser(ctx context.Context, r *userpb.GetUserRequest) (*userpb.GetUserResponse, error) {
	tenant := map[string]string{"ann": "blue", "bob": "green", "cid": "blue", "dot": "red"}[r.GetUserId()]
	if md, _ := metadata.FromIncomingContext(ctx); tenant == "" || !slices.Equal(md.Get("x-tenant"), []string{tenant}) {
		u.Errorf("user %q with tenant %q", r.GetUserId(), md.Get("x-tenant"))
	}
	return &userpb.GetUserResponse{User: &userpb.User{Id: r.GetUserId()}}, nil
}

func (u *ownUsers) CreateUser(_ context.Context, r *userpb.CreateUserRequest) (*userpb.CreateUserResponse, error) {
	if user := r.GetUser(); !strings.HasPrefix(user.GetId(), "user-") || len(user.GetEmail()) != len("12345678@example.com") || user.GetCreatedAt().AsTime().Year() != 2026 {
		u.Errorf("created %v", user)
	}
	return &userpb.CreateUserResponse{User: r.GetUser()}, nil
}

func (u *ownUsers) SyncUsers(s grpc.BidiStreamingServer[userpb.SyncUsersRequest, userpb.SyncUsersResponse]) error {
	for n := 0; ; n++ {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			if n != 6 {
				u.Errorf("%d messages, want 6", n)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if want := []string{"ann", "bob", "cid"}[n%3]; r.GetUserId() != want {
			u.Errorf("message %d is of %q, want %q", n, r.GetUserId(), want)
		}
		if err := s.Send(&userpb.SyncUsersResponse{}); err != nil {
			return err
		}
	}
}

// stable writes what must be the same in every run.
func stable(r *result.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: measurement %s\n", r.Scenario.Name, r.Validity.Verdict)
	for _, v := range r.Variants {
		for _, trial := range v.Trials {
			fmt.Fprintf(&b, "\n%s · block %d · measured %v · %d channels, %d connections\n",
				v.Name, trial.Block, time.Duration(trial.MeasuredNS), trial.Client.Channels, trial.Client.Connections)
			for _, s := range trial.Series {
				if s.Loop == result.Closed {
					fmt.Fprintf(&b, "  %s: closed loop, unfinished %d\n", s.Name, s.Unfinished)
					continue
				}
				fmt.Fprintf(&b, "  %s: planned %d, dropped %d, calls %d, unfinished %d\n", s.Name, s.Planned, s.Dropped, s.Calls, s.Unfinished)
			}
		}
	}
	return b.String()
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it anew:\n%s", path, diff)
	}
}
