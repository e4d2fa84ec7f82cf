package reports

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/plot"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

//go:embed page/live.html
var liveTemplate string

//go:embed page/live.css
var liveStyle string

//go:embed page/live.js
var liveScript string

const (
	// liveRefresh is after how many seconds the live page is loaded again where
	// there is no JavaScript.
	liveRefresh = 5
	// mostStrips is how many variants' trials are shown one by one.
	mostStrips = 24
)

// Moment is a run that is under way, as it stands: beside its finished trials.
type Moment struct {
	// Variant is the name of the one under way, empty when there is none.
	Variant       string
	Block, Blocks int // from 1
	Trial, Trials int // from 1, over the whole run
	Phase         string
	Measuring     bool
	// Elapsed and Remaining are of the whole run; Remaining is planned time.
	Elapsed, Remaining time.Duration
	// Second is the last that ended in this trial, nil before the first; in
	// Lasted of it calls were due, 0 while it drains.
	Second *result.Interval
	Lasted time.Duration
	// Seconds are the whole ones of its measurement, Responses the response
	// times of its OK calls by load entry: none of a trial that another build
	// runs, which tells of its seconds without them.
	Seconds []result.Interval
	// Began is when it began, At when this moment was, Measured how much of the
	// measurement has passed, Totals what ended in it, its drain included;
	// InTime how many of these were OK before the drain.
	Began, At time.Time
	Measured  time.Duration
	Totals    []result.IntervalSeries
	InTime    []int64
	Responses map[string]*result.Histogram
	// Ended is that the run is over; Where says where its report is.
	Ended bool
	Where string
}

// Live renders a run while it is under way: the page that its result will be,
// with plots that grow. What it reads of the finished trials it reads once, in
// NewLive; to render a Moment takes about a millisecond for a few variants.
// One goroutine may use it at a time.
type Live struct {
	result   *result.Result
	template *template.Template
	detail   detail
	page     *htmlPage
	toggles  string
	sections []*liveSection
}

// liveSection is a load entry under one combination of conditions. Its plots
// are drawn of all variants that are planned, its table of those measured.
type liveSection struct {
	id      string
	planned table
	// Of the finished trials:
	spectrum []plot.Line
	trials   []int // that each line of spectrum is of
	seconds  []timeline
}

// livePage is what the template is filled with.
type livePage struct {
	*htmlPage
	Refresh int
	Toggles template.CSS
	Now     liveNow
}

// liveNow is the moment in words and figures. Its text is clean.
type liveNow struct {
	Mood, Word string
	Where      []string
	Clock      string
	Percent    int
	Entries    []liveEntry
	Trials     []liveTrials
}

type liveEntry struct {
	Name  string
	Tiles []liveTile
}

type liveTile struct{ Value, Unit, Label string }

// liveTrials is a variant's trials: done, INVALID, running, or to come.
type liveTrials struct {
	Label, Color string
	Marks        []string
}

// NewLive reads the trials that have ended.
func NewLive(r *result.Result) (*Live, error) {
	t, err := newTemplate(liveTemplate)
	if err != nil {
		return nil, err
	}
	l := &Live{result: r, template: t, page: newHTMLPage(r)}
	l.page.Script = template.JS(pageScript + liveScript)
	l.page.Style = template.CSS(plot.Theme(":root") + plot.Style + pageStyle + liveStyle)
	l.page.Footer = "Made by grpcbench " + clean(r.Environment.Grpcbench) + ". Times count from when a call was due; a failed call ranks slower than any success. Rows and plots of finished trials change when a trial ends; the line with a dot is the trial under way."
	if !measured(r) {
		l.page.Lead, l.page.Verdicts, l.page.Mood = []string{"No trial has ended yet."}, "", doubt
	}
	l.page.Banner = nil // it is partial, of course
	if l.page.Mood == bad {
		l.page.Banner = []string{"A trial that has ended is INVALID: do not act on these figures. The reasons stand below."}
	}
	names, groups := entries(r), conditions(r)
	l.detail = shared(len(names)*len(r.Variants), 1)
	for _, entry := range names {
		for _, g := range groups {
			if planned := newPlannedTable(r, entry, g); len(planned.rows) > 0 && len(l.sections) < mostTables {
				s := &liveSection{id: sectionID(len(l.sections)), planned: planned}
				s.spectrum, s.trials = s.planned.spectrumLines(l.detail)
				s.seconds, _ = s.planned.timelines(l.detail)
				l.sections = append(l.sections, s)
			}
		}
	}
	l.page.Sections = nil
	for i, s := range l.sections {
		l.page.Sections = append(l.page.Sections, l.section(i, s))
		l.toggles += s.planned.toggles(i, l.detail)
	}
	return l, nil
}

