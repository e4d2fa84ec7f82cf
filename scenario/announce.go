package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
)

// beyond are the targets of the plan that may be other machines, each once. A
// fleet is none, wherever it runs: whoever serves it has said yes.
func (p *Plan) beyond() []string {
	var all []string
	for _, v := range p.Variants {
		s := v.Scenario
		if s.Fleet != nil || slices.Contains(all, s.Target) {
			continue
		}
		if target, err := targets.Parse(s.Target); err != nil || !target.Loopback() {
			all = append(all, s.Target)
		}
	}
	return all
}

// Announcement is what a run is about to do to servers that are not on this
// machine, for its user to read before the first connection: whom it calls, how
// hard, how often and how long. It is "" where the target is this machine's own,
// or a fleet.
func (p *Plan) Announcement() string {
	calls := p.peakText()
	if n := p.calls(); n > 0 {
		calls += fmt.Sprintf("; about %s in all, warm-ups included", thousands(n))
	}
	if workers := p.workers(); workers > 0 {
		if calls += ","; p.calls() > 0 {
			calls += " and"
		}
		calls += fmt.Sprintf(" as many as %s come to", plural(workers, "worker", "workers"))
	}
	return p.announce("this run calls", calls, fmt.Sprintf("%s: %s × %s × (%v warm-up + %s measured)", minutes(p.Duration()),
		plural(len(p.Variants), "variant", "variants"), p.trialsText(), p.Warmup, p.measureText()))
}

// SearchAnnouncement is Announcement for a search of a capacity, which ends at a
// rate in calls per second (0: none is searched for), and runs closed loops of so
// many workers.
func (p *Plan) SearchAnnouncement(most float64, workers []int) string {
	var calls []string
	if most > 0 {
		calls = append(calls, fmt.Sprintf("more and more, until a rate misses the SLO or is %s", rateText(most)))
	}
	if len(workers) > 0 {
		calls = append(calls, fmt.Sprintf("as many as up to %s come to", plural(slices.Max(workers), "worker", "workers")))
	}
	return p.announce("this search calls", strings.Join(calls, "; "),
		fmt.Sprintf("as long as it takes: %s, in trials of %v warm-up + %v measured", plural(len(p.Variants), "variant", "variants"), p.Warmup, p.Measure))
}

func (p *Plan) announce(what, calls, time string) string {
	beyond := p.beyond()
	if len(beyond) == 0 {
		return ""
	}
	page := &page{columns: 100}
	page.cell("grpcbench: ", fmt.Sprintf("%s %s, beyond this machine:", what, andList(beyond)))
	attempts := 1
	for _, v := range p.Variants {
		attempts = max(attempts, v.Scenario.mostAttempts())
	}
	tries := "one a call"
	if attempts > 1 {
		tries = fmt.Sprintf("at worst %d a call", attempts)
		if peak := p.peak(); peak > 0 && what == "this run calls" {
			tries += fmt.Sprintf(": %s", rateText(float64(attempts)*peak))
		}
	}
	page.table(2, [][]string{{"calls", calls}, {"attempts", tries}, {"time", time}})
	return page.String()
}

// peak is the most calls per second that any variant may offer; 0 is not known:
// closed loops without a limit decide it.
func (p *Plan) peak() float64 {
	most := 0.0
	for _, v := range p.Variants {
		switch s := v.Scenario; {
		case s.closed() && s.MaxRate == 0:
			return 0
		case s.closed():
			most = max(most, s.MaxRate)
		default:
			most = max(most, s.peak())
		}
	}
	return most
}

// peakText is peak in words.
func (p *Plan) peakText() string {
	limit := ""
	if p.Base.MaxRate > 0 {
		limit = " (max_rate " + rateText(p.Base.MaxRate) + ")"
	}
	if peak := p.peak(); peak > 0 {
		return "up to " + rateText(peak) + " at the peak" + limit
	}
	most := 0.0
	for _, v := range p.Variants {
		most = max(most, v.Scenario.peak())
	}
	if most == 0 {
		return "at no set rate"
	}
	return "up to " + rateText(most) + " at the peak of the open loops"
}

// calls is how many calls the open loops come to in the whole run.
func (p *Plan) calls() int64 {
	sum := 0.0
	for _, v := range p.Variants {
		for _, l := range v.Scenario.Load {
			if l.Open() {
				sum += float64(p.MostTrials()) * (l.callRate(p.Measure)*p.Measure.Seconds() + l.warmupCalls(p.Warmup))
			}
		}
	}
	return int64(math.Round(sum))
}

// warmupCalls is how many calls an open loop makes in a warm-up: at the rate that
// its shape begins with.
func (l Load) warmupCalls(length time.Duration) float64 {
	if p := l.Shape.Profile(); p != nil {
		l.Rate *= p.Factor(0)
	}
	l.Shape = load.Shape{}
	return l.callRate(length) * length.Seconds()
}

// workers is the most workers that the closed loops of a variant have.
func (p *Plan) workers() int {
	most := 0
	for _, v := range p.Variants {
		sum := 0
		for _, l := range v.Scenario.Load {
			if l.Open() {
				continue
			}
			workers := float64(l.Workers)
			if profile := l.Shape.Profile(); profile != nil {
				workers *= profile.Peak()
			}
			sum += int(math.Round(workers))
		}
		most = max(most, sum)
	}
	return most
}

// mostAttempts is how many attempts a call of any load entry can come to. Of a
// method that only the target knows it is the worst: it may be hedged, or not.
func (s *Scenario) mostAttempts() int {
	most := 1
	for _, l := range s.Load {
		settings := s.methodSettings(l.Method())
		for _, streams := range []bool{false, true} {
			known := l.Kind() != ""
			if sends := l.Kind() == result.ClientStream || l.Kind() == result.BidiStream; !known || sends == streams {
				most = max(most, s.Client.MostAttempts(settings, streams))
			}
		}
	}
	return most
}

// attemptsText is mostAttempts in words.
func (s *Scenario) attemptsText() string {
	if n := s.mostAttempts(); n > 1 {
		return fmt.Sprintf("at worst %d a call", n)
	}
	return "one a call"
}

// methodSettings is what the client has of its own for a method, written as
// user.v1.UserService/GetUser or GetUser.
func (s *Scenario) methodSettings(name string) clientcore.Method {
	m, ok := methodNamed(name)
	if !ok {
		m.full = name
	}
	for _, name := range []string{m.full, m.short} {
		if settings, ok := s.Client.Methods[name]; ok {
			return settings
		}
	}
	return clientcore.Method{}
}
