package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// queueLengths is the calls in an M/M/1 queue that begins empty, at the end of each
// second.
func queueLengths(rng *rand.Rand, arrive, serve float64, seconds int) []float64 {
	var out []float64
	at, length := 0.0, 0.0
	for {
		at += rng.ExpFloat64() / (arrive + serve)
		for float64(len(out)+1) <= at {
			if out = append(out, length); len(out) == seconds {
				return out
			}
		}
		if rng.Float64()*(arrive+serve) < arrive {
			length++
		} else {
			length = max(0, length-1)
		}
	}
}

func TestQueueGrowth(t *testing.T) {
	// Student's t with two degrees of freedom is beyond ±t with 1 − t/√(2 + t²).
	two := func(t float64) float64 { return 1 - t/math.Sqrt(2+t*t) }
	for name, c := range map[string]struct {
		lengths []float64
		p       float64
	}{
		"two lengths":               {[]float64{1, 100}, 1},
		"flat":                      {[]float64{5, 5, 5, 5}, 1},
		"shrinks":                   {[]float64{9, 6, 3, 0}, 1},
		"there and back":            {[]float64{0, 50, 90, 0}, 1},
		"changes of 1, 2 and 3":     {[]float64{4, 5, 7, 10}, two(2 * math.Sqrt(3))},
		"a straight line":           {[]float64{0, 6, 12, 18}, two(6 * math.Sqrt(3*6))},
		"one jump is no growth":     {[]float64{0, 0, 0, 900}, two(1)},
		"a wild value on the way":   {[]float64{5, 905, 8, 8}, two(1.0 / math.Sqrt((899.0*899+898*898+1)/2/3))},
		"of numbers that are none":  {[]float64{0, math.NaN(), 1, math.NaN()}, 1},
		"growth without an end yet": {[]float64{0, 10, 20, 30}, two(10 * math.Sqrt(3*6))},
	} {
		if got := QueueGrowth(c.lengths); math.Abs(got/c.p-1) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.p)
		}
	}
}

// A queue at its capacity seems to grow as often as the level says, and no more
// seldom by much; one at nine tenths of it less often, and hardly ever once its
// busy periods are shorter than the measurement.
func TestQueueGrowthLevel(t *testing.T) {
	withoutRace(t)
	const trials, level = 2000, 0.01
	noise := 3 * math.Sqrt(level*(1-level)/trials)
	rng := rand.New(rand.NewPCG(1, 9))
	share := func(load, serve float64, seconds int) float64 {
		n := 0
		for range trials {
			if QueueGrowth(queueLengths(rng, load*serve, serve, seconds)) < level {
				n++
			}
		}
		return float64(n) / trials
	}
	for _, serve := range []float64{10, 100} {
		for _, seconds := range []int{4, 10, 30} {
			if got := share(1, serve, seconds); got > level+noise || seconds > 4 && got < level/4 {
				t.Errorf("at capacity, %v/s, %d s: %v, want about %v", serve, seconds, got, level)
			}
			if got := share(0.9, serve, seconds); got > level || serve == 100 && seconds >= 10 && got > 0.001 {
				t.Errorf("at 0.9 of %v/s, %d s: %v", serve, seconds, got)
			}
		}
	}
}

// How much beyond capacity is found depends on how long it lasts, and not on how
// it is looked at: over ten seconds a fifth, over a minute a twentieth.
func TestQueueGrowthIsFound(t *testing.T) {
	withoutRace(t)
	const trials, level = 100, 0.001 / 20
	rng := rand.New(rand.NewPCG(2, 9))
	for _, c := range []struct {
		load    float64
		seconds int
	}{{1.2, 10}, {1.05, 60}} {
		found := 0
		for range trials {
			if QueueGrowth(queueLengths(rng, c.load*1000, 1000, c.seconds)) < level {
				found++
			}
		}
		if found < trials*9/10 {
			t.Errorf("%v of capacity for %d s: found in %d of %d", c.load, c.seconds, found, trials)
		}
	}
}
