package scenario

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/gate"
	"github.com/grpcbench/grpcbench/reports/shorten"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Explain writes what a plan comes to, for a terminal of some columns: the
// resolved settings, the variants, how long it takes and how busy it makes the
// fleet.
func Explain(w io.Writer, p *Plan, columns int) error {
	page := &page{columns: columns}
	page.line(fmt.Sprintf("%s · %s · seed %d", p.Base.Name, p.File, p.Seed))
	if p.Base.About != "" {
		page.paragraph(strings.Join(strings.Fields(p.Base.About), " "), 0)
	}
	page.line("")
	explainTime(page, p)
	explainSettings(page, p)
	explainVariants(page, p)
	if text := p.UncheckedText(); text != "" {
		page.line("")
		page.cell("note: ", text)
	}
	for _, warning := range p.Warnings {
		page.line("")
		page.cell("warning: ", warning)
	}
	_, err := io.WriteString(w, page.String())
	return err
}

func explainTime(page *page, p *Plan) {
	long := minutes(p.Duration())
	if p.OpenEnded() {
		long = "at most " + long
	}
	page.cell("runs     ", fmt.Sprintf("%s × %s × (%v warm-up + %s measured) = %s; calls still in flight after either get up to %v to end",
		plural(len(p.Variants), "variant", "variants"), p.trialsText(), p.Warmup, p.measureText(), long, p.Drain))
	m := p.Comparisons()
	switch {
	case len(p.Variants) == 1:
		page.cell("compares ", "nothing: there is one variant")
	case m == 0:
		page.cell("compares ", "nothing with a baseline: every dimension is a condition")
	default:
		var base, conditions []string
		for _, d := range p.Dimensions {
			if d.Baseline == "" {
				conditions = append(conditions, d.Name)
			} else {
				base = append(base, d.Name+"="+d.Baseline)
			}
		}
		text := fmt.Sprintf("%s with %s", plural(m, "variant", "variants"), strings.Join(base, ","))
		if len(conditions) > 0 {
			text += ", in a table for each " + strings.Join(conditions, " and ")
		}
		there := fmt.Sprint(p.MostTrials())
		if p.MaxTrials > p.Trials {
			there = fmt.Sprintf("%d to %d", p.Trials, p.MaxTrials)
		}
		page.cell("compares ", fmt.Sprintf("%s; that needs %d trials, there are %s", text, TrialsNeeded(m), there))
		page.cell("shows    ", p.couldShow())
	}
	explainGates(page, "gates    ", p.Gates)
	explainGates(page, "aborts   ", p.AbortWhen)
	page.line("")
}

// explainGates writes conditions, one a line.
func explainGates(page *page, title string, gates []gate.Gate) {
	for i, g := range gates {
		if i > 0 {
			title = "         "
		}
		page.cell(title, g.Text)
	}
}

// measureText is 20s, or at most 5m (until recovered + 10s).
func (p *Plan) measureText() string {
	if until := p.Base.MeasureUntil; until != nil {
		return fmt.Sprintf("at most %v (until %v)", p.Measure, until)
	}
	return p.Measure.String()
}

// usualNoise is the coefficient of variation of a p99 from trial to trial by
// which couldShow reckons: what a quiet machine has.
const usualNoise = 0.03

// couldShow says what difference the plan could show.
func (p *Plan) couldShow() string {
	m := p.Comparisons()
	ratio := stats.CouldShow(p.MostTrials(), m, usualNoise)
	if math.IsInf(ratio, 1) {
		return fmt.Sprintf("no difference: %s too few", plural(p.MostTrials(), "trial is", "trials are"))
	}
	return fmt.Sprintf("a difference of %.1f %% in 9 of 10 runs, where a figure varies by %g %% from trial to trial", 100*(ratio-1), 100*usualNoise)
}

