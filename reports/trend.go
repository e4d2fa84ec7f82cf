package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/history"
	"github.com/grpcbench/grpcbench/reports/shorten"
)

// trendRuns is how many runs a trend shows: the newest ones.
const trendRuns = 24

// Trend writes how figures went over the runs of a history: of every scenario and
// class of machine the workload that was measured last. What changed for good is
// told first, the newest change at the top.
func Trend(w io.Writer, groups []history.Group, o Options) error {
	t := terminal{columns: max(o.Columns, leastColumns), color: o.Color}
	if o.Columns == 0 {
		t.columns = defaultColumns
	}
	newest, older := newestGroups(groups)
	for i, g := range newest {
		if i > 0 {
			t.out.WriteByte('\n')
		}
		first, last := g.Runs[0], g.Runs[len(g.Runs)-1]
		t.lines(items([]string{
			clean(g.Scenario), plural(len(g.Runs), "run"),
			"from " + runName(first) + " to " + runName(last), clean(g.Machine),
		}, t.columns), bold)
		t.lines(changed(g, t.columns), plain)
		columns, rows := trendColumns(g)
		if err := t.grid(fitSettings(columns, t.columns), rows); err != nil {
			return fmt.Errorf("rendering the trend: %w", err)
		}
		notes := []string{fmt.Sprintf("trend: the last %d runs at most, from the least to the greatest", trendRuns)}
		if n := older[[2]string{g.Scenario, g.Machine}]; n > 0 {
			notes = append(notes, plural(n, "run")+" of other workloads not shown")
		}
		t.lines(items(notes, t.columns), dim)
	}
	if len(newest) == 0 {
		t.lines([]string{"No runs yet."}, plain)
	}
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the trend: %w", err)
	}
	return nil
}

// newestGroups is the group measured last of every scenario and machine, and how
// many runs the others of it have.
func newestGroups(groups []history.Group) (newest []history.Group, older map[[2]string]int) {
	older = map[[2]string]int{}
	seen := map[[2]string]bool{}
	for _, g := range slices.Backward(groups) {
		key := [2]string{g.Scenario, g.Machine}
		if seen[key] {
			older[key] += len(g.Runs)
			continue
		}
		seen[key] = true
		newest = append(newest, g)
	}
	slices.Reverse(newest)
	return newest, older
}

// runName is a run's commit, or its time where it has none.
func runName(e history.Entry) string {
	if e.Commit != "" {
		return shorten.End(clean(e.Commit), 12)
	}
	return e.Started.UTC().Format(time.DateTime)
}

// changed says what changed, the newest first.
func changed(g history.Group, columns int) []string {
	type change struct {
		at   int
		text string
	}
	var all []change
	names := seriesNames(g)
	for i, s := range g.Series {
		for _, c := range s.Changes {
			direction := "worse"
			if (c.After > c.Before) != history.Worse(s.Metric) {
				direction = "better"
			}
			e := g.Runs[c.At]
			more := tellingApart(func(v float64, more int) string { return gateValue(s.Unit, v, more) }, c.Before, c.After)
			all = append(all, change{c.At, fmt.Sprintf("%s: %s of %s %s, %s to %s, from %s (%s)", direction, clean(s.Metric), names[i],
				changeText(s.Unit, c.Before, c.After), gateValue(s.Unit, c.Before, more), gateValue(s.Unit, c.After, more), runName(e), e.Started.UTC().Format(time.DateOnly))})
		}
	}
	slices.SortStableFunc(all, func(a, b change) int { return b.at - a.at })
	if len(all) == 0 {
		return []string{"No change found."}
	}
	var lines []string
	for _, c := range all {
		lines = append(lines, wrap(c.text, columns)...)
	}
	return lines
}

// changeText is +10.2 %, of a share +0.25 points.
func changeText(unit string, before, after float64) string {
	switch {
	case unit == "share":
		return signed((after-before)*100, 2+tellingApart(func(v float64, more int) string { return signed(v, 2+more) }, 0, (after-before)*100)) + " points"
	case before == 0:
		return "up"
	}
	return signed((after/before-1)*100, 1) + " %"
}

// seriesNames name the variant and load entry of each series.
func seriesNames(g history.Group) []string {
	variants := make([]string, len(g.Series))
	for i, s := range g.Series {
		variants[i] = clean(s.Variant)
	}
	names := shorten.All(variants, longestName)
	for i, s := range g.Series {
		names[i] = strings.TrimSpace(names[i] + " " + clean(s.Load))
	}
	return names
}

func trendColumns(g history.Group) (columns []column, rows int) {
	columns = []column{{head: "series", left: true}, {head: "figure", left: true}, {head: "trend", left: true, rank: rankP50}, {head: "now", rank: rankP50}, {head: "last change", left: true, rank: rankP50}}
	names := seriesNames(g)
	for i, s := range g.Series {
		name := names[i]
		if i > 0 && s.Variant == g.Series[i-1].Variant && s.Load == g.Series[i-1].Load {
			name = ""
		}
		now, change := blank, ""
		if v := s.Values[len(s.Values)-1]; !math.IsNaN(v) {
			now = gateValue(s.Unit, v, tellingApart(func(v float64, more int) string { return gateValue(s.Unit, v, more) }, 0, v))
		}
		if n := len(s.Changes); n > 0 {
			c := s.Changes[n-1]
			change = changeText(s.Unit, c.Before, c.After) + " at " + runName(g.Runs[c.At])
		}
		for j, cell := range []string{name, clean(s.Metric), sparkline(s.Values), now, change} {
			columns[j].cells = append(columns[j].cells, cell)
		}
		rows++
	}
	return columns, rows
}

// sparkline draws the last values between their least and their greatest; a dot
// is a run without one.
func sparkline(values []float64) string {
	values = values[max(0, len(values)-trendRuns):]
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteRune('·')
		// What differs by less than a thousandth is drawn as one level.
		case high-low <= 1e-3*math.Abs(high):
			b.WriteRune(levels[len(levels)/2])
		default:
			b.WriteRune(levels[int(math.Round((v-low)/(high-low)*float64(len(levels)-1)))])
		}
	}
	return b.String()
}
