package reports

import (
	"fmt"
	"math"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/shorten"
)

// gateText is one gate and how it turned out, in words and clean.
type gateText struct {
	outcome result.GateOutcome
	text    string
	// cases says what was seen: every case of a gate that did not pass by all of
	// them, the bad ones first.
	cases []string
}

// knownOutcome is an outcome that this version knows; any other tells nothing.
func knownOutcome(o result.GateOutcome) result.GateOutcome {
	switch o {
	case result.GatePassed, result.GateFailed, result.GateInconclusive:
		return o
	}
	return result.GateNotJudged
}

// knownOp is the comparison with a space behind it, where it is one.
func knownOp(op string) string {
	switch op {
	case "<", "<=", ">", ">=":
		return op + " "
	}
	return ""
}

// mostCases is how many cases of a gate are shown.
const mostCases = 8

// gateTexts is the result's gates in words.
func gateTexts(r *result.Result) []gateText {
	var out []gateText
	for i := range r.Gates {
		g := &r.Gates[i]
		t := gateText{outcome: knownOutcome(g.Outcome), text: clean(g.Text)}
		if g.Reason != "" {
			t.cases = append(t.cases, clean(g.Reason))
		}
		n, names := 0, caseNames(g)
		for _, o := range []result.GateOutcome{result.GateFailed, result.GateInconclusive, result.GatePassed} {
			for k := range g.Cases {
				if g.Cases[k].Outcome != o {
					continue
				}
				if n++; n > mostCases {
					continue
				}
				words := names[k] + ": " + caseWords(g, &g.Cases[k])
				if o != g.Outcome {
					words = string(o) + ": " + words
				}
				t.cases = append(t.cases, words)
			}
		}
		if n > mostCases {
			t.cases = append(t.cases, fmt.Sprintf("and %d more", n-mostCases))
		}
		out = append(out, t)
	}
	return out
}

// gateRow is one case of a gate for machines. A gate that has none, because it was
// not judged, is one row of no variant.
type gateRow struct {
	text, variant, load string
	outcome             result.GateOutcome
	// figure is what was judged, NaN where it is not known and infinite where it
	// lands on failed calls; without a unit there is none.
	figure float64
	unit   string
}

// gateRows is every case of every gate, in their order; of gates that are alike,
// those of the first.
func gateRows(r *result.Result) []gateRow {
	var out []gateRow
	seen := map[[3]string]bool{}
	add := func(row gateRow) {
		if key := [3]string{row.text, row.variant, row.load}; !seen[key] {
			seen[key] = true
			out = append(out, row)
		}
	}
	for i := range r.Gates {
		g := &r.Gates[i]
		if len(g.Cases) == 0 {
			add(gateRow{text: clean(g.Text), outcome: knownOutcome(g.Outcome)})
		}
		for k := range g.Cases {
			c := &g.Cases[k]
			row := gateRow{text: clean(g.Text), variant: c.Variant, load: c.Load, outcome: knownOutcome(c.Outcome), figure: math.NaN(), unit: gateUnit(g)}
			if c.Figure != nil {
				row.figure = *c.Figure
			}
			if c.OnFailed {
				row.figure = math.Inf(1)
			}
			if row.unit == "ms" {
				row.figure /= 1e6
			}
			add(row)
		}
	}
	return out
}

// passed is 1, 0, or NaN where it cannot be told.
func (g gateRow) passed() float64 {
	switch g.outcome {
	case result.GatePassed:
		return 1
	case result.GateFailed:
		return 0
	}
	return math.NaN()
}

// gateUnit is the unit of a gate's figures as other metrics of machines have it:
// ratios to a reference have none of their own.
func gateUnit(g *result.Gate) string {
	switch {
	case g.Compared == result.GateRatio:
		return "ratio"
	case g.Unit == "ns":
		return "ms"
	case g.Unit == "per_s":
		return "calls/s"
	case g.Unit == "share":
		return "share"
	}
	return "1"
}

