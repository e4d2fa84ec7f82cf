package stats

import "math"

// roundingVariance is that of the difference of two whole numbers: each is off by
// up to a half, evenly.
const roundingVariance = 2. / 12

// QueueGrowth is the chance that a queue which is served at least as fast as it is
// filled is found to grow as much as these lengths, taken at equal distances.
//
// In a queue that is never empty each change is arrivals less departures, one as
// independent of the next as these are, and they sum to the growth: that is t =
// mean·√n/s of the n changes, of Student's distribution with n − 1 degrees of
// freedom where their mean is 0. That it cannot be less than empty makes |walk| of
// the walk (the reflection principle), which doubles the chance of any growth; below
// capacity the walk is drawn back, and the chance is smaller yet.
// Lengths that only scatter about a level change back by as much, and are far from
// growing. Of fewer than 3 lengths the chance is 1.
func QueueGrowth(lengths []float64) float64 {
	n := len(lengths) - 1
	if n < 2 {
		return 1
	}
	mean := (lengths[n] - lengths[0]) / float64(n)
	if !(mean > 0) {
		return 1
	}
	squares := 0.0
	for i := range n {
		d := lengths[i+1] - lengths[i] - mean
		squares += d * d
	}
	variance := max(squares/float64(n-1), roundingVariance)
	return min(1, 2*studentAtMost(-mean*math.Sqrt(float64(n)/variance), float64(n-1)))
}
