package reports

import "slices"

// notesOf collects the section's notes and what the shown columns need
// explained, each thing once.
func notesOf(s section, shown []column) []string {
	all := slices.Clone(s.notes)
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
