package reports

import "slices"

// notesOf collects what the shown columns need explained, each thing once.
func notesOf(shown []column) []string {
	var all []note
	for _, c := range shown {
		for _, n := range c.notes {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b note) int { return a.order - b.order })
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.text
	}
	return out
}
