package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestSignedRankC(t *testing.T) {
	for k, want := range map[int]int{1: 0, 5: 0, 6: 1, 8: 4, 10: 9, 12: 14, 15: 26, 20: 53} {
		if got := SignedRankC(k, 0.95); got != want {
			t.Errorf("C(%d) = %d, want %d", k, got, want)
		}
	}
}

// The definition: all 2ᵏ signs, counted.
func TestSignedRankChances(t *testing.T) {
	for k := 1; k <= 12; k++ {
		counts := make([]float64, k*(k+1)/2+1)
		for signs := range uint(1) << k {
			w := 0
			for s := signs; s != 0; s &= s - 1 {
				w += bits.TrailingZeros(s) + 1
			}
			counts[w]++
		}
		for w, p := range signedRankChances(k) {
			if want := counts[w] / math.Exp2(float64(k)); math.Abs(p-want) > 1e-15 {
				t.Errorf("k=%d: P(W=%d) = %v, want %v", k, w, p, want)
			}
		}
	}
}

// The trials that are needed are the first with which there is an interval.
func TestTrialsNeeded(t *testing.T) {
	for m, want := range map[int]int{0: 1, 1: 6, 2: 7, 3: 7, 15: 10} {
		if got := TrialsNeeded(m); got != want {
			t.Errorf("TrialsNeeded(%d) = %d, want %d", m, got, want)
		}
	}
	for m := 1; m <= 200; m++ {
		k := TrialsNeeded(m)
		if SignedRankC(k, FamilyLevel(m)) == 0 || SignedRankC(k-1, FamilyLevel(m)) > 0 {
			t.Errorf("%d comparisons: %d trials are not the fewest", m, k)
		}
	}
}

func TestSignedRank(t *testing.T) {
	// Six differences: C = 1, so the extremes.
	estimate, i := SignedRank([]float64{3, 1, 2, 6, 5, 4}, 0.95)
	if estimate != 3.5 || i != (Interval{1, 6}) {
		t.Errorf("%v, %v", estimate, i)
	}
	if _, i = SignedRank([]float64{1, 2, 3, 4, 5}, 0.95); i.Finite() || !i.Contains(1e300) {
		t.Errorf("five differences have an interval: %v", i)
	}
	// A hundred, for which no table is at hand: exact all the same.
	d := make([]float64, 100)
	for j := range d {
		d[j] = float64(j)
	}
	if c := SignedRankC(100, 0.95); c < 1955 || c > 1958 { // (5050 − 1.96·√(100·101·201/24))/… = 1955.0
		t.Errorf("C(100) = %d", c)
	}
}

// The interval covers as often as the exact distribution says, whatever the
// differences' symmetric distribution.
func TestSignedRankCoverage(t *testing.T) {
	const trials = 2000
	for k, draw := range map[int]func(*rand.Rand) float64{
		6:  func(r *rand.Rand) float64 { return r.NormFloat64() },
		10: func(r *rand.Rand) float64 { return r.NormFloat64() / (0.01 + r.Float64()) }, // heavy tails
		15: func(r *rand.Rand) float64 { return r.Float64() - 0.5 },
	} {
		rng := rand.New(rand.NewPCG(uint64(k), 7))
		c := SignedRankC(k, Level)
		miss := 0.0
		for w, p := range signedRankChances(k) {
			if w < c {
				miss += 2 * p
			}
		}
		held := 0
		d := make([]float64, k)
		for range trials {
			for i := range d {
				d[i] = 4 + draw(rng)
			}
			if _, i := SignedRank(d, Level); i.Contains(4) {
				held++
			}
		}
		want := 1 - miss
		got, sigma := float64(held)/trials, math.Sqrt(want*miss/trials)
		if want < Level || math.Abs(got-want) > 3*sigma {
			t.Errorf("k=%d: covers %.4f, exactly %.4f ± %.4f", k, got, want, 3*sigma)
		}
	}
}
