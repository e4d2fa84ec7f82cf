package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
)

// newClosing judges how far the figures can be trusted, from what the run
// found out about itself.
func newClosing(r *result.Result) closing {
	c := closing{verdict: r.Validity.Verdict}
	word := string(c.verdict)
	if word == "" {
		word = "not judged"
	}
	// Of nothing, nothing good can be said.
	if measured(r) || result.Worst(c.verdict, result.Valid) != result.Valid {
		c.verdicts = append(c.verdicts, "measurement "+clean(word))
	}
	if text := books(r); text != "" {
		c.verdicts = append(c.verdicts, text)
	}
	if lag, ok := worstLag(r); ok {
		c.verdicts = append(c.verdicts, "worst lag p99 "+duration(lag))
	}
	for _, reason := range r.Validity.Reasons {
		c.reasons = append(c.reasons, reasonText(reason))
	}
	c.facts = append(c.facts, idle(r)...)
	c.facts = append(c.facts, place(r))
	c.facts = append(c.facts, heldBack(r)...)
	if text := generatorCPU(r); text != "" {
		c.facts = append(c.facts, text)
	}
	c.facts = append(c.facts, nearHarness(r)...)
	c.facts = append(c.facts, states(r)...)
	if text := serviceTime(r); text != "" {
		c.facts = append(c.facts, text)
	}
	if text := reached(r.Scenario); text != "" {
		c.facts = append(c.facts, text)
	}
	for _, b := range r.Builds {
		c.facts = append(c.facts, "build "+clean(b.Name)+": "+buildText(b.Environment))
	}
	c.facts = append(c.facts, fmt.Sprintf("seed %d", r.Seed), source(r.Scenario))
	if text := harness(r); text != "" {
		c.more = append(c.more, text)
	}
	return c
}

// idle names the load entries that were measured and have no table, because none of
// their calls was due.
func idle(r *result.Result) []string {
	if !measured(r) {
		return nil // the headline says so
	}
	var out []string
	for _, entry := range entries(r) {
		series, planned := 0, int64(0)
		eachTrial(r, func(t *result.Trial) {
			for i := range t.Series {
				if s := &t.Series[i]; s.Name == entry {
					series, planned = series+1, planned+s.Planned
				}
			}
		})
		if series > 0 && planned == 0 {
			out = append(out, "no call of "+clean(entry)+" was due in any trial: it has no table")
		}
	}
	return out
}

// buildText is what one of several builds was made of.
func buildText(e result.Environment) string {
	var parts []string
	for _, f := range []fact{{"grpcbench ", e.Grpcbench}, {"grpc-go ", e.GRPC}, {"", e.Go}} {
		if v := clean(f.value); v != "" {
			parts = append(parts, f.name+v)
		}
	}
	return strings.Join(parts, ", ")
}

// reached says how narrow the intervals came to be, where trials were added
// until they were.
func reached(s result.Scenario) string {
	share := func(v float64) string {
		if v >= 0.1 {
			return "±" + separated(v*100, 0) + " %"
		}
		return "±" + trimmed(math.Round(v*1000)/10) + " %"
	}
	switch {
	case s.Precision == 0:
		return ""
	case s.Reached == nil:
		return "intervals within " + share(s.Precision) + " were asked for, and are not known"
	case *s.Reached > s.Precision:
		return fmt.Sprintf("intervals within %s after %s: %s were asked for", share(*s.Reached), plural(s.Trials, "trial"), share(s.Precision))
	}
	return fmt.Sprintf("intervals within %s, %s asked for, after %s", share(*s.Reached), share(s.Precision), plural(s.Trials, "trial"))
}

// source is the scenario's file and the begin of its hash.
func source(s result.Scenario) string {
	name := clean(s.File)
	if name == "" {
		name = clean(s.Name)
	}
	hash := []rune(clean(s.SHA256))
	return strings.TrimSpace(name + " " + string(hash[:min(4, len(hash))]))
}

