package reports

import (
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

func TestChurnItems(t *testing.T) {
	change := func(seconds float64, members ...int) result.Churn {
		return result.Churn{AtNS: int64(seconds * 1e9), Members: members}
	}
	for _, c := range []struct {
		changes []result.Churn
		want    string
	}{
		{nil, ""},
		{[]result.Churn{change(1, 0, 1, 2), change(2.5, 2)}, "endpoints b0, b1, b2 from 1 s · endpoints b2 from 2.5 s"},
		{[]result.Churn{change(1, 0, 1, 2, 3, 4)}, "5 endpoints from 1 s"},
		{[]result.Churn{change(1, 0), change(2, 1), change(3, 2), change(4, 3), change(5, 4)},
			"endpoints b0 from 1 s · endpoints b1 from 2 s · endpoints b2 from 3 s · endpoints b3 from 4 s · 1 more change of endpoints"},
	} {
		if got := strings.Join(churnItems(c.changes), " · "); got != c.want {
			t.Errorf("%v: %s, want %s", c.changes, got, c.want)
		}
	}
}

// What happened to the endpoints stands above the table.
func TestChurnIsInTheHeading(t *testing.T) {
	r := outage(t)
	for i := range r.Variants {
		r.Variants[i].Churn = []result.Churn{{AtNS: 1e9, Members: []int{0, 1}}}
	}
	for name, text := range map[string]string{"table": render(t, Table, r, Options{Columns: 80}), "markdown": render(t, Markdown, r, Options{})} {
		if !strings.Contains(text, "endpoints b0, b1 from 1 s") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// When endpoints joined and left is marked beneath the goodput, and shaded in plots.
func TestChurnIsMarked(t *testing.T) {
	r := twins(t)
	wide := render(t, Table, r, Options{Columns: 120})
	for _, want := range []string{"goodput of GetUser (reads) in the SLO", "goodput of GetUser (polls) in the SLO", "endpoints: 2, 3       ◆  ◆\n"} {
		if !strings.Contains(wide, want) {
			t.Errorf("the table lacks %q:\n%s", want, wide)
		}
	}
	page := render(t, HTML, r, Options{})
	if want := "Shaded: endpoints b0, b2 from 5 s, endpoints b0, b1, b2 from 8 s."; !strings.Contains(page, want) {
		t.Errorf("the page lacks %q", want)
	}
	parts, err := SVG(r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	shaded := 0
	for _, part := range parts {
		var text strings.Builder
		if err := part.Write(&text); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(part.Name, "goodput") && strings.Count(text.String(), `class="f"`) == 2 {
			shaded++
		}
	}
	if shaded != 2 {
		t.Errorf("%d plots of goodput are shaded twice, want that of each load entry", shaded)
	}
	// A second within which nothing was measured marks nothing; nor does what not all
	// rows have.
	r.Variants[0].Churn = r.Variants[0].Churn[:1]
	if text := render(t, Table, r, Options{Columns: 120}); strings.Contains(text, "◆") {
		t.Errorf("marked for all rows:\n%s", text)
	}
}
