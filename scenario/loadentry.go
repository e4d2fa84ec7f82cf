package scenario

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/message"
)

// written takes over what was written in one of several ways. measure is how long
// is measured.
func (l *Load) written(measure time.Duration) {
	if l.Pace != nil {
		l.Messages = l.Pace.Count
	}
	if most := l.RequestSizes.Largest(); most > 0 {
		l.Request = most
	}
	if most := l.ResponseSizes.Largest(); most > 0 {
		l.Response = most
	}
	if r := l.Arrivals.Replay; r != nil {
		// The mean of what is measured, for whoever asks how much it comes to.
		l.Rate = float64(r.Due(measure)) / measure.Seconds()
	}
}

// unmixed makes an entry of each method of a mix: together they have the
// mix's arrivals, each of them once.
func unmixed(entries []Load) []Load {
	var out []Load
	for _, l := range entries {
		if l.Mix == nil {
			out = append(out, l)
			continue
		}
		names := sortedMethods(l.Mix)
		var weights []float64
		sum := 0.0
		for _, name := range names {
			weights = append(weights, l.Mix[name])
			sum += l.Mix[name]
		}
		for i, name := range names {
			if weights[i] == 0 {
				continue
			}
			m, _ := methodNamed(name)
			part := l
			part.Mix, part.Call = nil, name
			part.Name = partName(l.Name, m)
			part.Part = &Part{Of: l.Name, Rate: l.Rate, Weights: weights, Kind: i}
			part.Rate = l.Rate * weights[i] / sum
			if part.Messages == 0 && m.streams() {
				part.Messages = defaultMessages
			}
			if !m.streams() {
				part.Messages, part.Pace = 0, nil
			}
			out = append(out, part)
		}
	}
	return out
}

// partName is the name of one method of a mix.
func partName(mix string, m method) string { return mix + "." + strings.ToLower(m.short) }

// partNames are the names of the entries that a mix of that name comes to.
func (l Load) partNames(name string) []string {
	if l.Mix == nil {
		return nil
	}
	var out []string
	for _, m := range l.called() {
		out = append(out, partName(name, m))
	}
	return slices.Compact(out)
}

// Process is the open loop's arrival process, and the rate that it is given in
// arrivals per second: that of the whole mix for one of its methods, which
// draws as draws says.
func (l Load) Process() (process load.Process, rate float64, draws string) {
	if part := l.Part; part != nil {
		return &load.Thinned{Of: l.Arrivals.Process(), Weights: part.Weights, Kind: part.Kind}, part.Rate, part.Of
	}
	return l.Arrivals.Process(), l.Rate, l.Name
}

// Every is the time between paced messages; 0 where they are not.
func (l Load) Every() time.Duration {
	if l.Pace == nil {
		return 0
	}
	return l.Pace.Every
}

// Takes is how long what an arrival begins takes by plan, in the mean and on the
// slowest backend, if nothing has to wait: a call, or a session of them. Fleet is nil
// for a target, of which only what the client paces is known.
func (l Load) Takes(fleet *Fleet) time.Duration {
	takes := time.Duration(max(0, l.messages()-1)) * l.Every()
	if fleet != nil {
		for b := range fleet.Backends {
			takes = max(takes, fleet.MeanTime(b, l.Method(), l.messages()))
		}
	}
	if s := l.Sessions; s != nil {
		takes = time.Duration(s.Calls)*takes + time.Duration(max(0, s.Calls-1))*s.Think
	}
	return takes
}

// callRate is the calls per second that an open loop comes to over a measurement
// where answers take no time, its shape counted in. A measurement begins without
// sessions, and those that are under way when it ends are cut short: of each only
// the calls count for which its think time leaves room.
func (l Load) callRate(measure time.Duration) float64 {
	if measure <= 0 {
		return 0
	}
	s := l.Sessions
	if s == nil || s.Think == 0 {
		return l.steadyRate(measure)
	}
	calls := 0.0
	for n := range s.Calls {
		left := measure - time.Duration(n)*s.Think
		if left <= 0 {
			break
		}
		calls += l.arrivals(left)
	}
	return calls / measure.Seconds()
}

