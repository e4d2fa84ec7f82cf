package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// entryCheck finds what is wrong with one load entry.
type entryCheck struct {
	Load
	p    *problems
	n    *strict.Node // the entry's tree
	path string
}

// check finds what is wrong with one load entry, which n is the tree of.
func (l Load) check(p *problems, n *strict.Node, path string) {
	c := entryCheck{Load: l, p: p, n: n, path: path}
	c.methods()
	c.loop()
	c.messages()
	c.sizes()
	c.ownKeys()
	c.expects()
	c.all("arrivals", l.Arrivals.Problems())
	c.all("shape", l.Shape.Problems())
	c.all("keys", l.Keys.Problems())
}

func (c entryCheck) has(key string) bool { return c.n.Key(key) != nil }

func (c entryCheck) fail(key, format string, args ...any) {
	c.p.addUnlessKnown(c.path+"."+key, format, args...)
}

// all reports what is wrong with a choice at key.
func (c entryCheck) all(key string, wrong []load.Problem) {
	for _, w := range wrong {
		c.fail(key+"."+w.Field, "%s", w.Text)
	}
}

// called is the methods that are called, as far as they are known.
func (l Load) called() []method {
	names := []string{l.Call}
	if l.Mix != nil {
		names = sortedMethods(l.Mix)
	}
	var out []method
	for _, name := range names {
		if m, ok := methodNamed(name); ok {
			out = append(out, m)
		}
	}
	return out
}

func (c entryCheck) methods() {
	unknown := func(key, name string) {
		c.fail(key, "unknown method %q%s", name, allowed(name, methodNames()))
	}
	_, known := methodNamed(c.Call)
	switch {
	case c.has("call") && c.has("mix"):
		c.fail("mix", "a load entry has either one method (call) or several (mix), not both")
	case c.has("mix"):
		c.mix(unknown)
	case !c.has("call"):
		c.fail("call", "must name a method: %s", strings.Join(methodNames(), ", "))
	case c.own && strings.ContainsAny(c.Call, "./"):
		// Its descriptor will tell.
	case c.own && !known:
		c.fail("call", "unknown method %q%s; a method of your own service goes by its full name, such as pkg.Service/Method", c.Call, allowed(c.Call, methodNames()))
	case !known && strings.Contains(c.Call, "/"):
		c.fail("call", "unknown method %q%s; other services need a target in place of the fleet", c.Call, allowed(c.Call, methodNames()))
	case !known:
		unknown("call", c.Call)
	}
}

func (c entryCheck) mix(unknown func(key, name string)) {
	sum := 0.0
	seen := map[string]string{}
	for _, name := range sortedMethods(c.Mix) {
		share, key := c.Mix[name], "mix."+name
		m, ok := methodNamed(name)
		switch {
		case !ok:
			unknown(key, name)
			continue
		case !(share >= 0 && share <= 1e9):
			c.fail(key, "must be a share >= 0 (got %v)", share)
		case seen[m.full] != "":
			c.fail(key, "the method is in the mix twice: as %s too", seen[m.full])
		}
		seen[m.full] = name
		sum += share
	}
	if !(sum > 0) {
		c.fail("mix", "must name methods with their shares, such as {GetUser: 80, ListUsers: 20}")
	}
	if c.has("workers") && !c.has("rate") {
		c.fail("mix", "is for an open loop (rate): write a closed loop's methods as entries of their own")
	}
}

