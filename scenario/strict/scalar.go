package strict

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// meaning is what YAML 1.2 takes an unquoted scalar for.
type meaning uint8

const (
	isText meaning = iota
	isNull
	isBool
	isNumber
)

var (
	yamlInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	yamlFloat = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// plainMeaning follows the core schema of YAML 1.2.
func plainMeaning(text string) meaning {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return isNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return isBool
	}
	if yamlInt.MatchString(text) || yamlFloat.MatchString(text) {
		return isNumber
	}
	return isText
}

// got describes a value in an error message.
func got(n *Node) string {
	switch n.Kind {
	case Map:
		return "a map"
	case Sequence:
		return "a list"
	case Null:
		return "nothing"
	}
	if n.Quoted {
		return fmt.Sprintf("%q", clip(n.Text, 40))
	}
	return clip(n.Text, 40)
}

// clip shortens a text to at most n characters and makes it printable on one
// line.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) > n {
		r := []rune(s)
		s = string(r[:n-1]) + "…"
	}
	return oneLine(s)
}

// oneLine puts spaces for tabs, line ends and other control characters.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