// explainSettings writes what all variants have in common.
func explainSettings(page *page, p *Plan) {
	title := "settings, defaults included; what is not listed is off or without limit"
	if len(p.Variants) > 1 {
		title = "common to all variants, defaults included; what is not listed is off"
	}
	page.line(title)
	all, shown := common(p), shownTexts(p)
	for i := range all {
		all[i].text = shown(all[i])
	}
	page.table(2, grouped(all))
	page.line("")
}

// longestText is how many columns of a request explain shows.
const longestText = 60

// shownTexts is how settings are shown. Those that are cut are cut alike in all
// variants, and so that what differs still does.
func shownTexts(p *Plan) func(setting) string {
	whole := make(map[string][]string) // the different ones, by path
	for _, v := range p.Variants {
		for _, s := range v.Scenario.settings() {
			if s.cut && !slices.Contains(whole[s.path], s.text) {
				whole[s.path] = append(whole[s.path], s.text)
			}
		}
	}
	short := make(map[setting]string)
	for path, texts := range whole {
		for i, text := range shorten.All(texts, longestText) {
			short[setting{path, texts[i], true}] = text
		}
	}
	return func(s setting) string {
		if text, cut := short[s]; cut {
			return text
		}
		return s.text
	}
}

// common is the settings that are the same in every variant that has them. What a
// single one has is its own.
func common(p *Plan) []setting {
	var longest []setting // of the variant with the most: it has the order
	texts := make(map[string][]string)
	for _, v := range p.Variants {
		settings := v.Scenario.settings()
		if len(settings) > len(longest) {
			longest = settings
		}
		for _, s := range settings {
			texts[s.path] = append(texts[s.path], s.text)
		}
	}
	return slices.DeleteFunc(longest, func(s setting) bool {
		// A variant without the setting differs, unless what holds it is off.
		with := len(texts[s.path])
		have := with + len(texts[parent(s.path)])
		return have < len(p.Variants) || with == 1 && len(p.Variants) > 1 || slices.ContainsFunc(texts[s.path], func(text string) bool { return text != s.text })
	})
}

// grouped makes a row of the settings of each part: client.retry, load.reads.
func grouped(all []setting) [][]string {
	var rows [][]string
	for _, s := range all {
		part, rest := groupOf(s.path)
		text := s.text
		if rest != "" {
			text = rest + " " + s.text
		}
		if last := len(rows) - 1; last >= 0 && rows[last][0] == part {
			rows[last][1] += ", " + text
			continue
		}
		rows = append(rows, []string{part, text})
	}
	return rows
}

func groupOf(path string) (part, rest string) {
	first, below, ok := strings.Cut(path, ".")
	if !ok {
		return path, ""
	}
	name, rest, _ := strings.Cut(below, ".")
	if first == "load" { // names of entries may hold dots, settings do not
		at := strings.LastIndexByte(below, '.')
		name, rest = below[:at], below[at+1:]
	}
	return first + "." + name, rest
}

// fact is one thing to know of a variant.
type fact struct {
	name string
	text func(*Scenario) string
}

func facts(p *Plan) []fact {
	all := []fact{{"calls", func(s *Scenario) string { return s.callsText(p.Measure.Seconds()) }}}
	if p.Base.MaxRate > 0 {
		all = append(all, fact{"max_rate", (*Scenario).maxRateText})
	}
	if p.Base.Fleet == nil {
		all = append(all, fact{"attempts", (*Scenario).attemptsText})
	}
	return append(all, []fact{
		{"channels", func(s *Scenario) string { return fmt.Sprint(s.channels()) }},
		{"connections", (*Scenario).connectionsText},
		{"utilisation", (*Scenario).utilisationText},
	}...)
}

