package retry

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestEveryBudgetIsListed(t *testing.T) {
	kinds(t, func(name string, b Budget) {
		if b.kind() == nil {
			t.Errorf("%s is not listed", name)
		}
	})
	both := Budget{Tokens: &Tokens{Max: 1, Ratio: 1}, Ratio: &Ratio{}}
	for path, b := range map[string]Budget{
		"budget":              both,
		"budget.tokens.max":   {Tokens: &Tokens{Max: 1001, Ratio: 1}},
		"budget.tokens.ratio": {Tokens: &Tokens{Max: 10}},
		"budget.ratio.share":  {Ratio: &Ratio{Share: -1}},
		"budget.ratio.min":    {Ratio: &Ratio{MinPerSecond: -1}},
	} {
		p := Default()
		p.Budget = b
		var one interface{ Field() string }
		if err := p.Validate(); !errors.As(err, &one) || one.Field() != path {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// The figures of gRFC A6: half of the tokens is where retries stop.
func TestTokens(t *testing.T) {
	throttle := NewThrottle(Budget{Tokens: &Tokens{Max: 4, Ratio: 0.5}})
	for i, allowed := range []bool{true, false} {
		throttle.Failed() // 3, 2
		if got := throttle.Allow(); got != allowed {
			t.Errorf("after %d failures: %v", i+1, got)
		}
	}
	throttle.Succeeded() // 2.5
	if !throttle.Allow() {
		t.Error("refused above half")
	}
	for range 9 {
		throttle.Failed() // 0, not below
	}
	for range 4 {
		throttle.Succeeded() // 2
	}
	if throttle.Allow() {
		t.Error("allowed at half: tokens went below zero, or a success is worth more than its ratio")
	}
	throttle.Succeeded()
	if !throttle.Allow() {
		t.Error("refused at 2.5: tokens went below zero")
	}
	for range 99 {
		throttle.Succeeded() // 4, not above
	}
	throttle.Failed()
	throttle.Failed()
	if throttle.Allow() {
		t.Error("tokens went above their maximum")
	}
	if got := throttle.Refused(); got != 3 {
		t.Errorf("%d refused, want 3", got)
	}
	var none *Throttle
	none.Call()
	none.Failed()
	none.Succeeded()
	if !none.Allow() || none.Refused() != 0 || NewThrottle(Budget{}) != nil || NewThrottle(Budget{None: &NoBudget{}}) != nil {
		t.Error("no budget is a bound")
	}
}

// TestTokensModel runs random operations against exact arithmetic.
func TestTokensModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		full, ratio := 1+r.IntN(30), 1+r.IntN(3000)
		throttle := NewThrottle(Budget{Tokens: &Tokens{Max: full, Ratio: float64(ratio) / 1000}})
		tokens := full * 1000
		for step := range 5000 {
			if r.IntN(3) > 0 {
				throttle.Failed()
				tokens = max(tokens-1000, 0)
			} else {
				throttle.Succeeded()
				tokens = min(tokens+ratio, full*1000)
			}
			if got, want := throttle.Allow(), 2*tokens > full*1000; got != want {
				t.Fatalf("seed %d, step %d: allowed %v with %d of %d thousandths", seed, step, got, tokens, full*1000)
			}
		}
	}
}

// TestRatioIsNeverExceeded counts by itself: over any window that ends at a
// retry, retries are at most the share of its calls and the rest.
func TestRatioIsNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 7))
		budget := Ratio{Share: 0.3, MinPerSecond: 0.5}
		throttle := NewThrottle(Budget{Ratio: &budget})
		var calls, retries []time.Time
		within := func(times []time.Time, from time.Time) (n int) {
			for i := len(times) - 1; i >= 0 && times[i].After(from); i-- {
				n++
			}
			return n
		}
		allowed, refused := 0, 0
		for range 20_000 {
			switch {
			case r.IntN(3) == 0:
				time.Sleep(time.Duration(r.IntN(50)) * ms)
			case r.IntN(2) == 0:
				throttle.Call()
				calls = append(calls, time.Now())
			case throttle.Allow():
				allowed++
				retries = append(retries, time.Now())
				from := time.Now().Add(-RatioWindow)
				// Up to a tenth of the retries of a whole window may lie before
				// the budget's own.
				own := time.Now().Add(-RatioWindow * 9 / 10)
				if got, most := within(retries, own), 0.3*float64(within(calls, from))+5; float64(got) > most {
					t.Fatalf("%d retries in nine seconds, with %d calls in ten: more than %v", got, within(calls, from), most)
				}
			default:
				refused++
			}
		}
		if allowed == 0 || refused == 0 {
			t.Fatalf("%d allowed, %d refused: nothing was tested", allowed, refused)
		}
		time.Sleep(RatioWindow)
		for i := range 6 {
			if got := throttle.Allow(); got != (i < 5) {
				t.Errorf("retry %d of a quiet client: allowed %v", i+1, got)
			}
		}
	})
}

// However many goroutines ask at once, no more is allowed than there is.
func TestRatioUnderConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := NewThrottle(Budget{Ratio: &Ratio{Share: 0.1, MinPerSecond: 2}})
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 20 {
					throttle.Call()
				}
			})
		}
		wg.Wait()
		for range 50 {
			wg.Go(func() {
				for range 20 {
					if throttle.Allow() {
						allowed.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if got := allowed.Load(); got != 120 {
			t.Errorf("%d allowed, want 0.1·1000 + 2·10", got)
		}
		if throttle.Refused() != 880 {
			t.Errorf("%d refused, want 880", throttle.Refused())
		}
	})
}

func TestBudgetError(t *testing.T) {
	last := status.Error(codes.Unavailable, "down")
	var err error = &BudgetError{Err: last}
	if !errors.Is(err, ErrBudget) || !errors.Is(err, last) || status.Code(err) != codes.Unavailable {
		t.Errorf("%v has lost what it is", err)
	}
	if st, ok := status.FromError(err); !ok || st.Message() != "down" {
		t.Errorf("status %v", st)
	}
}
