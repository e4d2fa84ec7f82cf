package reports

import (
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// column is one column of a table. Where there is no room for all, those of
// the highest rank go first.
type column struct {
	head  string
	rank  int // rankSettings is never dropped
	left  bool
	cells []string
	marks []string // what follows the cells and is never cut: " *" of the baseline
	notes []note
}

// The ranks, from what a table cannot do without.
const (
	rankSettings = iota
	rankInSLO
	rankP50
	rankP99
	rankMessageP99
	rankGain
	rankChange
	rankMessageP50
	rankFailed
	rankAttempts
	rankRecovery
	rankP999
	rankP90
	rankImbalance
	rankAchieved
	rankOffered
	rankFailure
	rankCPU
)

// note explains one thing under a table.
type note struct {
	order int
	text  string
}

// The order of the notes.
const (
	noteBaseline = iota
	noteInvalid
	noteSaturated
	noteDiffers
	noteFaults
	noteChange
	noteUndecided
	noteNotCompared
	noteFailed
	noteUnended
	noteTooFew
	noteMessages
	noteInSLO
	noteAttempts
	noteImbalance
	noteRecovery
	noteCPU
)

// blank is the cell where there is nothing to show.
const blank = "–"

// tooFew is the cell of a quantile with too few samples.
const tooFew = "n/a"

// columns returns the table's columns in the order of display, and the items
// for its heading: a column of figures that is the same in every row of
// several moves there. moved is these, and those that have only n/a to show.
func (t *table) columns(r *result.Result) (columns []column, heading []string, moved []column) {
	settings, fixed := t.settings()
	columns, heading = settings, fixed
	u := t.unit()
	figures := []column{t.inSLO()}
	if _, equal := t.toHeading(figures[0]); t.baseline != nil && !equal {
		if c, any := t.gainColumn(); any {
			figures = append(figures, c)
		} else {
			figures[0].notes = append(figures[0].notes, c.notes...)
		}
	}
	figures = append(figures,
		t.quantile("p50", stats.P50, u, rankP50, func(r *row) stats.Latency { return r.p50 }),
		t.quantile("p90", stats.P90, u, rankP90, func(r *row) stats.Latency { return r.p90 }),
		t.quantile("p99", stats.P99, u, rankP99, func(r *row) stats.Latency { return r.p99 }),
	)
	if t.baseline != nil {
		if c, any := t.changeColumn(); any {
			figures = append(figures, c)
		} else {
			p99 := &figures[len(figures)-1]
			p99.notes = append(p99.notes, c.notes...)
		}
	}
	figures = append(figures, t.messages()...)
	figures = append(figures,
		t.quantile("p99.9", stats.P999, u, rankP999, func(r *row) stats.Latency { return r.p999 }),
		t.each("failed %", rankFailed, func(r *row) string { return percent(r.figures.Failed) }),
		t.attempts(),
	)
	if t.loop() != result.Closed {
		figures = append(figures, t.each("offered/s", rankOffered, func(r *row) string {
			if r.load.Loop == result.Closed {
				return blank
			}
			return perSecond(r.figures.OfferedPerS)
		}))
	}
	figures = append(figures, t.each("OK/s", rankAchieved, func(r *row) string { return perSecond(r.figures.AchievedPerS) }))
	if c, ok := t.imbalance(); ok {
		figures = append(figures, c)
	}
	if c, ok := t.backColumn(); ok {
		figures = append(figures, c)
	}
	if c, ok := t.cpu(r); ok {
		figures = append(figures, c)
	}
	if c := t.failure(); slices.ContainsFunc(c.cells, func(s string) bool { return s != blank }) {
		figures = append(figures, c)
	}
	for _, c := range figures {
		if c.rank != rankP50 && !slices.ContainsFunc(c.cells, func(s string) bool { return s != tooFew }) {
			// The note says all there is to say.
			columns[len(columns)-1].notes = append(columns[len(columns)-1].notes, c.notes...)
			moved = append(moved, c)
			continue
		}
		if item, moves := t.toHeading(c); moves {
			moved = append(moved, c)
			if item != "" {
				heading = append(heading, item)
			}
			continue
		}
		columns = append(columns, c)
	}
	return columns, heading, moved
}

// toHeading says whether the column moves to the heading, and as what. Latency
// and what is compared stay: they are what the table is read for.
func (t *table) toHeading(c column) (item string, moved bool) {
	if len(t.rows) < 2 || slices.ContainsFunc(c.cells, func(s string) bool { return s != c.cells[0] }) {
		return "", false
	}
	value := c.cells[0]
	switch c.rank {
	case rankInSLO:
		switch within, slo := t.within(); {
		case slo == everySLO:
			return value + " % in SLO", true
		case slo == someSLO:
			return value + " % in SLO (" + within + ")", true
		default:
			return value + " % " + within, true
		}
	case rankFailed:
		if t.allOK() {
			return "no call failed", true
		}
		return value + " % failed", true
	case rankAttempts:
		return value + " attempts a call", true
	case rankOffered:
		// Where it says what was asked for, that is enough.
		if t.askedRate() != "" {
			return "", true
		}
		return value + " offered/s", true
	case rankAchieved:
		return value + " OK/s", true
	}
	return "", false
}

func (t *table) allOK() bool {
	return !slices.ContainsFunc(t.rows, func(r row) bool { return r.figures.Failed > 0 })
}

// settings returns a column for each dimension that differs between rows, and
// the others as items for the heading.
func (t *table) settings() (columns []column, fixed []string) {
	for _, d := range t.dimensions {
		c := column{head: shortName(d.Name), rank: rankSettings, left: true}
		differs := false
		for _, r := range t.rows {
			value := r.variant.Settings[d.Name]
			c.cells = append(c.cells, clean(value))
			differs = differs || value != t.rows[0].variant.Settings[d.Name]
		}
		if differs {
			columns = append(columns, c)
		} else {
			fixed = append(fixed, labelled(d.Name, t.rows[0].variant.Settings[d.Name]))
		}
	}
	if len(columns) == 0 {
		if !t.anyInvalid() && !t.anySaturated() {
			return nil, fixed
		}
		// The marks need a place.
		c := column{head: "variant", rank: rankSettings, left: true}
		for _, r := range t.rows {
			c.cells = append(c.cells, clean(r.variant.Name))
		}
		columns = append(columns, c)
	}
	first := &columns[0]
	first.marks = make([]string, len(t.rows))
	for i := range t.rows {
		if &t.rows[i] == t.baseline {
			first.marks[i] += " *"
		}
		if t.rows[i].figures.Invalid > 0 {
			first.marks[i] += " †"
		}
		if t.rows[i].figures.Saturated > 0 {
			first.marks[i] += " ‡"
		}
	}
	if t.baseline != nil {
		first.notes = append(first.notes, note{noteBaseline, "* baseline"})
	}
	if t.anyInvalid() {
		first.notes = append(first.notes, note{noteInvalid, "† with trials that are INVALID: not fit to act on"})
	}
	if t.anySaturated() {
		first.notes = append(first.notes, note{
			noteSaturated, "‡ saturated: calls in flight grew to the end, so its percentiles depend on how long it ran",
		})
	}
	return columns, fixed
}

func (t *table) anySaturated() bool {
	return slices.ContainsFunc(t.rows, func(r row) bool { return r.figures.Saturated > 0 })
}

func (t *table) anyInvalid() bool {
	return slices.ContainsFunc(t.rows, func(r row) bool { return r.figures.Invalid > 0 })
}

// each makes a column of one cell a row.
func (t *table) each(head string, rank int, cell func(*row) string) column {
	c := column{head: head, rank: rank}
	for i := range t.rows {
		c.cells = append(c.cells, cell(&t.rows[i]))
	}
	return c
}

func (t *table) attempts() column {
	c := t.each("attempts", rankAttempts, func(r *row) string {
		if r.figures.AttemptsPerCall == 0 {
			return blank
		}
		return separated(r.figures.AttemptsPerCall, 2)
	})
	c.notes = []note{{noteAttempts, "attempts: per call, on average"}}
	return c
}

// quantile makes a column of one quantile.
func (t *table) quantile(name string, q stats.Quantile, u unit, rank int, of func(*row) stats.Latency) column {
	var failed, few bool
	c := t.each(name+" "+u.name, rank, func(r *row) string {
		l := of(r)
		switch {
		case l.TooFew():
			few = true
			return tooFew
		case l.Failed():
			failed = true
			return "failed"
		}
		return significant(l.NS / u.ns)
	})
	if failed {
		c.notes = append(c.notes, note{noteFailed, "failed: the rank lands on a call that failed"})
	}
	if few {
		need := count(stats.MinSamples(float64(q)))
		c.notes = append(c.notes, note{noteTooFew, name + " n/a: needs " + need + " calls a trial"})
	}
	return c
}

// unit is the one unit of the table's latencies.
func (t *table) unit() unit {
	var ns []float64
	for _, r := range t.rows {
		for _, l := range []stats.Latency{r.p50, r.p90, r.p99, r.p999} {
			if l.Known() {
				ns = append(ns, l.NS)
			}
		}
	}
	return unitFor(ns)
}

// baselineName is the baseline in a column heading, if it is short.
func (t *table) baselineName() string {
	if len(t.dimensions) == 1 {
		// A dotted path is too long to stand with its value.
		name := t.baseline.label
		if d := t.dimensions[0]; unclear(d.Baseline) && !strings.Contains(d.Name, ".") {
			name = clean(d.Baseline)
		}
		if width(name) <= 14 {
			return name
		}
	}
	return "*"
}

// perSecond writes a rate in a column whose heading says so.
func perSecond(v float64) string {
	switch {
	case v < 10:
		return significant(v)
	case v < 100:
		return separated(v, 1)
	}
	return separated(math.Round(v), 0)
}

// failure is the code that most planned calls failed with.
func (t *table) failure() column {
	c := t.each("main failure", rankFailure, func(r *row) string {
		var main string
		for code, share := range r.figures.Failures {
			// Ties go by name, so that the report does not change.
			if main == "" || share > r.figures.Failures[main] || share == r.figures.Failures[main] && code < main {
				main = code
			}
		}
		if main == "" {
			return blank
		}
		return clean(main) + " " + percent(r.figures.Failures[main]) + " %"
	})
	c.left = true
	return c
}

// backColumn is the median time until goodput was back after the last fault:
// known where faults ended in time, and shown where some variant needed more than
// a moment.
func (t *table) backColumn() (column, bool) {
	shown := false
	c := t.each("recovery", rankRecovery, func(r *row) string {
		var each []stats.Phase
		for _, sample := range r.samples {
			each = append(each, backOf(sample.Trial, r.variant.Faults))
		}
		median, text := recoveryOf(each)
		shown = shown || median >= 1
		return text
	})
	c.notes = []note{{noteRecovery, "recovery: from the end of the last fault until in SLO is back for 5 s"}}
	return c, shown
}

// cpu is the client process's CPU per call: known where one load entry has the
// process to itself.
func (t *table) cpu(r *result.Result) (column, bool) {
	if r.Scenario.Isolation == "inprocess" || len(t.rows[0].samples[0].Trial.Series) != 1 {
		return column{}, false
	}
	known := true
	c := t.each("CPU µs", rankCPU, func(r *row) string {
		var per []float64
		for _, sample := range r.samples {
			trial := sample.Trial
			if len(trial.Series) == 1 && trial.Series[0].Calls > 0 && trial.Client.CPUNS > 0 {
				per = append(per, float64(trial.Client.CPUNS)/float64(trial.Series[0].Calls)/1e3)
			}
		}
		if len(per) == 0 {
			known = false
			return blank
		}
		return significant(stats.Mean(per))
	})
	c.notes = []note{{noteCPU, "CPU µs: of the client's process, a call"}}
	return c, known
}