// explainVariants writes facts that are the same for all once, the others as a
// table.
func explainVariants(page *page, p *Plan) {
	var same [][]string
	var differ []fact
	for _, f := range facts(p) {
		texts := make(map[string]bool)
		for _, v := range p.Variants {
			texts[f.text(v.Scenario)] = true
		}
		if len(texts) == 1 {
			same = append(same, []string{f.name, f.text(p.Base)})
		} else {
			differ = append(differ, f)
		}
	}
	page.line("in each trial of each variant (without retries)")
	page.table(2, same)
	if len(p.Variants) == 1 {
		return
	}
	page.line("")
	page.line("variants (* baseline)")
	shared, shown := common(p), shownTexts(p)
	for _, v := range p.Variants {
		name := v.Name
		if p.isBaseline(v) {
			name += " *"
		}
		page.line("  " + name)
		var rows [][]string
		for _, s := range v.Scenario.settings() {
			if !slices.Contains(shared, s) {
				rows = append(rows, []string{s.path, shown(s)})
			}
		}
		for _, f := range differ {
			rows = append(rows, []string{f.name, f.text(v.Scenario)})
		}
		page.table(6, rows)
	}
}

// callsText is the calls that are due in one trial's measurement.
func (s *Scenario) callsText(seconds float64) string {
	rate, closed := s.offered()
	calls := fmt.Sprintf("%s due (%s)", thousands(int64(math.Round(rate*seconds))), rateText(rate))
	switch {
	case closed && rate > 0:
		return calls + ", and as many as the closed loops come to"
	case closed:
		return "as many as the closed loops come to"
	default:
		return calls
	}
}

func (s *Scenario) connectionsText() string {
	if n := s.connections(); n > 0 {
		return fmt.Sprint(n)
	}
	if n := s.subset(); n > 0 {
		return fmt.Sprintf("%d × %s of the target, as far as it has them", s.channels(), plural(n, "address", "addresses"))
	}
	return fmt.Sprintf("%d × the addresses of the target", s.channels())
}

// utilisationText is how busy the backends are, and the survivors of outages.
func (s *Scenario) utilisationText() string {
	rate, closed := s.offered()
	switch {
	case s.Fleet == nil:
		return "the target's own"
	case !slices.ContainsFunc(s.backendNumbers(), s.takesTime):
		return "no service time: only this machine limits the fleet"
	case slices.ContainsFunc(s.backendNumbers(), func(b int) bool { return s.Fleet.Slots(b) == 0 }):
		return "no limit (concurrency is not set)"
	case rate == 0:
		return "as much as the closed loops make it"
	}
	each, _ := s.utilisations(s.Fleet.Backends)
	u := slices.Max(each)
	text := eachText(each)
	switch {
	case s.Fleet.Backends == 1:
		text = percent(u)
	case s.allOnFirst():
		text = percent(each[0]) + " of b0, nothing of the others"
	case s.drawn():
		// Each channel draws its backends; how evenly is the draw's business.
		text = fmt.Sprintf("%s of %s at best", percent(u), plural(min(s.channels()*s.perChannel(), s.Fleet.Backends), "backend", "backends"))
	}
	if closed {
		text += ", and what the closed loops add"
	}
	if n := s.fewestMembers(); n < s.Fleet.Backends && !s.allOnFirst() {
		over, _ := s.utilisation(n)
		text += fmt.Sprintf("; %s of the %d left in churn", percent(over), n)
	}
	for _, o := range s.outages() {
		if over, ok := s.utilisation(o.survivors); ok {
			text += fmt.Sprintf("; %s of the %d left in %s", percent(over), o.survivors, o.name)
		} else {
			text += fmt.Sprintf("; none left in %s", o.name)
		}
	}
	return text
}

// eachText is how busy each backend is, those that are equally busy together.
func eachText(each []float64) string {
	var order []string
	names := make(map[string][]string)
	for b, u := range each {
		text := percent(u)
		if names[text] == nil {
			order = append(order, text)
		}
		names[text] = append(names[text], fmt.Sprintf("b%d", b))
	}
	if len(order) == 1 {
		return order[0] + " of each backend"
	}
	for i, text := range order {
		order[i] = text + " of " + andList(names[text])
	}
	return strings.Join(order, ", ")
}

// andList is "a, b and c".
func andList(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

func (s *Scenario) backendNumbers() []int {
	numbers := make([]int, s.Fleet.Backends)
	for b := range numbers {
		numbers[b] = b
	}
	return numbers
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
