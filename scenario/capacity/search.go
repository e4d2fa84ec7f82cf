// Package capacity searches for the highest rate at which a system still meets
// what is asked of it. It is pure: what a rate comes to is the caller's Probe.
package capacity

import (
	"context"
	"math"
	"strconv"
)

// Verdict is what probing a rate has shown.
type Verdict int

// The verdicts.
const (
	// Met is that the system keeps up with the rate and meets what is asked.
	Met Verdict = iota
	// Missed is that it does not.
	Missed
	// Unfit is that nobody can tell: whatever makes the load was at its own limit,
	// or the measurement came to nothing.
	Unfit
	// TooFew is that a probe at so low a rate is too small to say anything: higher
	// ones say more.
	TooFew
)

// String is the verdict in words.
func (v Verdict) String() string {
	switch v {
	case Met:
		return "met"
	case Missed:
		return "missed"
	case Unfit:
		return "unfit"
	}
	return "too few"
}

// Probe measures a rate, in calls per second, with so many trials, and judges
// them together. An error ends the search.
type Probe func(ctx context.Context, rate float64, trials int) (Verdict, error)

// Options say where to search. All rates are > 0.
type Options struct {
	// Start is the first rate; Least and Most are the ends of what is looked at.
	Start, Least, Most float64
	// Within is how far apart, as a share, the rate that met and the one that did
	// not may end: 0.05 for 5 %.
	Within float64
	// Trials is how many confirm each of the two: the search before takes one for
	// each rate.
	Trials int
}

// Found is what a search has come to.
type Found struct {
	// Rate is the highest that met; 0 is that none did. Confirmed is that it did
	// so in Options.Trials trials, and not only in one.
	Rate      float64
	Confirmed bool
	// Beyond is the lowest rate above it that did not, and Why. It is 0 where no
	// rate did not, up to Options.Most, or the search ended before one was found.
	Beyond float64
	Why    Verdict
}

// Search finds the highest rate that meets: from Start it doubles the rate until
// one does not (or halves it until one does), then bisects what lies between on a
// logarithmic scale until it is Within. A single trial may err, to either side;
// so both ends are then measured with Trials trials, and where that contradicts,
// the search goes on from there, in steps that grow, with as many trials for each
// rate. Where nothing can be confirmed because every probe is Unfit, what one trial
// has shown comes back, not Confirmed. Each of the two passes takes at most Bound probes.
//
// On an error what was found until then comes back beside it.
func Search(ctx context.Context, o Options, probe Probe) (Found, error) {
	first := bracket{Options: o, probe: probe, trials: 1}
	if err := first.search(ctx, min(max(o.Start, o.Least), o.Most), fastest); err != nil {
		return first.found(), err
	}
	second := bracket{Options: o, probe: probe, trials: o.Trials, patience: patience}
	from, step := o.Least, float64(fastest)
	switch {
	case first.low > 0 && first.high > 0:
		from, step = first.low, max(smallest, first.high/first.low)
	case first.low > 0:
		from, step = first.low, 1+o.Within
	case first.blind > 0 && first.high > 0:
		// Nothing below can be told of: only the rate that did not meet is left.
		from, step, second.blind = first.high, 1+o.Within, first.blind
	case first.blind > 0:
		return first.found(), nil // nothing to confirm: little can be told anywhere
	}
	if err := second.search(ctx, from, step); err != nil {
		if second.low == 0 && (second.high == 0 || second.high > first.low) {
			return first.found(), err
		}
		found := second.found()
		if second.low == 0 {
			// What single trials have shown below is all that there is yet.
			found.Rate = first.below(second.high)
		}
		return found, err
	}
	if second.low == 0 && second.why == Unfit && first.low > 0 {
		return first.found(), nil // not confirmed, and not refuted either
	}
	return second.found(), nil
}

const (
	// fastest is the largest step between two rates: more would put a system far
	// beyond what it can bear.
	fastest = 2
	// patience is how many rates in a row may be unfit, and none met, before it is
	// given up to confirm anything.
	patience = 4
	// smallest is the smallest first one: rates that are rounded still differ.
	smallest = 1.02
)

// Bound is the most probes that one pass of a search takes, wherever the capacity
// is: every doubling from Least to Most, one more for each step that began below
// two, and the bisection of the last.
func (o Options) Bound() int {
	growing, bisecting := 0, 0
	for step := smallest; step < fastest; step *= step {
		growing++
	}
	// Twice what halving the logarithm takes: rates are rounded.
	for width := math.Log(fastest); width > math.Log1p(o.Within); width /= 2 {
		bisecting += 2
	}
	return 2 + int(math.Ceil(math.Log2(max(1, o.Most/o.Least)))) + growing + bisecting
}

// bracket is one pass: the highest rate that met, the lowest that did not.
type bracket struct {
	Options
	probe     Probe
	trials    int
	low, high float64 // 0: none
	met       []float64
	blind     float64 // highest rate that was too low to tell; 0: none
	why       Verdict // of high
	patience  int     // rates that may be unfit in a row before any met; 0: all
	unfit     int     // so far
}

func (b *bracket) found() Found {
	return Found{Rate: b.low, Confirmed: b.low > 0 && b.trials >= b.Trials, Beyond: b.high, Why: b.why}
}

// below is the highest rate under another one that met; 0 where none did.
func (b *bracket) below(high float64) (rate float64) {
	for _, met := range b.met {
		if met < high {
			rate = max(rate, met)
		}
	}
	return rate
}

// search narrows the bracket until there is no rate left to try.
func (b *bracket) search(ctx context.Context, rate, step float64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		verdict, err := b.probe(ctx, rate, b.trials)
		if err != nil {
			return err
		}
		switch verdict {
		case Met:
			b.low, b.met = rate, append(b.met, rate)
		case TooFew:
			b.blind = rate
		default:
			b.high, b.why = rate, verdict
		}
		if b.unfit++; verdict != Unfit {
			b.unfit = 0
		}
		if b.low == 0 && b.patience > 0 && b.unfit >= b.patience {
			return nil
		}
		next, more := b.next(step)
		if !more {
			return nil
		}
		rate, step = next, min(step*step, fastest)
	}
}

// next is the rate to try next; more is false where there is none.
func (b *bracket) next(step float64) (rate float64, more bool) {
	lowest := max(b.low, b.blind) // whatever is below is known, or cannot be
	switch {
	case b.high == 0:
		return min(rounded(lowest*step), b.Most), lowest < b.Most
	case lowest == 0:
		return max(rounded(b.high/step), b.Least), b.high > b.Least
	case b.high <= lowest*(1+b.Within+1e-9):
		return 0, false
	}
	middle := math.Sqrt(lowest * b.high)
	if r := rounded(middle); lowest < r && r < b.high {
		middle = r
	}
	return middle, true
}

// rounded is v with three significant digits, for people.
func rounded(v float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64) // cannot fail
	return r
}
