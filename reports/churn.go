package reports

import (
	"slices"
	"strconv"

	"github.com/grpcbench/grpcbench/reports/result"
)

// churn is the changes of the endpoints that clients were told of, where they are
// the same in every row.
func (t *table) churn() []result.Churn {
	first := t.rows[0].variant.Churn
	for _, r := range t.rows[1:] {
		if !slices.EqualFunc(first, r.variant.Churn, func(a, b result.Churn) bool { return a.AtNS == b.AtNS && slices.Equal(a.Members, b.Members) }) {
			return nil
		}
	}
	return first
}

// churnItems describes changes of endpoints.
func churnItems(changes []result.Churn) []string {
	const most = 4
	var out []string
	for i, c := range changes {
		if i == most {
			return append(out, plural(len(changes)-most, "more change")+" of endpoints")
		}
		text := plural(len(c.Members), "endpoint")
		if len(c.Members) <= most {
			text = "endpoints"
			for j, b := range c.Members {
				if j > 0 {
					text += ","
				}
				text += " b" + strconv.Itoa(b)
			}
		}
		out = append(out, text+" from "+seconds(c.AtNS))
	}
	return out
}