// sortedMethods are the keys of a mix in the order of the service contract,
// then those that are in none.
func sortedMethods(mix map[string]float64) []string {
	var all []string
	for name := range mix {
		all = append(all, name)
	}
	place := func(name string) int {
		for i, m := range methods() {
			if name == m.short || name == m.full {
				return i
			}
		}
		return len(methods())
	}
	slices.SortFunc(all, func(a, b string) int {
		if d := place(a) - place(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return all
}

func (c entryCheck) loop() {
	replay := c.Arrivals.Replay != nil
	switch {
	case c.has("rate") && c.has("workers"):
		c.fail("workers", "a load entry has either a rate (open loop) or workers (closed loop), not both")
	case replay && c.has("rate"):
		c.fail("rate", "replayed arrivals have their own times: leave it out")
	case replay && c.has("workers"):
		c.fail("workers", "replayed arrivals are an open loop: leave it out")
	case !c.has("rate") && !c.has("workers") && !replay:
		c.p.addUnlessKnown(c.path, "needs a rate (open loop: calls come at their time, rate: 500/s) or workers (closed loop, workers: 8)")
	}
	if replay && c.has("shape") {
		c.fail("shape", "replayed arrivals have their own times: leave it out")
	}
	if c.has("rate") && !c.Open() {
		c.fail("rate", "must be > 0/s (got %v/s)", c.Rate)
	}
	if c.has("workers") && c.Workers < 1 {
		c.fail("workers", "must be >= 1 (got %d)", c.Workers)
	}
	if c.Workers > MaxWorkers {
		c.fail("workers", "must be at most %d (got %d)", MaxWorkers, c.Workers)
	}
	if c.has("max_in_flight") && c.MaxInFlight < 1 {
		c.fail("max_in_flight", "must be >= 1 (got %d)", c.MaxInFlight)
	}
	if c.Think < 0 {
		c.fail("think", "must be >= 0 (got %v)", c.Think)
	}
	if c.has("slo") && c.SLO <= 0 {
		c.fail("slo", "must be > 0 (got %v)", c.SLO)
	}
	if s := c.Sessions; s != nil {
		if s.Calls < 2 || s.Calls > maxMessages {
			c.fail("sessions.calls", "must be from 2 to %d (got %d)", maxMessages, s.Calls)
		}
		if s.Think < 0 {
			c.fail("sessions.think", "must be >= 0 (got %v)", s.Think)
		}
		if c.has("mix") {
			c.fail("sessions", "calls one method: leave mix out")
		}
	}
	open := c.has("rate") || replay
	if c.has("workers") && !open {
		for _, key := range []string{"arrivals", "max_in_flight", "sessions"} {
			if c.has(key) {
				c.fail(key, "is for an open loop (rate); a closed loop (workers) makes its next call when one has ended")
			}
		}
	}
	if open && !c.has("workers") && c.has("think") {
		c.fail("think", "is for a closed loop (workers); an open loop (rate) makes calls at their time")
	}
	if len(c.Shape.Problems()) > 0 {
		return
	}
	if p := c.Shape.Profile(); p != nil && c.Workers > 0 {
		switch most := math.Round(float64(c.Workers) * p.Peak()); {
		case most > MaxWorkers:
			c.fail("shape", "comes to more than %d workers", MaxWorkers)
		case most < 1:
			c.fail("shape", "comes to no worker: at its peak to %.3g of one", float64(c.Workers)*p.Peak())
		}
	}
}

func (c entryCheck) messages() {
	if !c.has("messages") {
		return
	}
	called := c.called()
	if c.own {
		called = nil // its descriptor knows
	}
	streams := slices.ContainsFunc(called, method.streams)
	count := c.Messages
	if c.Pace != nil {
		count = c.Pace.Count
		if c.Pace.Every <= 0 {
			c.fail("messages.every", "must be > 0 (got %v)", c.Pace.Every)
		}
		for _, m := range called {
			if m.kind == result.ServerStream {
				c.fail("messages.every", "%s is a server stream: only messages that the client sends can be paced", m.short)
			}
		}
	}
	switch {
	case len(called) > 0 && !streams:
		c.fail("messages", "%s is unary: only streams have a number of messages", called[0].short)
	case count < 1 || count > maxMessages:
		c.fail("messages", "must be from 1 to %d (got %d)", maxMessages, count)
	}
}

func (c entryCheck) sizes() {
	if c.own {
		return
	}
	for _, size := range []struct {
		key   string
		bytes int64
		sizes load.Sizes
	}{{"request", c.Request, c.RequestSizes}, {"response", c.Response, c.ResponseSizes}} {
		if size.bytes < 0 || size.bytes > maxPayload {
			c.fail(size.key, "must be from 0 to %s (got %d bytes)", strict.ByteText(maxPayload), size.bytes)
		}
		c.all(size.key, size.sizes.Problems())
	}
}

// mostRate is the most calls per second of a load entry. Nobody could make them, and
// what was not made is counted one by one.
const mostRate = 10_000_000

// checkRates finds rates beyond all bounds, which a share, a shape or sessions may
// come to. The scenario is complete by now.
func (s *Scenario) checkRates(p *problems) {
	for _, l := range s.Load {
		if l.Arrivals.Replay != nil {
			continue // they are as many as there are in the file
		}
		if rate := l.peakRate(); l.Open() && !(rate <= mostRate) {
			p.addUnlessKnown(fmt.Sprintf("load[%d].rate", l.place), "must come to at most %s at its peak (got %.6g/s)", rateText(mostRate), rate)
		}
	}
}

// MaxWorkers keeps a mistaken factor from starting more goroutines than any
// machine has room for.
const MaxWorkers = 1_000_000

// readArrivals reads the files of replayed arrivals, so that a wrong one is a
// mistake in the document and not a failure of the run. Names are taken from
// the document's own folder.
func (s *Scenario) readArrivals(p *problems, folder string) {
	for i := range s.Load {
		r := s.Load[i].Arrivals.Replay
		if r == nil {
			continue
		}
		r.File = inFolder(folder, r.File)
		if err := r.Load(); err != nil {
			p.addUnlessKnown(fmt.Sprintf("load[%d].arrivals.replay.file", i), "%s", err)
		}
	}
}
