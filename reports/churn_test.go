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
