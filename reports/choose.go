package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// choose applies Options.Select, Sort and Wide to the page's tables. A column
// that is in none of them is an error.
func (p *page) choose(o Options) error {
	for _, name := range o.Select {
		if err := p.known("--columns", name, false); err != nil {
			return err
		}
	}
	by, down := strings.CutPrefix(o.Sort, "-")
	if o.Sort != "" {
		if err := p.known("--sort", by, true); err != nil {
			return err
		}
	}
	shown := p.shown()
	for i := range shown {
		s := &shown[i]
		all := slices.Concat(s.columns, s.moved)
		if o.Sort != "" {
			s.sort(all, by, down)
		}
		if len(o.Select) == 0 {
			if o.Wide {
				s.columns = all
			}
			continue
		}
		chosen := slices.Clone(s.columns[:countSettings(s.columns)])
		for _, name := range o.Select {
			if at := find(all, name, false); at >= 0 {
				chosen = append(chosen, all[at])
			}
		}
		s.columns = chosen
	}
	return nil
}

// known says what is wrong with the name of a column.
func (p *page) known(option, name string, settings bool) error {
	var names []string
	for _, s := range p.shown() {
		all := slices.Concat(s.columns, s.moved)
		if find(all, name, settings) >= 0 {
			return nil
		}
		for i := range all {
			if key := all[i].key(); (settings || all[i].rank != rankSettings) && !slices.Contains(names, key) {
				names = append(names, key)
			}
		}
	}
	if len(names) == 0 {
		return nil // there is no table at all
	}
	return &OptionError{option, fmt.Sprintf("no table has a column %q; there are %s", clean(name), strings.Join(names, ", "))}
}

// find is the index of the column of that name, or -1.
func find(columns []column, name string, settings bool) int {
	return slices.IndexFunc(columns, func(c column) bool {
		return (settings || c.rank != rankSettings) && (c.key() == name || c.head == name)
	})
}

// key is the column's name on a command line: its heading without the unit, in
// small letters. "p99 ms" is p99, "p99 vs none" p99_vs, and "vs none, points", which
// stands beside in SLO, in_slo_vs.
func (c *column) key() string {
	switch {
	case c.rank == rankSettings:
		return c.head
	case c.rank == rankGain && strings.HasPrefix(c.head, "vs "):
		return "in_slo_vs"
	}
	head := c.head
	if before, _, ok := strings.Cut(head, " vs "); ok {
		head = before + " vs"
	}
	words := strings.Fields(strings.TrimSuffix(head, "/s"))
	if n := len(words); n > 1 && slices.Contains([]string{"ns", "µs", "ms", "s", "%", "×"}, words[n-1]) {
		words = words[:n-1]
	}
	return strings.ToLower(strings.Join(words, "_"))
}

// sort orders the rows by a column. Rows that are equal in it stay in order.
func (s *section) sort(all []column, name string, down bool) {
	at := find(all, name, true)
	if at < 0 {
		return
	}
	by := all[at]
	order := make([]int, s.rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := sortKey(by.cells[a]), sortKey(by.cells[b])
		switch {
		case x.known != y.known:
			// What is not known stands last, whichever way.
			if x.known {
				return -1
			}
			return 1
		case down:
			return y.compare(x)
		}
		return x.compare(y)
	})
	seen := map[*string]bool{}
	for _, c := range all {
		for _, list := range [][]string{c.cells, c.marks} {
			if len(list) == 0 || seen[&list[0]] {
				continue
			}
			seen[&list[0]] = true
			old := slices.Clone(list)
			for i, from := range order {
				list[i] = old[from]
			}
		}
	}
}

// cellKey is what a cell is ordered by: numbers before words.
type cellKey struct {
	known  bool
	number float64 // +Inf for "failed"; NaN for words
	word   string
}

// sortKey reads a cell as the tables write it.
func sortKey(cell string) cellKey {
	switch cell {
	case "", blank, tooFew, "~":
		return cellKey{}
	case "failed":
		return cellKey{known: true, number: math.Inf(1)}
	}
	if v, ok := quantity(cell); ok {
		return cellKey{known: true, number: v, word: cell}
	}
	text := strings.TrimLeft(cell, "×+ ")
	end := 0
	for i, r := range text {
		if r != '−' && r != '-' && r != ',' && r != '.' && (r < '0' || r > '9') {
			break
		}
		end = i + len(string(r))
	}
	plain := strings.NewReplacer("−", "-", ",", "").Replace(text[:end])
	if v, err := strconv.ParseFloat(plain, 64); err == nil {
		if strings.HasPrefix(cell, "×") {
			// A change of ×12 is one of +1,100 %.
			v = (v - 1) * 100
		}
		return cellKey{known: true, number: v, word: cell}
	}
	return cellKey{known: true, number: math.NaN(), word: cell}
}

// quantity is a setting with a unit, as documents write it: 50ms is less than 1s,
// 512B less than 1KiB, 10/s less than 1/ms.
func quantity(cell string) (float64, bool) {
	if d, err := time.ParseDuration(cell); err == nil {
		return d.Seconds(), true
	}
	for _, unit := range []struct {
		suffix string
		is     float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"/ms", 1000}, {"/s", 1}, {"/m", 1. / 60}} {
		if number, ok := strings.CutSuffix(cell, unit.suffix); ok {
			if v, err := strconv.ParseFloat(number, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
				return v * unit.is, true
			}
		}
	}
	return 0, false
}

func (k cellKey) compare(o cellKey) int {
	kNumber, oNumber := !math.IsNaN(k.number), !math.IsNaN(o.number)
	switch {
	case kNumber != oNumber:
		if kNumber {
			return -1
		}
		return 1
	case kNumber && k.number != o.number:
		return compare(k.number, o.number)
	}
	return strings.Compare(k.word, o.word)
}

// fitSettings shortens settings as far as it can to fit the line, and drops
// nothing.
func fitSettings(all []column, n int) []column {
	shown := slices.Clone(all)
	settings := countSettings(shown)
	if settings > 0 && total(shown) > n {
		squeeze(shown[:settings], max(settings*(minSettings+gap)-gap, n-gap-total(shown[settings:])))
	}
	return shown
}
