package reports

import (
	"cmp"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
)

// banner says what an interrupted search has not found.
func (c *capacity) banner() []string {
	if !c.result.Partial {
		return nil
	}
	var missing []string
	for i := range c.rows {
		row := &c.rows[i]
		if c.searched() && (row.Limit == "" || row.RatePerS > 0 && !row.Confirmed) || !c.searched() && row.Law == nil {
			missing = append(missing, row.label)
		}
	}
	text := "PARTIAL: interrupted"
	if len(missing) > 0 {
		text += "; not done: " + listed(missing, 4)
	}
	return []string{text + "."}
}

// headline says in words how much each variant carries.
func (c *capacity) headline() []string {
	var out []string
	if c.result.Validity.Verdict == result.Invalid {
		out = append(out, "The measurement is INVALID: do not act on these figures.")
	}
	if len(c.rows) == 0 {
		return append(out, "Nothing was measured.")
	}
	if c.searched() {
		rows := slices.Clone(c.rows)
		slices.SortStableFunc(rows, func(a, b capacityRow) int { return cmp.Compare(b.RatePerS, a.RatePerS) })
		for i := range rows {
			if i == mostSentences {
				out = append(out, plural(len(rows)-i, "more variant")+" below.")
				break
			}
			out = append(out, c.sentence(&rows[i], i == 0)+c.beside(&rows[0], &rows[i]))
		}
	}
	said := 0
	for i := range c.rows {
		if c.rows[i].Law != nil && said < mostSentences {
			out = append(out, c.name(&c.rows[i], "Throughput", "Throughput of ")+" "+c.rows[i].grows())
			said++
		}
	}
	return out
}

// name is how a sentence calls the variant: alone where there is only one.
func (c *capacity) name(row *capacityRow, alone, before string) string {
	if len(c.rows) == 1 {
		return alone
	}
	return before + row.label
}

// sentence is what was found of one variant.
func (c *capacity) sentence(row *capacityRow, first bool) string {
	name := c.name(row, clean(c.result.Scenario.Name), "")
	slo := ""
	if first {
		slo = " with " + c.slo()
	}
	at := held(perSecond(row.RatePerS) + " " + c.whose())
	beyond := held("at " + rate(row.BeyondPerS))
	switch {
	case row.RatePerS == 0 && row.Limit == "":
		return name + " was not searched to an end."
	case row.RatePerS == 0 && row.Limit == result.LimitSLO && c.result.Partial:
		return name + " meets " + c.slo() + " at no rate that was tried: " + beyond + ", " + strings.Join(c.misses(row), ", ") + "."
	case row.RatePerS == 0 && row.Limit == result.LimitSLO:
		return name + " meets " + c.slo() + " at no rate: " + beyond + ", the lowest that can be judged, " + strings.Join(c.misses(row), ", ") + "."
	case row.untold() && row.BeyondPerS > 0:
		return "Whether " + name + " meets " + c.slo() + " at any rate cannot be told: " + beyond + ", " + c.limit(row) + "."
	case row.untold():
		return "Whether " + name + " meets " + c.slo() + " at any rate cannot be told: " + c.limit(row) + "."
	case row.RatePerS == 0:
		return name + " meets " + c.slo() + " at no rate: " + beyond + " " + c.limit(row) + "."
	case !row.Confirmed && c.result.Partial:
		return name + " carries at least " + at + slo + " in a single trial; the search was interrupted."
	case !row.Confirmed:
		return name + " carries at least " + at + slo + " in a single trial; others, to confirm it, were not fit to act on."
	case row.Limit == "":
		return name + " carries at least " + at + slo + "; the search was interrupted."
	case row.Limit == result.LimitMaxRate:
		return name + " carries " + at + slo + ", the highest rate that was allowed."
	case row.Limit == result.LimitGenerator:
		return name + " carries at least " + at + slo + ": " + beyond + " the load generator is the limit, not what it measures."
	case row.Limit == result.LimitInvalid:
		return name + " carries at least " + at + slo + ": " + beyond + " trials are INVALID, which shows nothing."
	case row.Limit == result.LimitSLO:
		return name + " carries " + at + slo + "; " + beyond + ", " + held(strings.Join(c.misses(row), ", ")) + "."
	case row.Limit == result.LimitSaturated:
		return name + " carries " + at + slo + "; " + beyond + " calls in flight grow to the end."
	}
	return name + " carries " + at + slo + "; " + beyond + ": " + c.limit(row) + "."
}

// beside compares a variant with the best, as far as their brackets tell.
func (c *capacity) beside(best, row *capacityRow) string {
	if best == row || row.RatePerS == 0 || row.BeyondPerS == 0 || row.Limit == result.LimitGenerator || row.Limit == result.LimitInvalid {
		return ""
	}
	if row.BeyondPerS > best.RatePerS {
		return " No difference to " + best.label + " is shown: the brackets overlap."
	}
	return ""
}