// caseNames name what each case of a gate is about.
func caseNames(g *result.Gate) []string {
	variants := make([]string, len(g.Cases))
	for i := range g.Cases {
		variants[i] = clean(g.Cases[i].Variant)
	}
	names := shorten.All(variants, longestName)
	for i := range g.Cases {
		c := &g.Cases[i]
		switch {
		case c.Load == "":
		case c.Variant == "default":
			names[i] = clean(c.Load)
		default:
			names[i] += " " + clean(c.Load)
		}
	}
	return names
}

// caseWords is what was seen and the limit: 12.5 ms (95 % CI 10.0 ms to 15.0 ms).
func caseWords(g *result.Gate, c *result.GateCase) string {
	var seen []float64
	for _, v := range []*float64{c.Figure, c.Low, c.High} {
		if v != nil {
			seen = append(seen, *v)
		}
	}
	// What misses the limit by a hair does not look like the limit.
	more := tellingApart(func(v float64, more int) string { return comparedFigure(g, v, more) }, g.Limit, seen...)
	write := func(v float64) string { return comparedFigure(g, v, more) }
	beyond, never := "lands on failed calls", "failed calls"
	if g.Metric == "recovery" {
		beyond, never = "not recovered", "not recovered"
	}
	var parts []string
	switch {
	case c.Figure != nil:
		parts = append(parts, held(write(*c.Figure)))
	case c.OnFailed:
		parts = append(parts, beyond)
	}
	if c.Low != nil || c.High != nil {
		low, high := "any less", never
		if c.Low != nil {
			low = write(*c.Low)
		}
		if c.High != nil {
			high = write(*c.High)
		}
		what := "95 % CI "
		if g.Reference == "" && g.Unit == "share" {
			what = "from " // a share is counted: these are what it can be
		}
		parts = append(parts, held("("+what+low+" to "+high+")"))
	}
	if g.Reference != "" && len(parts) > 0 {
		of := "the baseline"
		if g.Reference != "baseline" {
			of = "@" + clean(g.Reference)
		}
		parts = append(parts, "against "+of)
	}
	text := strings.Join(parts, " ")
	if text != "" {
		text += ", " + held("must be "+knownOp(g.Op)+write(g.Limit))
	}
	if c.Reason != "" {
		if text != "" {
			text += "; "
		}
		text += clean(c.Reason)
	}
	return text
}

// comparedFigure writes a figure of the gate, or how it differs, with so many more
// digits than usual.
func comparedFigure(g *result.Gate, v float64, more int) string {
	switch g.Compared {
	case result.GateRatio:
		if v >= factor {
			return "×" + digits(v, 3+more)
		}
		return signed((v-1)*100, 1+more) + " %"
	case result.GateDifference:
		if g.Unit == "share" {
			return signed(v*100, 2+more) + " points"
		}
		text := gateValue(g.Unit, v, more)
		if v > 0 {
			text = "+" + text
		}
		return text
	}
	return gateValue(g.Unit, v, more)
}

// gateValue writes a figure in its unit, with so many more digits than usual.
func gateValue(unit string, v float64, more int) string {
	if v < 0 {
		return "−" + gateValue(unit, -v, more)
	}
	switch unit {
	case "ns":
		if v == 0 {
			return "0 s"
		}
		return durationTo(v, 3+more)
	case "share":
		return trimmedTo(v*100, 3+more) + " %"
	case "per_s":
		return rateTo(v, more)
	}
	return digits(v, 3+more)
}

