package breaker

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// picking is a client below a Set whose calls end as pick does, which stands for the
// balancer's picks too.
type picking struct {
	grpc.ClientConnInterface
	pick func(context.Context) error
}

func (p picking) Invoke(ctx context.Context, _ string, _, _ any, _ ...grpc.CallOption) error {
	return p.pick(ctx)
}

// An attempt that is picked for again, because its connection was lost before
// anything went out, does not keep itself from being the probe.
func TestPickedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := NewSet(policy(func(p *Policy) { p.Scope, p.Failures = Backend, 1 }), nil)
		gate := set.Gate("b0")
		invoke := func(pick func(context.Context) error) error {
			return set.Around(picking{pick: pick}).Invoke(t.Context(), "/s/a", nil, nil)
		}
		_ = invoke(func(ctx context.Context) error {
			if !gate.Admit(ctx) {
				t.Error("a closed breaker refuses")
			}
			return status.Error(codes.Unavailable, "down")
		})
		if !gate.Open() {
			t.Fatal("it is not open")
		}
		time.Sleep(10 * time.Second)
		err := invoke(func(ctx context.Context) error {
			if !gate.Admit(ctx) {
				t.Error("the probe is refused")
			}
			if !gate.Admit(ctx) {
				t.Error("the probe is refused when it is picked for again")
			}
			if err := invoke(func(other context.Context) error {
				if gate.Admit(other) {
					t.Error("another is a probe beside it")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			return nil
		})
		if state := gate.breaker.State(); err != nil || state != Closed {
			t.Errorf("%v, %v: want it closed by the probe", err, state)
		}
	})
}

// What a breaker did is counted when it is forgotten for another, too.
func TestForgottenBreakersHaveOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := NewSet(policy(func(p *Policy) { p.Scope, p.Failures = Backend, 1 }), nil)
		first := set.Gate("b").breaker
		call(first, Failure)
		time.Sleep(10 * time.Second)
		call(first, Success)
		if first.State() != Closed || set.Opened() != 1 {
			t.Fatalf("%v, opened %d times, want closed and once", first.State(), set.Opened())
		}
		for i := range maxGates {
			set.Gate(fmt.Sprint(i))
		}
		if n := set.Len(); n >= maxGates || set.Opened() != 1 {
			t.Errorf("with %d breakers: opened %d times, want once", n, set.Opened())
		}
	})
}
