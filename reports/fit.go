package reports

import (
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/shorten"
)

const (
	gap         = 2 // columns between two columns of a table
	minSettings = 6 // columns that a settings column keeps at least
	// settingsShare of the line is what settings may take while figures are
	// being dropped for want of room.
	settingsShare = 0.45
)

// fit chooses the columns that a line of n columns has room for, and shortens
// settings that are too long. Of the figures, those of the highest rank go
// first; the first of them always stays.
func fit(all []column, n int) []column {
	shown := slices.Clone(all)
	if total(shown) <= n {
		return shown
	}
	settings := countSettings(shown)
	budget := int(settingsShare * float64(n))
	if settings*(minSettings+gap) > budget {
		shown = append([]column{merged(shown[:settings])}, shown[settings:]...)
		settings = 1
	}
	figures := func() int { return total(shown[settings:]) }
	natural := total(shown[:settings])
	var dropped []int // ranks
	for len(shown)-settings > 1 && min(natural, budget)+gap+figures() > n {
		last := settings
		for i := settings; i < len(shown); i++ {
			if shown[i].rank > shown[last].rank {
				last = i
			}
		}
		dropped = append(dropped, shown[last].rank)
		shown = slices.Delete(shown, last, last+1)
	}
	// A narrow column may fit where a wider one of more interest did not.
	slices.Sort(dropped)
	for _, rank := range dropped {
		if with := restored(all, shown, rank); min(natural, budget)+gap+total(with[settings:]) <= n {
			shown = with
		}
	}
	// What the figures leave goes back to the settings.
	squeeze(shown[:settings], n-gap-figures())
	return shown
}

// restored is shown with the column of that rank back in its place.
func restored(all, shown []column, rank int) []column {
	var out []column
	for _, c := range shown {
		if c.rank == rankSettings {
			out = append(out, c)
		}
	}
	for _, c := range all {
		if c.rank == rankSettings {
			continue
		}
		here := slices.ContainsFunc(shown, func(s column) bool { return s.rank == c.rank })
		if here || c.rank == rank {
			out = append(out, c)
		}
	}
	return out
}

// total is the width of the columns beside each other.
func total(columns []column) int {
	sum := gap * max(0, len(columns)-1)
	for i := range columns {
		sum += columns[i].width()
	}
	return sum
}

func (c *column) width() int {
	w := width(c.head)
	for i := range c.cells {
		w = max(w, width(c.cells[i])+width(c.markOf(i)))
	}
	return w
}

func (c *column) markOf(i int) string {
	if c.marks == nil {
		return ""
	}
	return c.marks[i]
}

// text is the cell as it is shown.
func (c *column) text(i int) string { return c.cells[i] + c.markOf(i) }

func countSettings(columns []column) int {
	n := 0
	for _, c := range columns {
		if c.rank == rankSettings {
			n++
		}
	}
	return n
}

// merged makes one column of several settings.
func merged(settings []column) column {
	out := settings[0]
	var heads []string
	for _, c := range settings {
		heads = append(heads, c.head)
	}
	out.head = strings.Join(heads, " + ")
	out.cells = make([]string, len(settings[0].cells))
	for i := range out.cells {
		var values []string
		for _, c := range settings {
			values = append(values, c.cells[i])
		}
		out.cells[i] = strings.Join(values, " + ")
	}
	return out
}

// squeeze shortens the widest of the settings until together they take at most
// n columns.
func squeeze(settings []column, n int) {
	widths := make([]int, len(settings))
	for i := range settings {
		widths[i] = settings[i].width()
	}
	shorten.Narrow(widths, n-gap*max(0, len(settings)-1))
	for i := range settings {
		c := &settings[i]
		if c.width() <= widths[i] {
			continue
		}
		mark := 0
		for j := range c.cells {
			mark = max(mark, width(c.markOf(j)))
		}
		c.head = shorten.End(c.head, widths[i])
		c.cells = shorten.All(c.cells, max(1, widths[i]-mark))
	}
}