// gateCount says how the gates turned out: "2 gates passed, 1 failed".
func gateCount(r *result.Result) string {
	var parts []string
	for _, o := range []result.GateOutcome{result.GatePassed, result.GateFailed, result.GateInconclusive, result.GateNotJudged} {
		n := 0
		for i := range r.Gates {
			if r.Gates[i].Outcome == o {
				n++
			}
		}
		switch {
		case n == 0:
		case len(parts) == 0:
			parts = append(parts, plural(n, "gate")+" "+string(o))
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// GateLines says of each gate with that outcome what was seen, a line each.
func GateLines(r *result.Result, outcome result.GateOutcome) []string {
	var lines []string
	for _, g := range gateTexts(r) {
		if g.outcome == outcome {
			line := "gate " + string(g.outcome) + ": " + g.text
			if len(g.cases) > 0 {
				line += ": " + g.cases[0]
			}
			if more := len(g.cases) - 1; more > 0 {
				line += fmt.Sprintf(" (and %d more)", more)
			}
			lines = append(lines, strings.ReplaceAll(line, "\u00a0", " "))
		}
	}
	return lines
}

// notJudged is the gates in a sentence where none of them was judged, for the one
// reason there is.
func notJudged(gates []gateText) string {
	var texts []string
	for _, g := range gates {
		if g.outcome != result.GateNotJudged || len(g.cases) != 1 || g.cases[0] != gates[0].cases[0] {
			return ""
		}
		texts = append(texts, g.text)
	}
	if len(texts) < 2 {
		return ""
	}
	return plural(len(texts), "gate") + " not judged, " + gates[0].cases[0] + ": " + strings.Join(texts, " · ")
}

// gates writes the gates below a table.
func (t *terminal) gates(gates []gateText) {
	if text := notJudged(gates); text != "" {
		t.lines(wrap(text, t.columns), yellow)
		t.out.WriteByte('\n')
		return
	}
	for _, g := range gates {
		style := map[result.GateOutcome]string{result.GatePassed: green, result.GateFailed: red}[g.outcome]
		if style == plain {
			style = yellow
		}
		lines := wrap("gate "+held(string(g.outcome))+": "+g.text, t.columns)
		if first := "gate " + string(g.outcome); strings.HasPrefix(lines[0], first) {
			lines[0] = t.styled(first, style) + strings.TrimPrefix(lines[0], first)
		}
		t.lines(lines, plain)
		for _, c := range g.cases {
			for _, line := range wrap(c, t.columns-2) {
				t.out.WriteString("  " + line + "\n")
			}
		}
	}
	if len(gates) > 0 {
		t.out.WriteByte('\n')
	}
}

// markdownGates writes the gates as a list.
func markdownGates(b *strings.Builder, gates []gateText) {
	for _, g := range gates {
		b.WriteString("- " + gateMark(g.outcome) + " **" + string(g.outcome) + "**: " + code(g.text) + "\n")
		for _, c := range g.cases {
			b.WriteString("  - " + paragraph(c) + "\n")
		}
	}
	if len(gates) > 0 {
		b.WriteByte('\n')
	}
}

// code is text as inline code, which its own backticks cannot end.
func code(s string) string { return "`" + strings.ReplaceAll(s, "`", "'") + "`" }

// gateMark is seen from afar.
func gateMark(o result.GateOutcome) string {
	switch o {
	case result.GatePassed:
		return "✅"
	case result.GateFailed:
		return "❌"
	}
	return "⚠️"
}

// junitGate is the case of one gate: failed is a failure, inconclusive is
// skipped, and not judged is an error.
func junitGate(suite string, g gateText) junitCase {
	c := junitCase{Name: g.text, Class: suite + ".gates", Time: junitTime(0)}
	words := strings.ReplaceAll(strings.Join(g.cases, "\n"), "\u00a0", " ")
	first, _, _ := strings.Cut(words, "\n")
	switch g.outcome {
	case result.GatePassed:
	case result.GateFailed:
		c.Failure = &junitProblem{Message: first, Type: "GATE", Text: words}
	case result.GateInconclusive:
		c.Skipped = &junitSkipped{"inconclusive: " + strings.ReplaceAll(words, "\n", "; ")}
	default:
		c.Error = &junitProblem{Message: first, Type: "INVALID", Text: words}
	}
	return c
}
