package reports

import (
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	r := outage(t)
	grid := func(o Options) (head []string, first []string) {
		t.Helper()
		text := render(t, Table, r, o)
		_, text, _ = strings.Cut(text, "──\n")
		lines := strings.Split(text, "\n")
		head = regexp.MustCompile(`  +`).Split(strings.TrimSpace(lines[0]), -1)
		for _, line := range lines[2:6] {
			first = append(first, strings.Fields(line)[0])
		}
		return head, first
	}
	for name, c := range map[string]struct {
		o     Options
		head  []string // nil: not checked
		first []string
	}{
		"columns": {Options{Select: []string{"p99", "in_slo"}}, []string{"backoff", "p99 ms", "in SLO %"}, []string{"none", "fixed", "immediate", "exponential"}},
		// Offered is equal in every row and stands in the heading: asked for, it
		// is a column.
		"a moved column":  {Options{Select: []string{"offered", "main_failure"}}, []string{"backoff", "offered/s", "main failure"}, nil},
		"by p50":          {Options{Sort: "p50"}, nil, []string{"exponential", "immediate", "fixed", "none"}},
		"by p99":          {Options{Sort: "p99"}, nil, []string{"exponential", "fixed", "none", "immediate"}},
		"by p99 down":     {Options{Sort: "-p99"}, nil, []string{"none", "immediate", "fixed", "exponential"}},
		"the comparisons": {Options{Select: []string{"in_slo_vs", "p99_vs"}}, []string{"backoff", "vs fixed, points", "p99 vs fixed"}, nil},
		"by the settings": {Options{Sort: "backoff"}, nil, []string{"exponential", "fixed", "immediate", "none"}},
		"by a heading":    {Options{Sort: "-in SLO %"}, nil, []string{"exponential", "fixed", "immediate", "none"}},
	} {
		head, first := grid(c.o)
		if c.head != nil && !slices.Equal(head, c.head) {
			t.Errorf("%s: head %q", name, head)
		}
		if c.first != nil && !slices.Equal(first, c.first) {
			t.Errorf("%s: rows %q, want %q", name, first, c.first)
		}
	}
	head, _ := grid(Options{Wide: true})
	if n := len(newPage(r).sections[0].columns) + len(newPage(r).sections[0].moved); len(head) != n {
		t.Errorf("wide: %d of %d columns: %q", len(head), n, head)
	}
	for _, o := range []Options{{Select: []string{"p50", "p98"}}, {Sort: "p98"}, {Select: []string{"backoff"}}} {
		err := Table(io.Discard, r, o)
		if _, ok := errors.AsType[*OptionError](err); !ok || !strings.Contains(err.Error(), "there are") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// --columns has commas between names.
	for _, c := range slices.Concat(newPage(r).sections[0].columns, newPage(r).sections[0].moved) {
		if strings.ContainsAny(c.key(), ", ") {
			t.Errorf("the column %q cannot be named: %q", c.head, c.key())
		}
	}
	// A row keeps its mark wherever it goes.
	if text := render(t, Table, r, Options{Sort: "-p50"}); !strings.Contains(text, "fixed *") {
		t.Errorf("the baseline lost its mark:\n%s", text)
	}
}

func TestSortKey(t *testing.T) {
	order := []string{"−57 %", "−1.2", "0", "0.5", "41.2", "99.95 (98 – 99)", "109", "1,104", "×12.3", "failed", "alpha", "beta"}
	for i := 1; i < len(order); i++ {
		if sortKey(order[i-1]).compare(sortKey(order[i])) >= 0 {
			t.Errorf("%q does not come before %q", order[i-1], order[i])
		}
	}
	// Settings are ordered by what they are, whatever their units.
	for _, settings := range [][]string{{"500us", "50ms", "1s", "1m30s"}, {"512B", "1KiB", "2MiB"}, {"30/m", "10/s", "1/ms"}, {"1", "4", "16"}, {"5%", "10%"}} {
		for i := 1; i < len(settings); i++ {
			if sortKey(settings[i-1]).compare(sortKey(settings[i])) >= 0 {
				t.Errorf("%q does not come before %q", settings[i-1], settings[i])
			}
		}
	}
	for _, cell := range []string{"", "n/a", "–", "~"} {
		if sortKey(cell).known {
			t.Errorf("%q is known", cell)
		}
	}
}