// newPlannedTable has a row for every variant that is going to be measured,
// without figures.
func newPlannedTable(r *result.Result, entry string, g group) table {
	t := newTable(r, entry, group{conditions: g.conditions})
	for i, v := range g.variants {
		samples := stats.Samples(v, entry)
		planned := len(samples) > 0
		for _, l := range v.Loads {
			planned = planned || l.Name == entry
		}
		if !planned {
			continue
		}
		l := loadOf(v, entry, &result.Series{})
		t.rows = append(t.rows, row{
			variant: v, place: i, label: t.label(v, len(t.dimensions) > 1), load: l, faults: faultsOf(v, l), samples: samples,
			figures: stats.Aggregate(samples),
		})
	}
	t.shortenLabels()
	for i := range t.rows {
		if t.isBaseline(t.rows[i].variant) && len(t.rows) > 1 {
			t.baseline = &t.rows[i]
		}
	}
	return t
}

// section is a section but for its plots, which Plots draws.
func (l *Live) section(index int, s *liveSection) htmlSection {
	several := len(entries(l.result)) > 1
	g := group{conditions: s.planned.conditions}
	for i := range s.planned.rows {
		g.variants = append(g.variants, s.planned.rows[i].variant)
	}
	out := htmlSection{ID: s.id}
	if t := newTable(l.result, s.planned.entry, g); len(t.rows) > 0 {
		plots := gallery{heat: t.heat(l.detail, strings.Clone), backends: t.backends(l.detail, strings.Clone)}
		out = newHTMLSection(l.result, &t, index, &plots, l.detail)
	} else {
		out.head(section{heading: [][]string{s.planned.what(l.result, several)}})
	}
	out.Legend = s.planned.legend(index, l.detail)
	return out
}

// underWay is the moment's place among the section's rows.
func (s *liveSection) underWay(m *Moment) (row int, ok bool) {
	for i := range s.planned.rows {
		if s.planned.rows[i].variant.Name == m.Variant {
			return i, true
		}
	}
	return 0, false
}

// plots draws the section at a moment.
func (l *Live) plots(s *liveSection, m *Moment) htmlSection {
	t := &s.planned
	lines, seconds := s.spectrum, s.seconds
	var notes []string
	if len(lines) > 0 {
		notes = append(t.spectrumNotes(lines, s.trials), t.provisos(l.detail)...)
	}
	at, running := s.underWay(m)
	if running && len(m.Seconds) > 0 {
		r := &t.rows[at]
		label := r.label + ", now"
		var ended int64
		for _, in := range m.Seconds {
			for _, one := range in.Series {
				if one.Name == t.entry {
					ended += one.OK + one.Failed + one.Dropped
				}
			}
		}
		if points := nowSpectrum(m.Responses[t.entry], ended, l.detail.quantiles); len(points) > 0 {
			notes = append(notes, "Thick: the trial under way, as far as it has come.")
			lines = append(lines[:len(lines):len(lines)], plot.Line{Label: label, Color: r.place, Class: "now " + r.class(), Points: points})
		}
		trial := &result.Trial{Intervals: m.Seconds, MeasuredNS: math.MaxInt64}
		now := t.secondsOf([]*result.Trial{trial}, false)
		seconds = append(seconds[:len(seconds):len(seconds)], timeline{label: label, row: at, seconds: now, head: true})
	}
	length := int(l.result.Scenario.MeasureNS / int64(time.Second))
	for _, one := range seconds {
		length = max(length, len(one.seconds))
	}
	var out htmlSection
	if p, any := t.spectrumPlot(lines); any {
		out.Spectrum = t.htmlFigures([]figure{{title: p.Title, plot: p, row: -1, notes: notes}})
	}
	if length >= shortestChart && len(seconds) > 0 {
		out.OverTime = t.htmlFigures(t.overTimePlots(l.detail, seconds, length, strings.Clone))
	}
	return out
}