// books says whether the books hold, and how many calls they account for.
func books(r *result.Result) string {
	trials, broken := 0, 0
	low, high := int64(math.MaxInt64), int64(0)
	for i := range r.Variants {
		var calls int64
		for j := range r.Variants[i].Trials {
			t := &r.Variants[i].Trials[j]
			trials++
			ok := true
			for k := range t.Series {
				calls += t.Series[k].Calls
				ok = ok && t.Series[k].Check() == nil
			}
			for _, reason := range t.Validity.Reasons {
				ok = ok && !strings.HasPrefix(reason.Code, "books")
			}
			if !ok {
				broken++
			}
		}
		if len(r.Variants[i].Trials) > 0 {
			low, high = min(low, calls), max(high, calls)
		}
	}
	if trials == 0 {
		return ""
	}
	calls := span(count(low), count(high)) + " calls"
	if len(r.Variants) > 1 {
		calls += " a variant"
	}
	if broken > 0 {
		return fmt.Sprintf("books BROKEN in %d of %s: %s", broken, plural(trials, "trial"), calls)
	}
	return "books exact: " + calls
}

// worstLag is the largest lag p99 of any series, in nanoseconds: of open loops and
// of paced messages.
func worstLag(r *result.Result) (ns float64, ok bool) {
	eachTrial(r, func(t *result.Trial) {
		for i := range t.Series {
			if p := t.Series[i].Latency[result.Lag].P99NS; p != nil {
				ns, ok = max(ns, float64(*p)), true
			}
		}
	})
	return ns, ok
}

// measured says whether any call was planned in any trial, or any concurrency has
// a throughput.
func measured(r *result.Result) (any bool) {
	if r.Capacity != nil {
		for _, v := range r.Capacity.Variants {
			any = any || slices.ContainsFunc(v.Sweep, func(p result.CapacityPoint) bool { return len(p.PerS) > 0 })
		}
	}
	eachTrial(r, func(t *result.Trial) {
		for i := range t.Series {
			any = any || t.Series[i].Planned > 0
		}
	})
	return any
}

func eachTrial(r *result.Result, do func(*result.Trial)) {
	for i := range r.Variants {
		for j := range r.Variants[i].Trials {
			do(&r.Variants[i].Trials[j])
		}
	}
}

// reasonText is one finding with its figure and limit.
func reasonText(r result.Reason) string {
	text := clean(string(r.Verdict)) + ": " + clean(r.Code)
	if r.Limit != 0 {
		text += " " + reasonFigure(r.Code, r.Figure) + " (limit " + reasonFigure(r.Code, r.Limit) + ")"
	}
	if r.Detail != "" {
		text += ": " + clean(r.Detail)
	}
	return text
}

// reasonFigure writes a figure in the unit that the finding's code implies.
func reasonFigure(code string, v float64) string {
	switch code {
	case "lag_p99":
		if text := setting(int64(v)); width(text) < width(duration(v)) {
			return text
		}
		return duration(v)
	case "sent_share", "generator_cpu", "gc_share", "cpu_throttled", "cpu_steal":
		return trimmed(v*100) + " %"
	}
	return trimmed(v)
}

// place says where the fleet ran.
func place(r *result.Result) string {
	s := r.Scenario
	switch s.Isolation {
	case "process":
		return "fleet on this host"
	case "inprocess":
		return "fleet in the client's process"
	case "remote":
		return "fleet on other hosts"
	case "target":
		where := "target " + clean(s.Target)
		if s.Target == "" && len(r.Variants) > 0 && r.Variants[0].Target != "" {
			where = "targets " + strings.Join(calledTargets(r), ", ")
		}
		if s.Unverified {
			where += ", certificate NOT VERIFIED"
		}
		return where
	}
	return "fleet: " + clean(s.Isolation)
}

