package expect

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// count is how many there may be; the bounds are included.
type count struct {
	min, max int64
	text     string
}

func (c count) holds(n int) bool { return int64(n) >= c.min && int64(n) <= c.max }

// countOf reads a number, or {min: …, max: …}; the message says what is wrong.
func countOf(n *strict.Node) (count, string) {
	const rule = "must be a number of at least 0, or {min: 1, max: 10}"
	const most = int64(1) << 40
	switch n.Kind {
	case strict.Scalar:
		x, err := strconv.ParseInt(n.Text, 10, 64)
		if err != nil || n.Quoted || x < 0 || x > most {
			return count{}, fmt.Sprintf("%s (got %s)", rule, written(n))
		}
		return count{x, x, n.Text}, ""
	case strict.Map:
		var r Range
		if err := strict.Decode(nil, n, &r); err != nil {
			return count{}, fmt.Sprintf("%s (got %s)", rule, shown(n.String()))
		}
		c := count{0, most, ""}
		if r.Min != nil {
			c.min, c.text = *r.Min, fmt.Sprintf("at least %d", *r.Min)
		}
		if r.Max != nil {
			c.max, c.text = *r.Max, fmt.Sprintf("at most %d", *r.Max)
		}
		if r.Min != nil && r.Max != nil {
			c.text = fmt.Sprintf("%d to %d", c.min, c.max)
		}
		if c.text == "" || c.min < 0 || c.max < c.min {
			return count{}, fmt.Sprintf("%s, where max is no less than min (got %s)", rule, shown(n.String()))
		}
		return c, ""
	}
	return count{}, fmt.Sprintf("%s (got %s)", rule, shown(n.String()))
}

// readCondition reads what is written for a path, without knowing its field.
func readCondition(n *strict.Node) (Condition, []Problem) {
	var c Condition
	switch n.Kind {
	case strict.Scalar:
		return Condition{Equals: n}, nil
	case strict.Map:
	case strict.Sequence:
		return c, []Problem{{Node: n, Text: fmt.Sprintf("must be a value or a map of conditions; for one of several values write {in: %s}", shown(n.String()))}}
	default:
		return c, []Problem{{Node: n, Text: "must be a value, or a map of conditions such as {min: 1}; for a field that is not there write {exists: false}"}}
	}
	if err := strict.Decode(nil, n, &c); err != nil {
		var all []Problem
		for _, e := range asErrors(err) {
			at := n.Get(e.Path)
			if at == nil {
				at = n
			}
			all = append(all, Problem{Path: e.Path, Node: at, Text: e.Message})
		}
		return c, all
	}
	var all []Problem
	if n.Len() == 0 {
		all = append(all, Problem{Node: n, Text: "must have a condition, such as {min: 1}"})
	}
	if c.In != nil && len(c.In) == 0 {
		all = append(all, Problem{Path: "in", Node: n.Key("in"), Text: "needs at least one value"})
	}
	for _, value := range []struct {
		key  string
		node *strict.Node
	}{{"equals", c.Equals}, {"not", c.Not}, {"min", c.Min}, {"max", c.Max}} {
		if value.node != nil && value.node.Kind != strict.Scalar {
			all = append(all, Problem{Path: value.key, Node: value.node, Text: fmt.Sprintf("must be a single value (got %s)", shown(value.node.String()))})
		}
	}
	if c.Matches != nil {
		if _, err := regexp.Compile(*c.Matches); err != nil {
			all = append(all, Problem{Path: "matches", Node: n.Key("matches"), Text: fmt.Sprintf("must be a regular expression: %v", err)})
		}
	}
	if c.Count != nil {
		if _, wrong := countOf(c.Count); wrong != "" {
			all = append(all, Problem{Path: "count", Node: c.Count, Text: wrong})
		}
	}
	return c, all
}

// asErrors is what Decode found.
func asErrors(err error) strict.Errors {
	if all, ok := err.(strict.Errors); ok {
		return all
	}
	return strict.Errors{{Message: err.Error()}}
}
