package reports

import (
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
)

//go:embed page/page.html
var pageTemplate string

//go:embed page/parts.html
var pageParts string

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

const (
	// maxPage is what a page may take: it is mailed, attached and opened on
	// phones.
	maxPage = 1 << 20
	// maxDocument is how much of the scenario stands in it.
	maxDocument = 64 << 10
	// shownLines is how many variants' lines are shown before the reader asks
	// for more.
	shownLines = plot.Colors
	// mostTables is how many load entries and conditions have a section.
	mostTables = 64
)

// htmlPage is what the template is filled with. All of its text is clean; the
// template escapes it.
type htmlPage struct {
	Title, About, Verdict string
	Mood                  mood
	Policy                string
	Style                 template.CSS
	Script                template.JS
	Banner, Lead          []string
	Answers, Sections     []htmlSection
	Gates                 []htmlGate
	Verdicts              string
	Reasons               []string
	Facts                 string
	Environment           []htmlFact
	Document              string
	Footer                string
}

// htmlGate is one gate; Mood colours its outcome.
type htmlGate struct {
	Outcome, Text string
	Mood          mood
	Cases         []string
}

type htmlFact struct{ Name, Value string }

type htmlSection struct {
	ID      string
	Heading string
	Sub     []string
	htmlTable
	Legend   []htmlKey
	Spectrum []htmlFigure
	OverTime []htmlFigure
	Recovery *htmlTable
	Heat     []htmlFigure
	Backends []htmlFigure
	Calls    []string
}

type htmlTable struct {
	Head  []htmlHead
	Rows  []htmlRow
	Notes string
}

type htmlHead struct {
	Text string
	Left bool
}

type htmlRow struct {
	Class string
	Cells []htmlCell
}

type htmlCell struct {
	Text   string
	Key    string // what it is sorted by
	Swatch string // the class of the row's colour
	Left   bool
}

type htmlKey struct {
	ID, Color, Label string
	Shown            bool
}

type htmlFigure struct {
	Title, Notes, Own, Class string
	Plot                     template.HTML
}

