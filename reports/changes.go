package reports

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Changes is what became of each variant's figures from one result to another:
// block by block where both have the same seed, and else as independent trials, by
// the Hodges–Lehmann shift with the interval of the Mann–Whitney test.
type Changes struct {
	Old, New *result.Result
	// Differences is in what the two differ that makes comparing them doubtful.
	Differences []string
}

// changeFigure is one figure that is compared.
type changeFigure struct {
	head   string
	metric stats.Metric
	// whole is a figure of the trial, not of the load entry.
	whole bool
	show  func([]stats.Sample) string
	// name and unit are as machines call them; value is NaN where it is not known,
	// and infinite where it lands on failed calls.
	name, unit string
	value      func([]stats.Sample) float64
}

func changeFigures() []changeFigure {
	quantile := func(q stats.Quantile) changeFigure {
		return changeFigure{head: q.String(), metric: stats.ResponseAt(q), show: func(s []stats.Sample) string {
			switch l := stats.Response(s, q); {
			case l.Failed():
				return "failed"
			case l.TooFew():
				return tooFew
			default:
				return duration(l.NS)
			}
		}, name: q.String(), unit: "ns", value: func(s []stats.Sample) float64 {
			if l := stats.Response(s, q); l.Known() {
				return l.NS
			}
			return math.NaN()
		}}
	}
	share := func(head, name string, m stats.Metric, of func(stats.Figures) float64) changeFigure {
		return changeFigure{head: head, metric: m, show: func(s []stats.Sample) string { return percent(of(stats.Aggregate(s))) + " %" },
			name: name, unit: "share", value: func(s []stats.Sample) float64 { return of(stats.Aggregate(s)) }}
	}
	ratio := func(head, name, unit string, whole bool, of func(stats.Sample) float64, write func(float64) string) changeFigure {
		m := stats.NewMetric(head, stats.Ratio, func(s stats.Sample) (float64, bool, bool) {
			v := of(s)
			return v, true, v > 0
		})
		return changeFigure{head: head, metric: m, whole: whole, show: func(s []stats.Sample) string {
			var all []float64
			for _, one := range s {
				v := of(one)
				if v <= 0 {
					return blank
				}
				all = append(all, v)
			}
			return write(stats.Mean(all))
		}, name: name, unit: unit, value: func(s []stats.Sample) float64 {
			var all []float64
			for _, one := range s {
				all = append(all, of(one))
			}
			return stats.Mean(all)
		}}
	}
	return []changeFigure{
		quantile(stats.P50), quantile(stats.P99),
		share("in SLO", "in_slo", stats.InSLO(), func(f stats.Figures) float64 { return f.InSLO }),
		share("errors", "errors", stats.Failed(), func(f stats.Figures) float64 { return f.Failed }),
		ratio("attempts", "attempts", "number", false, func(s stats.Sample) float64 {
			if s.Series.Calls == 0 {
				return 0
			}
			return float64(s.Series.Attempts) / float64(s.Series.Calls)
		}, func(v float64) string { return separated(v, 2) }),
		ratio("CPU per call", "cpu_per_call", "ns", true, func(s stats.Sample) float64 {
			var calls int64
			for i := range s.Trial.Series {
				calls += s.Trial.Series[i].Calls
			}
			if calls == 0 {
				return 0
			}
			return float64(s.Trial.Client.CPUNS) / float64(calls)
		}, duration),
	}
}

// changePair is one variant and load entry that both results have.
type changePair struct {
	variant  string
	old, now []stats.Sample
}

