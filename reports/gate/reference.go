package gate

import (
	"fmt"
	"math"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// paired judges how the figure differs from the baseline's, block by block.
func (j judging) paired(c *result.GateCase, p pick, mine readings) {
	base := &j.result.Variants[j.subject.baseline(p.variant)]
	theirs := readAll(j.gate, base, p.load)
	if reason := j.unequal(mine, theirs, base.Name); reason != "" {
		c.Reason = reason
		return
	}
	m := j.metric(mine, theirs)
	d, ok := stats.Compare(mine.samples, theirs.samples, m, len(j.picks))
	if !ok {
		c.Reason = "it shares no block with " + base.Name
		return
	}
	c.Trials = d.Blocks
	needed := stats.TrialsNeeded(len(j.picks))
	if stats.SignedRankC(d.Blocks, stats.FamilyLevel(len(j.picks))) == 0 {
		setFigure(c, d.Estimate)
		c.Reason = fmt.Sprintf("%s cannot show a difference: %d are needed", trials(d.Blocks), needed)
		return
	}
	j.differs(c, d)
}

// elsewhere judges how the figure differs from that of a stored result.
func (j judging) elsewhere(c *result.GateCase, p pick, mine readings) {
	name := j.gate.Bound.Reference
	other := variantNamed(j.stored, c.Variant)
	if other == nil {
		c.Reason = "@" + name + " has no such variant"
		return
	}
	if reason := j.otherLoad(c.Variant, p.load, other); reason != "" {
		c.Reason = reason
		return
	}
	theirs := readAll(j.gate, other, p.load)
	if reason := j.unequal(mine, theirs, "@"+name); reason != "" {
		c.Reason = reason
		return
	}
	d, ok := stats.CompareResults(mine.samples, theirs.samples, j.metric(mine, theirs), len(j.picks), j.stored.Seed == j.result.Seed)
	if !ok {
		c.Reason = "it cannot be compared with @" + name
		return
	}
	if math.IsInf(d.Interval.Low, -1) && math.IsInf(d.Interval.High, 1) || d.Scale == stats.Ratio && d.Interval.Low == 0 && math.IsInf(d.Interval.High, 1) {
		setFigure(c, d.Estimate)
		c.Reason = fmt.Sprintf("%s against %d cannot show a difference", trials(len(mine.values)), len(theirs.values))
		return
	}
	j.differs(c, d)
}

// spreadStep is how wide a class of a second's spread is, as a ratio: 2^(1/4).
const spreadStep = 1.189207115002721

// differs judges the interval of a comparison. Where figures are known to a class
// of a coarse histogram only, so is how they differ.
func (j judging) differs(c *result.GateCase, d stats.Comparison) {
	i := d.Interval
	if j.gate.Select.During != "" && j.gate.Metric.Kind == Quantile && d.Scale == stats.Ratio {
		i = stats.Interval{Low: i.Low / spreadStep, High: i.High * spreadStep}
	}
	// A figure that differs by just as much as is allowed is within the limit, whatever
	// logarithms and subtractions make of its last digits.
	i = stats.Interval{Low: settled(i.Low, differenceDigits), High: settled(i.High, differenceDigits)}
	limit := j.gate.limit()
	limit.Value = settled(limit.Value, differenceDigits)
	c.Outcome = outcome(limit.Judge(i))
	if d.Scale == stats.Ratio && j.gate.varies() {
		// A ratio of 0 is one to a figure beyond all others.
		for _, v := range []*float64{&d.Estimate, &i.Low, &i.High} {
			if *v == 0 {
				*v = math.Inf(-1)
			}
		}
	}
	setFigure(c, d.Estimate)
	setInterval(c, i)
	if math.IsInf(d.Estimate, -1) {
		c.Reason = "the figure that it is compared with lands on failed calls"
		if j.gate.Metric.Kind == Recovery {
			c.Reason = "what it is compared with has not recovered"
		}
	}
}

// unequal says why two sides cannot be compared. A quantile that lands on failed
// calls is beyond any other, but two of them are no difference.
func (j judging) unequal(mine, theirs readings, name string) string {
	if reason := theirs.unfit(j.gate); reason != "" {
		return name + ": " + reason
	}
	if mine.open() || theirs.open() {
		return endedLater
	}
	if mine.failed() > 0 && theirs.failed() > 0 {
		if j.gate.Metric.Kind == Recovery {
			return "trials of both it and " + name + " have not recovered"
		}
		return fmt.Sprintf("%s lands on failed calls in trials of both it and %s", j.gate.Metric, name)
	}
	if j.gate.scale() == stats.Ratio {
		zero := theirs.highs()
		if j.gate.varies() {
			zero = append(zero, mine.highs()...) // a count that has come to nothing is 0 % of another
		}
		for _, v := range zero {
			if v <= 0 {
				return fmt.Sprintf("%s is 0 in a trial, which has no ratio: compare it by a difference", j.gate.Metric)
			}
		}
	}
	if j.gate.Select.During != "" && j.gate.Metric.Kind == Quantile && j.gate.scale() == stats.Points {
		return "quantiles during a fault are known to 19 %: compare them by a percentage"
	}
	return ""
}

// metric is the gate's figure as stats compares it: what was read already.
func (j judging) metric(all ...readings) stats.Metric {
	read := map[*result.Series]float64{}
	for _, r := range all {
		for i, s := range r.samples {
			read[s.Series] = r.values[i].high
		}
	}
	return stats.NewMetric(j.gate.Metric.String(), j.gate.scale(), func(s stats.Sample) (float64, bool, bool) {
		return read[s.Series], true, true
	})
}

func variantNamed(r *result.Result, name string) *result.Variant {
	for i := range r.Variants {
		if r.Variants[i].Name == name {
			return &r.Variants[i]
		}
	}
	return nil
}

// incomparable says why the stored result cannot be compared with.
func (j judging) incomparable() string {
	name := "@" + j.gate.Bound.Reference
	if result.Worst(j.stored.Validity.Verdict, result.Suspect) == result.Invalid {
		return name + " is INVALID"
	}
	if j.force {
		return ""
	}
	if all := Differences(j.stored, j.result); len(all) > 0 {
		return name + " is of something else: " + strings.Join(all, "; ")
	}
	return ""
}

// otherLoad says how a load entry differs from the stored one's.
func (j judging) otherLoad(variant, load string, other *result.Variant) string {
	if load == "" {
		return ""
	}
	mine, theirs := loadNamed(variantNamed(j.result, variant), load), loadNamed(other, load)
	switch {
	case theirs == nil:
		return "@" + j.gate.Bound.Reference + " has no load entry " + load
	case mine != nil && *mine != *theirs && !j.force:
		return "@" + j.gate.Bound.Reference + " had another load"
	}
	return ""
}

func loadNamed(v *result.Variant, name string) *result.Load {
	for i := range v.Loads {
		if v.Loads[i].Name == name {
			return &v.Loads[i]
		}
	}
	return nil
}

// Differences says in what two results differ that makes comparing them
// meaningless: another scenario, another load, another class of machine. Trials,
// gates and words of the document do not count.
func Differences(old, now *result.Result) []string {
	var out []string
	differ := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s: %s before, %s now", what, orNone(a), orNone(b)))
		}
	}
	a, b := old.Scenario.WorkloadSHA256, now.Scenario.WorkloadSHA256
	if a == "" || b == "" {
		a, b = old.Scenario.SHA256, now.Scenario.SHA256
	}
	differ("scenario", short(a), short(b))
	for i := range now.Variants {
		v := &now.Variants[i]
		other := variantNamed(old, v.Name)
		if other == nil {
			continue // its own case says so
		}
		for k := range v.Loads {
			if l := loadNamed(other, v.Loads[k].Name); l != nil && *l != v.Loads[k] {
				out = append(out, "load: "+v.Name+" has another "+v.Loads[k].Name)
			}
		}
	}
	differ("fleet", old.Scenario.Isolation, now.Scenario.Isolation)
	x, y := old.Environment, now.Environment
	differ("CPU", x.CPUModel, y.CPUModel)
	differ("CPUs", fmt.Sprint(x.CPUs), fmt.Sprint(y.CPUs))
	differ("GOMAXPROCS", fmt.Sprint(x.GOMAXPROCS), fmt.Sprint(y.GOMAXPROCS))
	differ("system", x.OS+"/"+x.Arch, y.OS+"/"+y.Arch)
	return out
}

func short(hash string) string { return hash[:min(8, len(hash))] }

func orNone(s string) string {
	if s == "" || s == "/" {
		return "not known"
	}
	return s
}
