package reports

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/grpcbench/grpcbench/reports/shorten"
)

// clean makes text of a server or a document safe to print on one line:
// whitespace becomes a space; control characters, which a terminal obeys, and
// format characters, among them those that reverse the direction of text,
// become U+FFFD. So does what is not UTF-8. What a CI system would take for an
// order of the job's, wherever it is printed, becomes something that looks alike.
func clean(s string) string {
	return disarmed(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.Is(unicode.Zs, r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, s))
}

// orders are what CI systems obey in a log: GitHub's workflow commands at the begin
// of a line (::error::) and, like Azure's, within one (##[group], ##vso[task…]).
var orders = regexp.MustCompile(`(?i)::((?:error|warning|notice|debug|group|endgroup|add-mask|add-matcher|remove-matcher|add-path|set-env|set-output|save-state|echo|stop-commands|internal-set-repo-path)\b)|##([a-z]*\[)`)

// disarmed writes orders with colons that are ratios, and with a space within.
func disarmed(s string) string {
	if !strings.Contains(s, "::") && !strings.Contains(s, "##") {
		return s
	}
	return orders.ReplaceAllStringFunc(s, func(order string) string {
		if rest, ok := strings.CutPrefix(order, "::"); ok {
			return "∶∶" + rest
		}
		return "# #" + strings.TrimPrefix(order, "##")
	})
}

// width is the number of columns that s takes on a terminal.
func width(s string) int { return shorten.Width(s) }

// wrap breaks text at spaces into lines of at most n columns; a word that is
// longer than a line is broken anywhere. A no-break space (U+00A0) holds its
// neighbours together and is printed as a space.
func wrap(text string, n int) []string {
	var lines []string
	line, used := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, strings.ReplaceAll(line, "\u00a0", " "))
		}
		line, used = "", 0
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' }) {
		w := width(word)
		if used > 0 && used+1+w > n {
			flush()
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		for _, r := range word {
			rw := width(string(r))
			if used > 0 && used+rw > n {
				flush()
			}
			line, used = line+string(r), used+rw
		}
	}
	flush()
	return lines
}

// held joins the words of s with no-break spaces, so that wrap keeps them on
// one line where they fit.
func held(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") }

// items joins items with a middle dot into lines of at most n columns. A line
// ends between two items, unless one alone is longer than a line.
func items(list []string, n int) []string {
	var lines []string
	line := ""
	for _, item := range list {
		switch {
		case line == "":
			line = item
		case width(line)+3+width(item) <= n:
			line += " · " + item
		default:
			lines, line = append(lines, line), item
		}
		if width(line) > n {
			// An item of blanks alone leaves no line at all.
			broken := append([]string{""}, wrap(line, n)...)
			lines, line = append(lines, broken[1:max(1, len(broken)-1)]...), broken[len(broken)-1]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