// pairs is what both results have of a load entry, and the variants that only one
// of them has.
func (c Changes) pairs(entry string) (pairs []changePair, alone []string) {
	old := map[string]*result.Variant{}
	for i := range c.Old.Variants {
		old[c.Old.Variants[i].Name] = &c.Old.Variants[i]
	}
	for i := range c.New.Variants {
		v := &c.New.Variants[i]
		p := changePair{variant: v.Name, now: stats.Samples(v, entry)}
		if other := old[v.Name]; other != nil {
			p.old = stats.Samples(other, entry)
		}
		delete(old, v.Name)
		if len(p.old) > 0 && len(p.now) > 0 {
			pairs = append(pairs, p)
		} else if len(p.old)+len(p.now) > 0 {
			alone = append(alone, clean(v.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if len(stats.Samples(old[name], entry)) > 0 {
			alone = append(alone, clean(name))
		}
	}
	return pairs, alone
}

// table is the changes of one load entry. first says that figures of the whole
// trial belong here.
func (c Changes) table(pairs []changePair, first bool) (columns []column, rows int, shown []string) {
	columns = []column{{head: "variant", left: true}, {head: "figure", left: true, rank: rankP50}, {head: "before", rank: rankP50}, {head: "now", rank: rankP50}, {head: "change", left: true, rank: rankP50}}
	var names []string
	for _, p := range pairs {
		names = append(names, clean(p.variant))
	}
	names = shorten.All(names, longestName)
	for i, p := range pairs {
		name := names[i]
		for _, f := range changeFigures() {
			if f.whole && !first {
				continue
			}
			before, now, text := f.show(p.old), f.show(p.now), blank
			if d, ok := stats.CompareResults(p.now, p.old, f.metric, len(pairs), c.sameDraws()); ok {
				if text = comparison(&d); d.Shown() {
					shown = append(shown, f.head+" of "+clean(p.variant))
				}
			}
			for j, cell := range []string{name, f.head, before, now, text} {
				columns[j].cells = append(columns[j].cells, cell)
			}
			name = ""
			rows++
		}
	}
	return columns, rows, shown
}

// sameDraws says whether trials of the same block met the same draws.
func (c Changes) sameDraws() bool { return c.Old.Seed == c.New.Seed }

// notes explains the table, and why nothing could be shown of so few trials.
func (c Changes) notes(pairs []changePair, alone []string) []string {
	paired := false
	out := []string{
		"",
		undecided + " no difference shown (in brackets what would have been)",
	}
	few := false
	for _, p := range pairs {
		d, ok := stats.CompareResults(p.now, p.old, stats.InSLO(), len(pairs), c.sameDraws())
		paired = paired || d.Blocks > 0
		few = few || ok && !d.Possible()
	}
	how := "of independent trials"
	if paired {
		how = "block by block"
	}
	out[0] = "change: " + how + ", 95 % intervals, which hold together for a figure; shares in points"
	if few {
		out = append(out, "too few trials to show a difference")
	}
	if len(alone) > 0 {
		out = append(out, "in one result only: "+listed(alone, 4))
	}
	return out
}

// origin names a result by its time and labels.
func origin(r *result.Result) string {
	parts := []string{r.Started.UTC().Format(time.DateTime)}
	for _, key := range sorted(r.Labels) {
		parts = append(parts, clean(key)+"="+clean(r.Labels[key]))
	}
	word, _ := judged(r)
	return strings.Join(append(parts, word), " ")
}

// warning says loudly that what was measured is not fit to act on, or not whole, or
// that apples are compared with oranges.
func (c Changes) warning() string {
	var out []string
	before, now := invalid(c.Old), invalid(c.New)
	switch {
	case before && now:
		out = append(out, "INVALID: do not act on the figures of either result.")
	case before:
		out = append(out, "INVALID: do not act on the figures from before.")
	case now:
		out = append(out, "INVALID: do not act on the figures of now.")
	}
	for _, one := range []struct {
		when string
		of   *result.Result
	}{{"before", c.Old}, {"now", c.New}} {
		if one.of.Partial {
			out = append(out, "Of "+one.when+": "+strings.Join(banner(one.of), " "))
		}
	}
	if len(c.Differences) > 0 {
		var all []string
		for _, d := range c.Differences {
			all = append(all, clean(d))
		}
		out = append(out, "NOT COMPARABLE: the two results differ in more than what is compared. "+strings.Join(all, "; ")+".")
	}
	return strings.Join(out, " ")
}

// invalid says whether a result is not fit to act on; a verdict that is not known
// is no better.
func invalid(r *result.Result) bool {
	return result.Worst(r.Validity.Verdict, result.Suspect) == result.Invalid
}

// headline says what was shown.
func (c Changes) headline() string {
	shown, compared := c.shown()
	switch {
	case !compared:
		return "Nothing was compared: no variant and load entry is in both results. " + c.alone()
	case len(shown) == 0 && !c.possible():
		return "Too few trials to show a change."
	case len(shown) == 0:
		return "No change shown."
	}
	return "Changed: " + listed(shown, 6) + "."
}

// possible says whether there are trials enough to show a change of anything.
func (c Changes) possible() bool {
	for _, entry := range entries(c.New) {
		pairs, _ := c.pairs(entry)
		for _, p := range pairs {
			if d, ok := stats.CompareResults(p.now, p.old, stats.InSLO(), len(pairs), c.sameDraws()); ok && d.Possible() {
				return true
			}
		}
	}
	return false
}

// alone names what each of the results has.
func (c Changes) alone() string {
	of := func(r *result.Result) string {
		var all []string
		for i := range r.Variants {
			v := &r.Variants[i]
			for _, entry := range entries(r) {
				if len(stats.Samples(v, entry)) > 0 {
					all = append(all, clean(v.Name)+" "+clean(entry))
				}
			}
		}
		if len(all) == 0 {
			return "nothing"
		}
		return listed(all, 4)
	}
	return "Before: " + of(c.Old) + "; now: " + of(c.New) + "."
}

// each calls do with the table of every load entry that both have.
func (c Changes) each(do func(entry string, pairs []changePair, columns []column, rows int, alone []string) error) error {
	first := true
	for _, entry := range entries(c.New) {
		pairs, alone := c.pairs(entry)
		if len(pairs) == 0 {
			continue
		}
		columns, rows, _ := c.table(pairs, first)
		first = false
		if err := do(entry, pairs, columns, rows, alone); err != nil {
			return err
		}
	}
	return nil
}

// shown is every change that was shown; compared says whether there was anything to
// compare.
func (c Changes) shown() (all []string, compared bool) {
	several := len(entries(c.New)) > 1
	for _, entry := range entries(c.New) {
		pairs, _ := c.pairs(entry)
		if len(pairs) == 0 {
			continue
		}
		_, _, shown := c.table(pairs, !compared)
		compared = true
		for _, s := range shown {
			if several {
				s += " " + clean(entry)
			}
			all = append(all, s)
		}
	}
	return all, compared
}

// Table writes the changes for a terminal, and the gates of the new result.
func (c Changes) Table(w io.Writer, o Options) error {
	t := terminal{columns: max(o.Columns, leastColumns), color: o.Color}
	if o.Columns == 0 {
		t.columns = defaultColumns
	}
	t.lines(wrap(c.warning(), t.columns), red)
	t.lines(wrap(c.headline(), t.columns), bold)
	t.lines(wrap("before: "+origin(c.Old), t.columns), plain)
	t.lines(wrap("now: "+origin(c.New), t.columns), plain)
	err := c.each(func(entry string, pairs []changePair, columns []column, rows int, alone []string) error {
		t.out.WriteByte('\n')
		t.lines(wrap(clean(entry), t.columns), plain)
		if err := t.grid(fitSettings(columns, t.columns), rows); err != nil {
			return err
		}
		t.lines(items(c.notes(pairs, alone), t.columns), dim)
		return nil
	})
	if err != nil {
		return fmt.Errorf("rendering the changes: %w", err)
	}
	if gates := gateTexts(c.New); len(gates) > 0 {
		t.out.WriteByte('\n')
		t.gates(gates)
	}
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the changes: %w", err)
	}
	return nil
}

// Markdown writes the changes as GitHub-flavoured Markdown.
func (c Changes) Markdown(w io.Writer) error {
	var b strings.Builder
	if text := c.warning(); text != "" {
		b.WriteString("> ⚠️ " + escaped(text) + "\n\n")
	}
	b.WriteString("**" + escaped(c.headline()) + "**\n\n")
	b.WriteString("- before: " + escaped(origin(c.Old)) + "\n- now: " + escaped(origin(c.New)) + "\n\n")
	err := c.each(func(entry string, pairs []changePair, columns []column, rows int, alone []string) error {
		b.WriteString("### " + paragraph(clean(entry)) + "\n\n")
		markdownTable(&b, columns, rows)
		b.WriteString(paragraph(strings.Join(c.notes(pairs, alone), " · ")) + "\n\n")
		return nil
	})
	if err != nil {
		return err
	}
	markdownGates(&b, gateTexts(c.New))
	if _, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n"); err != nil {
		return fmt.Errorf("writing the changes: %w", err)
	}
	return nil
}
