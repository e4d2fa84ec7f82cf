// Package shorten cuts text to so many columns of a terminal, and keeps apart what
// differs.
package shorten

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Width is the number of columns that s takes on a terminal. Characters whose
// width depends on the locale count as one column.
func Width(s string) int {
	return twwidth.WidthWithOptions(s, twwidth.Options{})
}

// End cuts s to at most n columns, ending in … where something is missing.
func End(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n <= 0 {
		return ""
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := Width(string(r))
		if used+w > n-1 {
			break
		}
		b.WriteRune(r)
		used += w
	}
	return strings.TrimRight(b.String(), " ") + "…"
}

// Middle cuts s to at most n columns, keeping both ends.
func Middle(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 3 {
		return End(s, n)
	}
	tail := (n - 1) / 2
	runes := []rune(s)
	i, used := len(runes), 0
	for i > 0 {
		w := Width(string(runes[i-1]))
		if used+w > tail {
			break
		}
		used += w
		i--
	}
	return End(s, n-used) + string(runes[i:])
}

// Front cuts s to at most n columns, keeping the end.
func Front(s string, n int) string {
	if Width(s) <= n || n < 2 {
		return End(s, n)
	}
	runes := []rune(s)
	i := len(runes)
	for used := 1; i > 0; i-- {
		if used += Width(string(runes[i-1])); used > n {
			break
		}
	}
	return "…" + strings.TrimLeft(string(runes[i:]), " ")
}

// Narrow takes from the widest until all together are at most n.
func Narrow(widths []int, n int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > n && slices.Max(widths) > 1; sum-- {
		widths[slices.Index(widths, slices.Max(widths))]--
	}
}

// All cuts each value to n columns. Different values stay different: where they
// would look the same without their ends, their middles go instead, or what they begin
// with alike, or a bit of each part. Where all of that tells them no better apart, those
// that are cut have a number at their end, unless not even that has room.
func All(values []string, n int) []string {
	each := func(cut func(string, int) string) func() []string {
		return func() []string {
			out := make([]string, len(values))
			for i, v := range values {
				out[i] = cut(v, n)
			}
			return out
		}
	}
	var out []string
	for _, cut := range []func() []string{
		each(End), each(Middle), each(cutFrom(values)),
		func() []string { return cutParts(values, n) }, each(cutNumbered(values)),
	} {
		if out = cut(); distinct(values, out) {
			break
		}
	}
	return out
}

// cutFrom cuts values from the word on in which they begin to differ.
func cutFrom(values []string) func(string, int) string {
	common := ""
	if len(values) > 0 {
		common = values[0]
	}
	for _, v := range values {
		for !strings.HasPrefix(v, common) {
			_, size := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-size]
		}
	}
	common = common[:strings.LastIndexAny(common, " _-.,:;/=({[")+1]
	return func(v string, n int) string {
		if Width(v) <= n || n < 2 || common == "" {
			return Middle(v, n)
		}
		return "…" + End(v[len(common):], n-1)
	}
}

// cutParts cuts each part of names that have several, a + b or x=a,y=b, so that
// together they take at most n columns: something is left of all of them. Parts in the
// same place are told apart as values are; where names have not as many parts, the end
// of each is kept, where its value stands.
func cutParts(values []string, n int) []string {
	between, alike := ",", true
	if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, " + ") }) {
		between = " + "
	}
	all := make([][]string, len(values))
	for i, v := range values {
		all[i] = strings.Split(v, between)
		alike = alike && len(all[i]) == len(all[0])
	}
	if alike && len(all) > 0 {
		widths := make([]int, len(all[0]))
		for _, parts := range all {
			for j, part := range parts {
				widths[j] = max(widths[j], Width(part))
			}
		}
		Narrow(widths, n-Width(between)*(len(widths)-1))
		for j := range widths {
			column := make([]string, len(all))
			for i, parts := range all {
				column[i] = parts[j]
			}
			// A name of one part is as short as it gets without this.
			if len(widths) > 1 {
				column = All(column, widths[j])
			}
			for i := range all {
				all[i][j] = column[i]
			}
		}
	}
	out := make([]string, len(values))
	for i, parts := range all {
		if !alike {
			widths := make([]int, len(parts))
			for j, part := range parts {
				widths[j] = Width(part)
			}
			Narrow(widths, n-Width(between)*(len(parts)-1))
			for j := range parts {
				parts[j] = Front(parts[j], widths[j])
			}
		}
		out[i] = Middle(strings.Join(parts, between), n) // where that has no room
	}
	return out
}

// cutNumbered cuts a value and puts its number among the different ones behind it.
func cutNumbered(values []string) func(string, int) string {
	number := map[string]string{}
	for _, v := range values {
		if number[v] == "" {
			number[v] = "#" + strconv.Itoa(len(number)+1)
		}
	}
	return func(v string, n int) string {
		if room := n - Width(number[v]); Width(v) > n && room > 1 {
			return End(v, room) + number[v]
		}
		return Middle(v, n)
	}
}

// distinct says whether different values have different texts.
func distinct(values, texts []string) bool {
	meaning := map[string]string{}
	for i, v := range values {
		if before, seen := meaning[texts[i]]; seen && before != v {
			return false
		}
		meaning[texts[i]] = v
	}
	return true
}
