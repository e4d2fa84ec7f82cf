package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/message"
)

// scales reports whether the entry is one whose rate changes where that of the
// named load is searched for: it, or a part of the mix of that name; every open
// loop where none is named. Replayed arrivals have their own times.
func (l Load) scales(named string) bool {
	if !l.Open() || l.Arrivals.Replay != nil {
		return false
	}
	return named == "" || l.entry() == named
}

// entry is the name of the document's entry: that of the mix, for a part of one.
func (l Load) entry() string {
	if l.Part != nil {
		return l.Part.Of
	}
	return l.Name
}

// CallRate is the calls per second that the named load comes to over the
// measurement; that of all open loops where none is named.
func (v *Variant) CallRate(named string, measure time.Duration) float64 {
	rate := 0.0
	for _, l := range v.Scenario.Load {
		if l.scales(named) {
			rate += l.callRate(measure)
		}
	}
	return rate
}

// OpenRate is the calls per second that all open loops come to over the measurement,
// replayed arrivals among them.
func (v *Variant) OpenRate(measure time.Duration) float64 {
	rate := 0.0
	for _, l := range v.Scenario.Load {
		if l.Open() {
			rate += l.callRate(measure)
		}
	}
	return rate
}

// Scales reports whether the rate of a load entry is one of those that CallRate
// sums up.
func (v *Variant) Scales(named, entry string) bool {
	return slices.ContainsFunc(v.Scenario.Load, func(l Load) bool { return l.Name == entry && l.scales(named) })
}

// AtRate is the variant with the named load, or all open loops together, at
// another rate: perSecond is what CallRate comes to. All else is as it was.
func (v *Variant) AtRate(named string, measure time.Duration, perSecond float64) Variant {
	factor := perSecond / v.CallRate(named, measure)
	return v.withLoad(func(l *Load) {
		if !l.scales(named) {
			return
		}
		l.Rate *= factor
		if l.Part != nil {
			part := *l.Part
			part.Rate *= factor
			l.Part = &part
		}
	})
}

// Room is the highest rate for AtRate at which the peaks of all load entries come
// to no more than max_rate; +Inf without one.
func (v *Variant) Room(named string, measure time.Duration) float64 {
	s := v.Scenario
	if s.MaxRate == 0 {
		return math.Inf(1)
	}
	scaled, fixed := 0.0, 0.0
	for _, l := range s.Load {
		switch {
		case l.scales(named):
			scaled += l.peakRate()
		case l.Open():
			fixed += l.peakRate()
		}
	}
	if scaled == 0 {
		return math.Inf(1)
	}
	return (s.MaxRate - fixed) * v.CallRate(named, measure) / scaled
}

// WithWorkers is the variant with a load entry as a closed loop of that many
// workers, from the begin to the end. One that was a closed loop already keeps
// its think time.
func (v *Variant) WithWorkers(entry string, workers int) Variant {
	return v.withLoad(func(l *Load) {
		if l.Name != entry {
			return
		}
		l.Arrivals, l.Shape = load.Arrivals{}, load.Shape{}
		l.Rate, l.Share, l.MaxInFlight, l.Sessions = 0, 0, 0, nil
		l.Workers = workers
	})
}

// withLoad is the variant with its load entries changed.
func (v *Variant) withLoad(change func(*Load)) Variant {
	changed, s := *v, *v.Scenario
	s.Load = slices.Clone(s.Load)
	for i := range s.Load {
		change(&s.Load[i])
	}
	changed.Scenario = &s
	return changed
}

// CheckScaled finds what keeps the rate of the named load, or of all open loops,
// from being searched for.
func (p *Plan) CheckScaled(named string) error {
	for i := range p.Variants {
		v := &p.Variants[i]
		if v.CallRate(named, p.Measure) > 0 {
			if err := v.usesUp(func(l Load) bool { return l.scales(named) }); err != nil {
				return err
			}
			continue
		}
		if named == "" {
			return fmt.Errorf("no load entry has a rate that could be searched for: it needs an open loop (rate: 500/s); --concurrency is for the workers of a closed one")
		}
		if err := v.named(named); err != nil {
			return err
		}
		return fmt.Errorf("%s has no rate that could be searched for: it needs an open loop (rate: 500/s)", named)
	}
	return nil
}

// usesUp finds a load entry, of those whose calls would become more, that takes each
// row of its feed once: at a higher rate its calls would only be over sooner.
func (v *Variant) usesUp(more func(Load) bool) error {
	for _, l := range v.Scenario.Load {
		if more(l) && l.Feed != nil && l.Feed.Order == message.Once {
			return fmt.Errorf("%s takes each row of its feed once, and has no more calls than those: make its feed's order sequential or random", l.Name)
		}
	}
	return nil
}

// SweptEntry is the load entry whose workers are changed where concurrency is
// swept: the one that is named, or the only one.
func (p *Plan) SweptEntry(named string) (string, error) {
	first := &p.Variants[0]
	if named == "" {
		names := first.entries()
		if len(names) > 1 {
			return "", fmt.Errorf("which load entry? There are %s", strings.Join(names, ", "))
		}
		named = names[0]
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		if err := v.named(named); err != nil {
			return "", err
		}
		if err := v.usesUp(func(l Load) bool { return l.Name == named }); err != nil {
			return "", err
		}
		for _, l := range v.Scenario.Load {
			if l.Part != nil && l.Part.Of == named {
				return "", fmt.Errorf("%s is a mix: the workers of a closed loop call one method", named)
			}
		}
	}
	return named, nil
}

// named finds a name that is no load entry of the document.
func (v *Variant) named(name string) error {
	if names := v.entries(); !slices.Contains(names, name) {
		return fmt.Errorf("there is no load entry %q%s", name, allowed(name, names))
	}
	return nil
}

// entries are the names of the document's load entries.
func (v *Variant) entries() []string {
	var names []string
	for _, l := range v.Scenario.Load {
		if !slices.Contains(names, l.entry()) {
			names = append(names, l.entry())
		}
	}
	return names
}

// Calls is how many calls of a load entry a measurement of that length is planned
// to have; open is false where the answers decide that, or there is no such entry.
func (v *Variant) Calls(entry string, measure time.Duration) (calls float64, open bool) {
	for _, l := range v.Scenario.Load {
		if l.Name == entry && l.Open() {
			return l.callRate(measure) * measure.Seconds(), true
		}
	}
	return 0, false
}