// nowSpectrum is the quantiles in ms of the calls of a trial under way that
// have ended, as far as there are enough of them.
func nowSpectrum(h *result.Histogram, ended int64, n int) []plot.Point {
	nines := math.Log10(float64(ended) / -math.Log(0.025))
	if h == nil || !(nines > leastNines) {
		return nil
	}
	qs := make([]float64, n+1)
	at := func(i int) float64 { return leastNines + (nines-leastNines)*float64(i)/float64(n) }
	for i := range qs {
		qs[i] = 1 - math.Pow(10, -at(i))
	}
	var points []plot.Point
	for i, v := range h.Quantiles(ended, qs...) {
		if v == nil {
			return append(points, plot.Point{X: at(i), Y: math.Inf(1)})
		}
		points = append(points, plot.Point{X: at(i), Y: ms(*v)})
	}
	return points
}

// Plots is the plots of the trial under way, by the id of the element that
// they are in.
func (l *Live) Plots(m *Moment) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range l.sections {
		if _, running := s.underWay(m); !running {
			continue
		}
		text, err := l.execute("plots", l.plots(s, m))
		if err != nil {
			return nil, err
		}
		out[s.id+"-plots"] = text
	}
	return out, nil
}

// Now is the moment in words and figures, as HTML.
func (l *Live) Now(m *Moment) (string, error) { return l.execute("now", l.now(m)) }

// Report is all that the finished trials show, with the plots of the moment,
// as HTML.
func (l *Live) Report(m *Moment) (string, error) {
	return l.execute("report", l.fill(m))
}

// Page writes the whole page.
func (l *Live) Page(w io.Writer, m *Moment) error {
	text, err := l.execute("page", l.fill(m))
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	return err
}

// Policy is the Content-Security-Policy that the page is served with: nothing
// but itself and its own events.
func (l *Live) Policy() string {
	hash := sha256.Sum256([]byte(l.page.Script))
	return "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(hash[:]) + "'"
}

func (l *Live) fill(m *Moment) livePage {
	page := *l.page
	p := livePage{htmlPage: &page, Refresh: liveRefresh, Toggles: template.CSS(l.toggles), Now: l.now(m)}
	if m.Ended {
		p.Refresh = 0
		final := newHTMLPage(l.result)
		page.Banner, page.Lead = final.Banner, final.Lead
	}
	page.Sections = append([]htmlSection(nil), l.page.Sections...)
	for i, s := range l.sections {
		plots := l.plots(s, m)
		page.Sections[i].Spectrum, page.Sections[i].OverTime = plots.Spectrum, plots.OverTime
	}
	return p
}

func (l *Live) execute(name string, data any) (string, error) {
	var text bytes.Buffer
	if err := l.template.ExecuteTemplate(&text, name, data); err != nil {
		return "", fmt.Errorf("filling the live page: %w", err)
	}
	return text.String(), nil
}

// now puts the moment into words.
func (l *Live) now(m *Moment) liveNow {
	n := liveNow{Mood: "running", Word: "live"}
	whole := m.Elapsed + m.Remaining
	if whole > 0 {
		n.Percent = int(min(100, 100*m.Elapsed/whole))
	}
	n.Trials = l.strips(m)
	if m.Ended {
		verdict, mood := judged(l.result)
		n.Mood, n.Word, n.Percent = string(mood), verdict, 100
		n.Where = []string{"The run has ended"}
		if m.Where != "" {
			n.Where = append(n.Where, "report in "+clean(m.Where))
		}
		n.Clock = setting(int64(m.Elapsed.Round(time.Second))) + " in all"
		return n
	}
	if m.Variant == "" {
		n.Where = []string{"Starting"}
		if m.Trial > 0 {
			n.Where = []string{fmt.Sprintf("Trial %d of %d has ended", m.Trial, m.Trials)}
		}
		n.Entries = l.entries(m)
		return n
	}
	n.Where = []string{clean(m.Variant), m.Phase, fmt.Sprintf("trial %d of %d", m.Trial, m.Trials)}
	if m.Blocks > 1 && m.Blocks != m.Trials {
		n.Where = append(n.Where, fmt.Sprintf("block %d of %d", m.Block, m.Blocks))
	}
	if length := l.result.Scenario.MeasureNS; m.Measuring && len(m.Seconds) > 0 && length >= int64(2*time.Second) {
		n.Where[1] += fmt.Sprintf(", second %d of %s", len(m.Seconds), trimmed(math.Ceil(time.Duration(length).Seconds())))
	}
	n.Clock = clock(m.Elapsed) + " elapsed, " + clock(m.Remaining) + " left"
	n.Entries = l.entries(m)
	return n
}