// HTML writes one self-contained page of at most 1 MiB: tables, plots as
// inline SVG, how far to believe it, and the whole scenario. It loads nothing,
// and allows no script but its own. Without JavaScript all of it can be read,
// and variants can be shown and hidden; with it, tables can be sorted and
// plots zoomed and read off.
func HTML(w io.Writer, r *result.Result, _ Options) error {
	t, err := newTemplate(pageTemplate)
	if err != nil {
		return err
	}
	p := newHTMLPage(r)
	tables := tablesOf(r)
	var text strings.Builder
	for level := 1.0; ; level *= 0.7 {
		p.fill(r, tables, level)
		text.Reset()
		if err := t.Execute(&text, p); err != nil {
			return fmt.Errorf("filling the page: %w", err)
		}
		if text.Len() <= maxPage || level < 0.01 {
			break
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// newTemplate is a page's template, with the parts that pages share.
func newTemplate(page string) (*template.Template, error) {
	t, err := template.New("page").Parse(page)
	if err == nil {
		_, err = t.Parse(pageParts)
	}
	if err != nil {
		return nil, fmt.Errorf("the page's template: %w", err)
	}
	return t, nil
}

// newHTMLPage is all of the page but its sections.
func newHTMLPage(r *result.Result) *htmlPage {
	words := newPage(r)
	p := &htmlPage{
		Title: clean(scenarioName(r)), About: strings.TrimSpace(clean(r.Scenario.About)), Banner: words.banner,
		Lead: []string{strings.Join(words.headline, " ")}, Script: template.JS(pageScript),
		Verdicts: strings.Join(words.closing.verdicts, " · "), Reasons: words.closing.reasons,
		Facts: strings.Join(slices.Concat(words.closing.facts, words.closing.more), " · "),
	}
	for _, g := range words.gates {
		one := htmlGate{Outcome: string(g.outcome), Text: g.text, Mood: doubt, Cases: g.cases}
		switch g.outcome {
		case result.GatePassed:
			one.Mood = good
		case result.GateFailed:
			one.Mood = bad
		}
		p.Gates = append(p.Gates, one)
	}
	for _, answer := range words.answers {
		p.Answers = append(p.Answers, newHTMLAnswer(answer))
	}
	p.Verdict, p.Mood = judged(r)
	if p.Mood == bad {
		// The headline begins with it, too.
		if lead := words.headline; len(lead) > 1 && strings.Contains(lead[0], "INVALID") {
			p.Lead = []string{strings.Join(lead[1:], " ")}
		}
		p.Banner = append(p.Banner, "The measurement is INVALID: do not act on these figures. The reasons stand below.")
	}
	hash := sha256.Sum256([]byte(pageScript))
	p.Policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	for _, f := range environment(r) {
		p.Environment = append(p.Environment, htmlFact{f.name, f.value})
	}
	document := r.Scenario.Document
	if len(document) > maxDocument {
		document = document[:maxDocument] + "\n… cut: result.json has all of it"
	}
	p.Document = strings.Join(cleanLines(document), "\n")
	p.Footer = "Made by grpcbench " + clean(r.Environment.Grpcbench) + " from result.json. Times count from when a call was due; a failed call ranks slower than any success."
	return p
}

// fill makes the sections, in as much detail as level allows.
func (p *htmlPage) fill(r *result.Result, tables []table, level float64) {
	tables = tables[:min(len(tables), mostTables)]
	rows := 0
	for i := range tables {
		rows += len(tables[i].rows)
	}
	d := shared(rows, level)
	all := galleries(r, tables, d)
	var style strings.Builder
	style.WriteString(plot.Theme(":root") + plot.Style)
	style.WriteString(pageStyle)
	p.Sections = nil
	for i := range tables {
		t := &tables[i]
		p.Sections = append(p.Sections, newHTMLSection(r, t, i, &all[i], d))
		style.WriteString(t.toggles(i, d))
	}
	p.Style = template.CSS(style.String())
}

// toggles is the rules that hide a row whose box is not ticked.
func (t *table) toggles(index int, d detail) string {
	var style strings.Builder
	for _, row := range t.drawn(d) {
		fmt.Fprintf(&style, "body:has(#t%d-%d:not(:checked)) #t%[1]d .r%[2]d{display:none}", index, t.rows[row].place)
	}
	return style.String()
}

func newHTMLSection(r *result.Result, t *table, index int, g *gallery, d detail) htmlSection {
	words := t.section(r, len(entries(r)) > 1)
	s := htmlSection{ID: sectionID(index)}
	s.head(words)
	every := make([]int, words.rows)
	for i := range every {
		every[i] = i
	}
	s.htmlTable = t.htmlTable(words.columns, every)
	s.Notes = strings.Join(notesOf(words, words.columns), " · ")
	if len(g.all()) > 0 {
		s.Legend = t.legend(index, d)
	}
	s.Spectrum, s.OverTime, s.Heat, s.Backends = t.htmlFigures(g.spectrum), t.htmlFigures(g.overTime), t.htmlFigures(g.heat), t.htmlFigures(g.backends)
	if len(words.recovery) > 0 {
		recovery := t.htmlTable(words.recovery, words.recoveryRows)
		recovery.Notes = words.recoveryNote
		s.Recovery = &recovery
	}
	for _, line := range words.remarks {
		s.Calls = append(s.Calls, strings.Join(line, " · "))
	}
	return s
}

// sectionID is the id of a table's section.
func sectionID(index int) string { return "t" + strconv.Itoa(index) }

// legend is a box for each row that is drawn, where there are several.
func (t *table) legend(index int, d detail) []htmlKey {
	var out []htmlKey
	if drawn := t.drawn(d); len(drawn) > 1 {
		for n, row := range drawn {
			out = append(out, htmlKey{
				ID: sectionID(index) + "-" + strconv.Itoa(t.rows[row].place), Color: plot.Class(t.rows[row].place), Label: t.rows[row].label,
				Shown: n < shownLines || &t.rows[row] == t.baseline,
			})
		}
	}
	return out
}

// htmlFigures are the figures as the table's section shows them.
func (t *table) htmlFigures(list []figure) []htmlFigure {
	var out []htmlFigure
	for _, f := range list {
		h := htmlFigure{Title: f.title, Notes: strings.Join(f.notes, " "), Own: strings.Join(f.own, " "), Plot: template.HTML(plot.Inline(f.plot))}
		if f.row >= 0 {
			// The section says of what; only the row is news.
			h.Title, h.Class = t.rows[f.row].label, t.rows[f.row].class()
		} else if before, _, ok := strings.Cut(f.title, ", "+t.plotted()); ok {
			h.Title = before
		}
		out = append(out, h)
	}
	return out
}

// newHTMLAnswer is a table of its own, without plots.
func newHTMLAnswer(answer section) htmlSection {
	var s htmlSection
	s.head(answer)
	for _, c := range answer.columns {
		s.Head = append(s.Head, htmlHead{c.head, c.left})
	}
	for i := range answer.rows {
		var row htmlRow
		for j := range answer.columns {
			c := &answer.columns[j]
			row.Cells = append(row.Cells, htmlCell{Text: c.text(i), Key: htmlKeyOf(c.cells[i]), Left: c.left})
		}
		s.Rows = append(s.Rows, row)
	}
	s.Notes = strings.Join(notesOf(answer, answer.columns), " · ")
	return s
}

// head takes over the lines above a table.
func (s *htmlSection) head(of section) {
	for i, line := range of.heading {
		if i == 0 {
			s.Heading = strings.Join(line, " · ")
		} else {
			s.Sub = append(s.Sub, strings.Join(line, " · "))
		}
	}
}

// htmlTable lays columns out; rows numbers the table's rows that they are of.
func (t *table) htmlTable(columns []column, rows []int) htmlTable {
	var out htmlTable
	for _, c := range columns {
		out.Head = append(out.Head, htmlHead{c.head, c.left})
	}
	for i, row := range rows {
		h := htmlRow{}
		if &t.rows[row] == t.baseline {
			h.Class = "base"
		}
		for j := range columns {
			c := htmlCell{Text: columns[j].text(i), Key: htmlKeyOf(columns[j].cells[i]), Left: columns[j].left}
			if j == 0 && len(t.rows) > 1 {
				c.Swatch = plot.Class(t.rows[row].place)
			}
			h.Cells = append(h.Cells, c)
		}
		out.Rows = append(out.Rows, h)
	}
	return out
}

// htmlKeyOf is what the page's script orders a cell by: a number, a word, or
// nothing, which stands last.
func htmlKeyOf(cell string) string {
	switch k := sortKey(cell); {
	case !k.known:
		return ""
	case math.IsInf(k.number, 1):
		return "Infinity"
	case math.IsNaN(k.number):
		return k.word
	default:
		return strconv.FormatFloat(k.number, 'g', -1, 64)
	}
}