// steadyRate is callRate as if each session that begins in the measurement made all
// its calls in it: what its arrivals come to in the long run.
func (l Load) steadyRate(measure time.Duration) float64 {
	rate := l.arrivals(measure) / measure.Seconds()
	if s := l.Sessions; s != nil {
		rate *= float64(s.Calls)
	}
	return rate
}

// arrivals is how many calls, or sessions, of an open loop are due from the begin of
// the measurement on to a time in it.
func (l Load) arrivals(to time.Duration) float64 {
	if r := l.Arrivals.Replay; r != nil {
		return l.mixShare() * float64(r.Due(to))
	}
	if p := l.Shape.Profile(); p != nil {
		return l.Rate * p.Area(to.Seconds())
	}
	return l.Rate * to.Seconds()
}

// mixShare is the entry's share of the calls of its mix; 1 where it is of none.
func (l Load) mixShare() float64 {
	if l.Part == nil {
		return 1
	}
	sum := 0.0
	for _, w := range l.Part.Weights {
		sum += w
	}
	return l.Part.Weights[l.Part.Kind] / sum
}

// ShapeText is the shape as a document writes it, without the outer braces:
// ramp: {to: 1, over: 10s}; empty where load does not change.
func (l Load) ShapeText() string {
	if l.Shape.Profile() == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(flow(reflect.ValueOf(l.Shape), ""), "{"), "}")
}

// inFolder is a file's name taken from a folder.
func inFolder(folder, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(folder, name)
}

// doubts are warnings about an entry of s that can be run.
func (l Load) doubts(s *Scenario) []string {
	measure := s.Measure
	all := l.paceDoubts(s)
	if r := l.Arrivals.Replay; r != nil {
		if _, over := r.Len(); over < measure {
			all = append(all, "the arrivals of "+l.Name+" end after "+over.Round(time.Millisecond).String()+" of the measurement's "+measure.String())
		}
	}
	if calls := l.callRate(measure) * measure.Seconds(); l.Feed != nil && l.Feed.Order == message.Once && l.Open() && calls > float64(l.rows) {
		all = append(all, fmt.Sprintf("the %s of %s's feed are used up before the measurement's %v are over: %.0f calls are planned, and the rest are not made",
			plural(l.rows, "row", "rows"), l.Name, measure, calls))
	}
	return all
}

// paceDoubts are warnings about paced messages: a call takes at least until its
// last one is due, whatever the server does. Where a number of answers ends a
// call, only the server knows when that is.
func (l Load) paceDoubts(s *Scenario) (all []string) {
	if l.Pace == nil || l.Answers > 0 {
		return nil
	}
	takes := time.Duration(l.Pace.Count-1) * l.Pace.Every
	timeout := s.CallTimeout(l.Method())
	switch {
	case timeout > 0 && takes >= timeout:
		// They end with that, and say so themselves.
		return append(all, fmt.Sprintf("the last message of each call of %s is due after %v, when its timeout of %v has passed: no call ends well", l.Name, takes, timeout))
	case timeout > 0 && takes+l.Pace.Every >= timeout:
		all = append(all, fmt.Sprintf("the last message of each call of %s is due after %v, and its timeout is %v: little time is left for the last answer", l.Name, takes, timeout))
	}
	switch late := takes - s.Drain; {
	case late >= s.Measure:
		all = append(all, fmt.Sprintf("calls of %s take %v until their last message is due: none ends within the measurement of %v and its drain of %v, and all count as unfinished", l.Name, takes, s.Measure, s.Drain))
	case late > 0:
		all = append(all, fmt.Sprintf("calls of %s take %v until their last message is due: those that begin in the last %v of the measurement do not end within its drain of %v, and count as unfinished", l.Name, takes, late, s.Drain))
	}
	return all
}
