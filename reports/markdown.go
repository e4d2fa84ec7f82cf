package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/grpcbench/grpcbench/reports/result"
)

// markdownChart is the width of a chart in a Markdown document.
const markdownChart = 100

// Markdown writes the result as GitHub-flavoured Markdown, with every column.
func Markdown(w io.Writer, r *result.Result, _ Options) error {
	p := newPage(r)
	var b strings.Builder
	if len(p.banner) > 0 {
		b.WriteString("> " + escaped(strings.Join(p.banner, " ")) + "\n\n")
	}
	b.WriteString("**" + escaped(strings.Join(p.headline, " ")) + "**\n\n")
	for _, s := range p.shown() {
		markdownSection(&b, s)
	}
	markdownGates(&b, p.gates)
	c := p.closing
	if len(c.verdicts) > 0 {
		b.WriteString(paragraph(strings.Join(c.verdicts, " · ")) + "\n\n")
	}
	for _, reason := range c.reasons {
		b.WriteString("- " + escaped(reason) + "\n")
	}
	if len(c.reasons) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(paragraph(strings.Join(slices.Concat(c.facts, c.more), " · ")) + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the Markdown: %w", err)
	}
	return nil
}

func markdownSection(b *strings.Builder, s section) {
	for i, line := range s.heading {
		if i == 0 {
			b.WriteString("### ")
		}
		b.WriteString(paragraph(strings.Join(line, " · ")) + "\n\n")
	}
	markdownTable(b, s.columns, s.rows)
	if notes := notesOf(s, s.columns); len(notes) > 0 {
		b.WriteString(paragraph(strings.Join(notes, " · ")) + "\n\n")
	}
	if s.chart != nil {
		b.WriteString("```text\n")
		for _, line := range s.chart.render(markdownChart) {
			// A backtick could end the block.
			b.WriteString(strings.ReplaceAll(line, "`", "'") + "\n")
		}
		b.WriteString("```\n\n")
	}
	if len(s.recovery) > 0 {
		b.WriteString("#### Recovery\n\n")
		markdownTable(b, s.recovery, len(s.recoveryRows))
		b.WriteString(paragraph(s.recoveryNote) + "\n\n")
	}
	for _, line := range s.remarks {
		b.WriteString(paragraph(strings.Join(line, " · ")) + "\n\n")
	}
}

func markdownTable(b *strings.Builder, columns []column, rows int) {
	var head, rule []string
	for _, c := range columns {
		head = append(head, escaped(c.head))
		if c.left {
			rule = append(rule, ":---")
		} else {
			rule = append(rule, "---:")
		}
	}
	b.WriteString("| " + strings.Join(head, " | ") + " |\n| " + strings.Join(rule, " | ") + " |\n")
	for i := range rows {
		b.WriteByte('|')
		for j := range columns {
			b.WriteString(" " + escaped(columns[j].text(i)) + " |")
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// paragraph is escaped text at the start of a line, where a list, a rule or a
// heading could begin.
func paragraph(s string) string {
	text := escaped(s)
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if rest := text[digits:]; rest != "" && (digits == 0 && strings.ContainsRune("-+=", rune(rest[0])) ||
		digits > 0 && strings.ContainsRune(".)", rune(rest[0]))) {
		return text[:digits] + `\` + rest
	}
	return text
}

// escaped makes text of any origin plain text in a GFM paragraph, heading or
// cell. Backslash escapes hold for the pipe too, which would end a cell. What GitHub
// would make of it after Markdown, a mention, say, is broken: see breaksAfter.
func escaped(s string) string { return escape(s, true) }

// altText is escaped for the text that stands for a picture, where nothing becomes a
// link, and markup would be read out.
func altText(s string) string { return escape(s, false) }

func escape(s string, inert bool) string {
	var b strings.Builder
	runes := []rune(clean(s))
	for i, r := range runes {
		switch r {
		case '\\', '|', '`', '*', '[', ']', '#', '~':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '_':
			// Inside a word it means nothing.
			if i == 0 || i == len(runes)-1 || !inWord(runes[i-1]) || !inWord(runes[i+1]) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '&':
			b.WriteString("&amp;")
		default:
			if r == '$' && inert {
				b.WriteString(dollar)
			} else {
				b.WriteRune(r)
			}
		}
		if inert && breaksAfter(runes, i) {
			b.WriteString(nothing)
		}
	}
	return b.String()
}

func inWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
