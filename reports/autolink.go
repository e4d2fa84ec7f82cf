package reports

import (
	"slices"
	"strings"
	"unicode"
)

// GitHub looks for mentions, references and emoji in what Markdown has become, where
// backslashes and entities are gone: `\@name` and `&#64;name` are mentions, and notify
// (github/markup#1168, github/cmark-gfm#181). Markup in between keeps them apart, and is
// not seen.
const (
	nothing = "<!-- -->"
	// dollar is one that begins no formula, as GitHub's manual has it.
	dollar = "<span>$</span>"
)

// breaksAfter says that GitHub could make something else of the text around i, unless it
// is broken behind it: a mention or an address (a@b), an issue (#1, GH-1), a link
// (https://, www.) or an emoji (:a:). What looks like the hash of a commit is left alone:
// it becomes a link only where the repository has that commit.
func breaksAfter(text []rune, i int) bool {
	rest := text[i+1:]
	switch text[i] {
	case '@':
		return len(rest) > 0 && !unicode.IsSpace(rest[0])
	case '#':
		return startsWithDigit(rest)
	case '-':
		return startsWithDigit(rest) && strings.EqualFold(wordBefore(text, i), "gh")
	case ':':
		if len(rest) > 1 && rest[0] == '/' && rest[1] == '/' {
			return slices.Contains([]string{"http", "https", "ftp"}, strings.ToLower(lettersBefore(text, i)))
		}
		return shortcode(rest)
	case 'w', 'W':
		return len(rest) > 1 && rest[0] == '.' && !unicode.IsSpace(rest[1]) && strings.EqualFold(wordBefore(text, i+1), "www")
	}
	return false
}

func startsWithDigit(text []rune) bool { return len(text) > 0 && '0' <= text[0] && text[0] <= '9' }

// shortcode says whether what follows a colon can be the name of an emoji. A port or a
// part of a time cannot, as :100: and :1234: can.
func shortcode(text []rune) bool {
	end := slices.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r != '+' && r != '-' && !inWord(r) })
	if end < 1 || text[end] != ':' {
		return false
	}
	name := string(text[:end])
	return name == "100" || name == "1234" || strings.Trim(name, "0123456789") != ""
}

// wordBefore is the letters, digits and underscores that end before i.
func wordBefore(text []rune, i int) string { return before(text, i, inWord) }

// lettersBefore is the ASCII letters that end before i.
func lettersBefore(text []rune, i int) string {
	return before(text, i, func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' })
}

func before(text []rune, i int, belongs func(rune) bool) string {
	from := i
	for from > 0 && belongs(text[from-1]) {
		from--
	}
	return string(text[from:i])
}
