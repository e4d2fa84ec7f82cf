package reports

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Review writes a capacity review of the result as Markdown: the question, the
// answer in words, setup, tables and plots, findings, how far to believe it,
// and how to run it again. plots is the folder, as the document links to it,
// in which SVG's parts are; without it the document has charts in text.
func Review(w io.Writer, r *result.Result, plots string) error {
	p := newPage(r)
	tables := tablesOf(r)
	var b strings.Builder
	b.WriteString("# Capacity review: " + escaped(scenarioName(r)) + "\n\n")
	b.WriteString(paragraph(reviewLine(r)) + "\n\n")
	for _, line := range p.banner {
		b.WriteString("> **" + escaped(line) + "**\n\n")
	}
	if about := strings.TrimSpace(clean(r.Scenario.About)); about != "" {
		b.WriteString("## Question\n\n" + paragraph(about) + "\n\n")
	}
	b.WriteString("## Answer\n\n**" + escaped(strings.Join(p.headline, " ")) + "**\n\n")
	b.WriteString("## Setup\n\n")
	reviewSetup(&b, r)
	b.WriteString("## Results\n\n")
	if len(p.shown()) == 0 {
		b.WriteString("Nothing was measured.\n\n")
	}
	for _, s := range p.answers {
		markdownSection(&b, s)
	}
	var galleriesOf []gallery
	if plots != "" {
		galleriesOf = galleries(r, tables, fine(mostInFile))
	}
	for i, s := range p.sections {
		remarks := s.remarks
		s.remarks = nil // they are findings
		if plots != "" {
			s.chart = nil
		}
		markdownSection(&b, s)
		if plots != "" {
			reviewPlots(&b, galleriesOf[i].all(), plots)
		}
		p.sections[i].remarks = remarks
	}
	reviewFindings(&b, r, &p)
	if len(p.gates) > 0 {
		b.WriteString("## Gates\n\n")
		markdownGates(&b, p.gates)
	}
	b.WriteString("## Is it fit to act on?\n\n")
	if len(p.closing.verdicts) > 0 {
		b.WriteString(paragraph(strings.Join(p.closing.verdicts, " · ")) + "\n\n")
	}
	for _, reason := range p.closing.reasons {
		b.WriteString("- " + escaped(reason) + "\n")
	}
	if len(p.closing.reasons) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(paragraph(strings.Join(slices.Concat(p.closing.facts, p.closing.more), " · ")) + "\n\n")
	b.WriteString("Times count from when a call was due, not from when it was sent. A failed call ranks slower than any success: " +
		"a percentile that lands on one is `failed`. Percentiles are medians over the trials.\n\n")
	reviewReproduce(&b, r)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the review: %w", err)
	}
	return nil
}

// reviewPlots links to the plots, with each one's own notes. A note that several in a
// row share stands below the last of them.
func reviewPlots(b *strings.Builder, figures []figure, folder string) {
	if len(figures) > 0 {
		b.WriteString("#### Plots\n\n")
	}
	for i, f := range figures {
		b.WriteString("![" + altText(f.title) + "](" + link(folder, f.name+".svg") + ")\n\n")
		if len(f.own) > 0 {
			b.WriteString(paragraph(strings.Join(f.own, " ")) + "\n\n")
		}
		if len(f.notes) > 0 && (i+1 == len(figures) || !slices.Equal(figures[i+1].notes, f.notes)) {
			b.WriteString(paragraph(strings.Join(f.notes, " ")) + "\n\n")
		}
	}
}

// link is a path as a Markdown document links to it.
func link(folder, file string) string {
	var parts []string
	for part := range strings.SplitSeq(folder, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	// Escaped, too, is what would end the link.
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(strings.Join(append(parts, url.PathEscape(file)), "/"))
}

// reviewLine is when it was measured, with what, and the verdict.
func reviewLine(r *result.Result) string {
	verdict, _ := judged(r)
	parts := []string{"measurement: " + verdict}
	if !r.Started.IsZero() {
		parts = append(parts, "measured "+r.Started.UTC().Format("2006-01-02"))
	}
	if v := clean(r.Environment.Grpcbench); v != "" {
		parts = append(parts, "grpcbench "+v)
	}
	return strings.Join(append(parts, source(r.Scenario)), " · ")
}

// reviewSetup is what was compared, under which load and faults, and where.
func reviewSetup(b *strings.Builder, r *result.Result) {
	item := func(name, value string) {
		if value != "" {
			b.WriteString("- **" + escaped(name) + "**: " + escaped(value) + "\n")
		}
	}
	for _, d := range r.Scenario.Dimensions {
		values := make([]string, len(d.Values))
		for i, v := range d.Values {
			values[i] = clean(v)
		}
		role := "a condition"
		if d.Baseline != "" {
			role = "baseline " + clean(d.Baseline)
		}
		item("compared: "+shortName(d.Name), strings.Join(values, ", ")+" ("+role+")")
	}
	if len(r.Variants) > 0 {
		v := &r.Variants[0]
		for _, l := range v.Loads {
			item("load: "+clean(l.Name), describeLoad(l))
		}
		for _, f := range v.Faults {
			item("fault", faultName(f)+" "+faultTime(f))
		}
		if slices.ContainsFunc(r.Variants, func(o result.Variant) bool {
			return !slices.Equal(o.Loads, v.Loads) || !slices.EqualFunc(o.Faults, v.Faults, sameFault)
		}) {
			item("note", "loads or faults differ between the variants; these are of "+clean(v.Name))
		}
	}
	for _, f := range environment(r) {
		item(f.name, f.value)
	}
	b.WriteByte('\n')
}

// describeLoad is a load entry in words.
func describeLoad(l result.Load) string {
	of := []property{ofMethod, ofKind, ofLoop, ofMessages, ofRequest, ofResponse, ofSLO, ofTimeout}
	var parts []string
	for _, p := range of {
		if text := p.of(l); text != "" {
			if p.name == ofLoop.name {
				text += " loop"
				if first, rest, ok := strings.Cut(strings.TrimSuffix(text, " loop"), " "); ok {
					text = first + " loop, " + rest
				}
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " · ")
}

// reviewFindings says in a list what the figures show.
func reviewFindings(b *strings.Builder, r *result.Result, p *page) {
	var out []string
	for _, s := range p.headline {
		out = append(out, strings.ReplaceAll(s, "\u00a0", " "))
	}
	for _, state := range states(r) {
		out = append(out, "State: "+state+".")
	}
	for _, s := range p.sections {
		for _, line := range s.remarks {
			out = append(out, strings.Join(line, " · "))
		}
	}
	if len(out) == 0 {
		return
	}
	b.WriteString("## Findings\n\n")
	for _, line := range out {
		b.WriteString("- " + escaped(line) + "\n")
	}
	b.WriteByte('\n')
}

// reviewReproduce is how to run it again.
func reviewReproduce(b *strings.Builder, r *result.Result) {
	name := safe(scenarioName(r)) + ".yaml"
	b.WriteString("## How to reproduce\n\n")
	if r.Scenario.Document == "" {
		b.WriteString("The result holds no scenario document.\n")
		return
	}
	b.WriteString("Save the scenario below, which is as it was run, as `" + name + "`, and:\n\n```sh\ngrpcbench run " + name + "\n```\n\n" +
		"Everything random follows from the seed. The document's SHA-256 is `" + safe(r.Scenario.SHA256) + "`.\n\n" + fenced(r.Scenario.Document, "yaml"))
}
