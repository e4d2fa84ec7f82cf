package reports

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/grpcbench/grpcbench/reports/result"
)

const (
	defaultColumns = 80
	leastColumns   = 40
	// richColumns is the width from which charts and single calls are shown.
	richColumns = 100
)

// Table writes the result for a terminal of o.Columns columns.
func Table(w io.Writer, r *result.Result, o Options) error {
	t := terminal{columns: o.Columns, color: o.Color}
	if t.columns == 0 {
		t.columns = defaultColumns
	}
	t.columns = max(t.columns, leastColumns)
	p := newPage(r)
	if err := p.choose(o); err != nil {
		return err
	}
	t.whole, t.chosen = o.Wide, len(o.Select) > 0
	if err := t.page(p); err != nil {
		return fmt.Errorf("rendering the table: %w", err)
	}
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// terminal lays a page out in lines.
type terminal struct {
	out     bytes.Buffer
	columns int
	color   bool
	whole   bool // every column, however wide
	chosen  bool // the figures were asked for: none may go
}

// The styles, as ANSI writes them.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "32"
	yellow = "33"
)

func (t *terminal) styled(text, style string) string {
	if !t.color || style == plain || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (t *terminal) lines(lines []string, style string) {
	for _, line := range lines {
		t.out.WriteString(t.styled(line, style) + "\n")
	}
}

func (t *terminal) page(p page) error {
	t.lines(wrap(strings.Join(p.banner, " "), t.columns), yellow)
	t.lines(wrap(strings.Join(p.headline, " "), t.columns), bold)
	t.out.WriteByte('\n')
	for _, s := range p.shown() {
		if err := t.section(s); err != nil {
			return err
		}
		t.out.WriteByte('\n')
	}
	t.gates(p.gates)
	t.closing(p.closing)
	return nil
}

func (t *terminal) section(s section) error {
	for _, line := range s.heading {
		t.lines(items(line, t.columns), plain)
	}
	shown := s.columns
	switch {
	case t.whole:
	case t.chosen:
		shown = fitSettings(shown, t.columns)
	default:
		shown = fit(shown, t.columns)
	}
	if err := t.grid(shown, s.rows); err != nil {
		return err
	}
	t.lines(items(notesOf(s, shown), t.columns), dim)
	if t.columns < richColumns {
		t.lines(items(s.why, t.columns), plain)
		return nil
	}
	if s.chart != nil {
		t.out.WriteByte('\n')
		t.lines(s.chart.render(t.columns), plain)
	}
	if len(s.recovery) > 0 {
		t.out.WriteByte('\n')
		if err := t.grid(fitSettings(s.recovery, t.columns), len(s.recoveryRows)); err != nil {
			return err
		}
		t.lines(wrap(s.recoveryNote, t.columns), dim)
	}
	for _, line := range s.remarks {
		t.lines(items(line, t.columns), plain)
	}
	return nil
}

// grid draws the columns between rules.
func (t *terminal) grid(columns []column, rows int) error {
	var buffer bytes.Buffer
	const rule, between = "──", "  " // as wide as gap
	symbols := tw.NewSymbolCustom("rules").WithRow("─").WithColumn(between).
		WithCenter(rule).WithTopMid(rule).WithHeaderMid(rule).WithBottomMid(rule)
	align := make([]tw.Align, len(columns))
	padding := make([]tw.Padding, len(columns))
	head := make([]string, len(columns))
	for i := range columns {
		align[i], padding[i], head[i] = tw.AlignRight, tw.PaddingNone, columns[i].head
		if columns[i].left {
			align[i] = tw.AlignLeft
		}
	}
	table := tablewriter.NewTable(&buffer,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.On, Bottom: tw.On},
			Symbols: symbols,
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.On, BetweenRows: tw.Off, ShowHeader: tw.On},
				Lines:      tw.Lines{ShowTop: tw.On, ShowBottom: tw.On, ShowHeaderLine: tw.On},
			},
		})),
		// It would rewrite the headings, and measure by the locale.
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithEastAsian(tw.Off), tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone), tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithHeaderPaddingPerColumn(padding), tablewriter.WithRowPaddingPerColumn(padding),
	)
	table.Header(head)
	for i := range rows {
		cells := make([]string, len(columns))
		for j := range columns {
			cells[j] = columns[j].text(i)
		}
		if err := table.Append(cells); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	for line := range strings.Lines(buffer.String()) {
		t.out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return nil
}

// closing writes the verdict, its reasons and the facts.
func (t *terminal) closing(c closing) {
	style := green
	switch c.verdict {
	case result.Suspect:
		style = yellow
	case result.Invalid:
		style = red
	}
	lines := items(c.verdicts, t.columns)
	if len(lines) > 0 {
		// Only the verdict itself is coloured; it never wraps.
		first := c.verdicts[0]
		lines[0] = t.styled(first, style) + strings.TrimPrefix(lines[0], first)
	}
	t.lines(lines, plain)
	for _, reason := range c.reasons {
		t.lines(wrap(reason, t.columns), plain)
	}
	facts := c.facts
	if t.columns >= richColumns {
		facts = slices.Concat(facts, c.more)
	}
	t.lines(items(facts, t.columns), plain)
}