// calledTargets are the targets of the variants, each with the values that have
// it where these do not name it themselves.
func calledTargets(r *result.Result) []string {
	var order []string
	names := map[string][]string{}
	for _, v := range r.Variants {
		for _, d := range r.Scenario.Dimensions {
			value := v.Settings[d.Name]
			if !decides(r, d.Name) || value == v.Target {
				continue
			}
			if !slices.Contains(names[v.Target], value) {
				names[v.Target] = append(names[v.Target], value)
			}
		}
		if !slices.Contains(order, v.Target) {
			order = append(order, v.Target)
		}
	}
	for i, target := range order {
		order[i] = clean(target)
		if len(names[target]) > 0 {
			order[i] += " (" + clean(strings.Join(names[target], ", ")) + ")"
		}
	}
	return order
}

// decides is whether the target follows from the values of a dimension alone.
func decides(r *result.Result, dimension string) bool {
	targets := map[string]string{}
	for _, v := range r.Variants {
		value := v.Settings[dimension]
		if target, seen := targets[value]; seen && target != v.Target {
			return false
		}
		targets[value] = v.Target
	}
	return len(targets) > 1
}

// heldBack says which closed loops max_rate has slowed down, and how much.
func heldBack(r *result.Result) []string {
	type sum struct{ held, calls, ns int64 }
	var order []string
	sums := map[string]sum{}
	eachTrial(r, func(t *result.Trial) {
		for i := range t.Series {
			s := &t.Series[i]
			if _, seen := sums[s.Name]; !seen {
				order = append(order, s.Name)
			}
			of := sums[s.Name]
			sums[s.Name] = sum{of.held + s.Held, of.calls + s.Calls, of.ns + s.HeldNS}
		}
	})
	var out []string
	for _, name := range order {
		if s := sums[name]; s.held > 0 {
			out = append(out, fmt.Sprintf("max_rate %s held back %s of %s calls of %s, by %s each",
				rate(r.Scenario.MaxRatePerS), count(s.held), count(s.calls), clean(name), duration(float64(s.ns)/float64(s.held))))
		}
	}
	return out
}

// serviceTime says whether the fleet took the time it was asked to take.
func serviceTime(r *result.Result) string {
	low, high := math.Inf(1), 0.0
	eachTrial(r, func(t *result.Trial) {
		if t.Fleet != nil && t.Fleet.ActualOverAsked > 0 {
			low, high = min(low, t.Fleet.ActualOverAsked), max(high, t.Fleet.ActualOverAsked)
		}
	})
	if high == 0 {
		return ""
	}
	return "actual/asked service time " + span(separated(low, 2), separated(high, 2))
}

// generatorCPU is the busiest trial's use of its cores.
func generatorCPU(r *result.Result) string {
	worst := 0.0
	cores := r.Environment.GOMAXPROCS
	eachTrial(r, func(t *result.Trial) {
		if t.MeasuredNS > 0 && cores > 0 {
			worst = max(worst, float64(t.Client.CPUNS)/float64(t.MeasuredNS)/float64(cores))
		}
	})
	if worst == 0 {
		return ""
	}
	return "generator CPU " + separated(worst*100, 0) + " % of " + plural(cores, "core")
}

// states says what state the system under test was in: one item where it was
// the same throughout, else one for each variant that was neither steady nor
// recovered.
func states(r *result.Result) []string {
	const most = 6
	all := map[result.State]bool{}
	eachTrial(r, func(t *result.Trial) {
		if t.State != "" {
			all[t.State] = true
		}
	})
	if len(all) == 1 {
		for state := range all {
			return []string{"every trial " + clean(string(state))}
		}
	}
	var out []string
	for i := range r.Variants {
		v := &r.Variants[i]
		n := map[result.State]int{}
		var order []result.State
		for _, t := range v.Trials {
			if t.State != "" && t.State != result.Steady && t.State != result.Recovered {
				if n[t.State] == 0 {
					order = append(order, t.State)
				}
				n[t.State]++
			}
		}
		for _, state := range order {
			out = append(out, fmt.Sprintf("%s %s in %d of %s", clean(v.Name), clean(string(state)), n[state], plural(len(v.Trials), "trial")))
		}
	}
	if len(out) == 0 && len(all) > 0 {
		return []string{"every trial steady or recovered"}
	}
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("%d more findings of state", len(out)-most))
	}
	return out
}
