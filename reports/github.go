package reports

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/reports/result"
)

// maxSummary is where a step summary is cut: GitHub refuses one of more than
// 1 MiB, and another step may have written to it before.
const maxSummary = 900 << 10

// GitHub writes Markdown for $GITHUB_STEP_SUMMARY: the tables, then the run's
// environment and scenario to unfold. What is over 900 KiB is cut, and said.
func GitHub(w io.Writer, results []*result.Result, _ Options) error {
	var b strings.Builder
	for i, r := range results {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("## " + escaped(scenarioName(r)+":") + " " + summaryVerdict(r) + summaryGates(r) + "\n\n")
		if about := strings.TrimSpace(clean(r.Scenario.About)); about != "" {
			b.WriteString(paragraph(about) + "\n\n")
		}
		if err := Markdown(&b, r, Options{}); err != nil {
			return err
		}
		b.WriteString("\n<details>\n<summary>Environment and scenario</summary>\n\n")
		for _, f := range environment(r) {
			b.WriteString("- " + escaped(f.name+": "+f.value) + "\n")
		}
		if r.Scenario.Document != "" {
			b.WriteString("\n" + fenced(r.Scenario.Document, "yaml"))
		}
		b.WriteString("\n</details>\n")
	}
	if _, err := io.WriteString(w, cutMarkdown(b.String(), maxSummary)); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// summaryVerdict is the verdict with a mark that is seen from afar.
func summaryVerdict(r *result.Result) string {
	word, how := judged(r)
	return map[mood]string{good: "✅", doubt: "⚠️", bad: "❌"}[how] + " " + escaped(word)
}

// summaryGates is how the gates turned out, with a mark, after the verdict.
func summaryGates(r *result.Result) string {
	if len(r.Gates) == 0 {
		return ""
	}
	worst := result.GatePassed
	for _, g := range r.Gates {
		switch {
		case g.Outcome == result.GateFailed, worst == result.GatePassed:
			worst = g.Outcome
		}
	}
	return " · " + gateMark(worst) + " " + gateCount(r)
}

// fenced is text as a code block that its own backticks cannot end.
func fenced(text, language string) string {
	longest, run := 2, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	return fence + language + "\n" + strings.Join(cleanLines(text), "\n") + "\n" + fence + "\n"
}

// cleanLines is clean of each line, without blank ones at the end.
func cleanLines(text string) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		out = append(out, strings.TrimRight(clean(line), " "))
	}
	return out
}

// cutMarkdown cuts the text to at most limit bytes, between two lines where it
// can, closes what it left open, and says what is missing.
func cutMarkdown(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	notice := "\n**Cut here: the whole report is " + count(int64(len(text))) + " bytes long. `grpcbench report --format markdown` prints all of it.**\n"
	room := limit - len(notice) - len("\n</details>\n") - 100 // and a fence
	kept := text[:room]
	if at := strings.LastIndexByte(kept, '\n'); at > room/2 {
		kept = kept[:at+1]
	} else {
		for !utf8.ValidString(kept[max(0, len(kept)-utf8.UTFMax):]) && len(kept) > 0 && !utf8.RuneStart(text[len(kept)]) {
			kept = kept[:len(kept)-1]
		}
		kept += "\n"
	}
	fence, unfolded := "", 0
	for line := range strings.Lines(kept) {
		line = strings.TrimRight(line, "\n")
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && line == fence:
			fence = ""
		case fence == "" && line == "<details>":
			unfolded++
		case fence == "" && line == "</details>":
			unfolded--
		}
	}
	if fence != "" {
		kept += fence + "\n"
	}
	if unfolded > 0 {
		kept += "\n</details>\n"
	}
	return kept + notice
}
