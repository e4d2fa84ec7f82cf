package strict

import "strings"

// Suggest returns the name among those allowed that was probably meant, or "".
func Suggest(name string, among []string) string {
	best, bestDistance := "", 0
	folded := fold(name)
	if folded == "" {
		return ""
	}
	for _, candidate := range among {
		other := fold(candidate)
		d := distance(folded, other)
		if allowed := (max(len([]rune(folded)), len([]rune(other))) + 1) / 3; d > allowed {
			continue
		}
		if best == "" || d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// fold makes maxInFlight, max-in-flight and MAX_IN_FLIGHT alike. Very long
// names are cut: no key is that long, and the distance is quadratic.
func fold(s string) string {
	r := []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s)))
	return string(r[:min(len(r), 64)])
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours between two words (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// oneOf lists names for a message: "a", "a or b", "a, b or c".
func oneOf(names []string) string {
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
