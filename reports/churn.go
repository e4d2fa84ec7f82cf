package reports

import (
	"strconv"

	"github.com/grpcbench/grpcbench/reports/result"
)

// churnItems describes the changes of the endpoints that clients were told of,
// which are the same in every variant.
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