// entries are the last second's figures, or the places for them.
func (l *Live) entries(m *Moment) []liveEntry {
	var out []liveEntry
	for _, name := range entries(l.result) {
		e := liveEntry{Tiles: tiles(nil, 0)}
		if m.Second != nil {
			for i := range m.Second.Series {
				if s := &m.Second.Series[i]; s.Name == name {
					e.Tiles = tiles(s, m.Lasted)
				}
			}
		}
		if len(entries(l.result)) > 1 {
			e.Name = clean(name)
		}
		out = append(out, e)
	}
	return out
}

// clock is a length of time as clocks count it.
func clock(d time.Duration) string {
	d = max(0, d.Round(time.Second))
	if d < time.Hour {
		return fmt.Sprintf("%d:%02d", int(d/time.Minute), int(d%time.Minute/time.Second))
	}
	return fmt.Sprintf("%d:%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute), int(d%time.Minute/time.Second))
}

// tiles are the last second's figures of one load entry; nil has none yet, and
// takes as much room.
func tiles(s *result.IntervalSeries, lasted time.Duration) []liveTile {
	out := []liveTile{
		{Label: "calls due"}, {Label: "goodput"}, {Label: "p99 of OK calls"}, {Label: "failed"}, {Label: "in flight"}, {Label: "attempts"},
	}
	for i := range out {
		out[i].Value = "–"
	}
	if s == nil {
		return out
	}
	for i, n := range map[int]int64{0: s.Planned, 1: s.InSLO, 3: s.Failed} {
		if per := lasted.Seconds(); per > 0 {
			out[i].Value, out[i].Unit = perSecond(float64(n)/per), "/s"
		} else {
			out[i].Value = count(n) // in the drain, which has no length of its own
		}
	}
	if s.P99NS > 0 {
		out[2].Value, out[2].Unit, _ = strings.Cut(duration(float64(s.P99NS)), " ")
	}
	out[4].Value = count(s.InFlight)
	if ended := s.OK + s.Failed; ended > 0 {
		out[5].Value, out[5].Unit = separated(float64(s.Attempts)/float64(ended), 2), "a call"
	}
	return out
}

// strips are the variants' trials, where there are several variants and not
// too many.
func (l *Live) strips(m *Moment) []liveTrials {
	r := l.result
	if len(r.Variants) > mostStrips || len(r.Variants)*r.Scenario.Trials > 400 {
		return nil
	}
	var out []liveTrials
	for _, g := range conditions(r) {
		labels := table{dimensions: comparedOf(r)}
		for i, v := range g.variants {
			s := liveTrials{Label: strings.Join(append(append([]string(nil), g.conditions...), labels.label(v, len(labels.dimensions) > 1)), " · "), Color: plot.Class(i)}
			for j := range v.Trials {
				mark := "done"
				if result.Worst(v.Trials[j].Validity.Verdict, result.Suspect) == result.Invalid {
					mark = "INVALID"
				}
				s.Marks = append(s.Marks, mark)
			}
			if !m.Ended && v.Name == m.Variant {
				s.Marks = append(s.Marks, "running")
			}
			for len(s.Marks) < r.Scenario.Trials {
				s.Marks = append(s.Marks, "to-come")
			}
			out = append(out, s)
		}
	}
	return out
}

// comparedOf is the dimensions with a baseline.
func comparedOf(r *result.Result) []result.Dimension {
	return newTable(r, "", group{}).dimensions
}
