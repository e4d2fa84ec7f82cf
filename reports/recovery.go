package reports

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// recoveredShare of the share in SLO from before the first fault must come
// back for a trial to have recovered: as the trial's state has it.
const recoveredShare = 0.95

// recovery is what a scheduled fault did to one trial, second by second. Shares
// are of the calls that ended, or were dropped, in a second: calls that were
// held up and end well afterwards would make more than all of those due.
type recovery struct {
	before, during, lowest float64 // shares in SLO
	peak                   float64 // attempts in the busiest second over a second's from before
	// back is how many whole seconds after the last fault's end the share is
	// back, and from then on in every second; +Inf where it never is.
	back float64
}

// recoveryTable has a row for each variant whose faults began and ended within
// the measurement; nil where there is none.
func (t *table) recoveryTable() (columns []column, rows []int) {
	var found [][]recovery
	for i := range t.rows {
		if list := t.recoveries(&t.rows[i]); len(list) > 0 {
			found, rows = append(found, list), append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	of := func(head string, cell func([]recovery) string) column {
		c := column{head: head}
		for _, list := range found {
			c.cells = append(c.cells, cell(list))
		}
		return c
	}
	median := func(list []recovery, of func(recovery) float64) float64 {
		var values []float64
		for _, r := range list {
			values = append(values, of(r))
		}
		return stats.Median(values)
	}
	share := func(of func(recovery) float64) func([]recovery) string {
		return func(list []recovery) string { return percent(median(list, of)) }
	}
	labels := column{head: "variant", left: true, rank: rankSettings}
	for _, i := range rows {
		labels.cells = append(labels.cells, t.rows[i].label)
	}
	return []column{
		labels,
		of("in SLO before %", share(func(r recovery) float64 { return r.before })),
		of("during %", share(func(r recovery) float64 { return r.during })),
		of("lowest second %", share(func(r recovery) float64 { return r.lowest })),
		of("peak load ×", func(list []recovery) string {
			if v := median(list, func(r recovery) float64 { return r.peak }); v > 0 {
				return separated(v, 2)
			}
			return blank
		}),
		of("back after s", func(list []recovery) string {
			if v := median(list, func(r recovery) float64 { return r.back }); !math.IsInf(v, 1) {
				return trimmed(v)
			}
			return "not"
		}),
		of("trials back", func(list []recovery) string {
			n := 0
			for _, r := range list {
				if !math.IsInf(r.back, 1) {
					n++
				}
			}
			return strconv.Itoa(n) + " of " + strconv.Itoa(len(list))
		}),
	}, rows
}

// recoveries is the row's trials in which all faults that can touch the load
// entry began after a whole second and ended a whole second before the end.
func (t *table) recoveries(r *row) []recovery {
	var out []recovery
	for i := range r.variant.Trials {
		trial := &r.variant.Trials[i]
		measured := time.Duration(trial.MeasuredNS)
		begin, end := measured, time.Duration(0)
		for _, f := range r.faults {
			from := time.Duration(f.AtNS)
			to := from + time.Duration(f.ForNS)
			if f.ForNS <= 0 {
				to = measured
			}
			if to <= 0 || from >= measured {
				continue
			}
			begin, end = min(begin, from), max(end, to)
		}
		if begin < time.Second || end > measured-time.Second || begin >= end {
			continue
		}
		if one, ok := t.recovery(trial, begin, end); ok {
			out = append(out, one)
		}
	}
	return out
}

func (t *table) recovery(trial *result.Trial, begin, end time.Duration) (r recovery, ok bool) {
	type sum struct{ good, ended, sent, seconds float64 }
	share := func(s sum) float64 { return s.good / s.ended }
	var before, during sum
	type at struct {
		from time.Duration
		sum
	}
	var after []at
	r.lowest, r.back = math.Inf(1), math.Inf(1)
	var busiest float64
	for _, in := range trial.Intervals {
		from := time.Duration(in.Second) * time.Second
		if in.Second < 0 || from+time.Second > time.Duration(trial.MeasuredNS) {
			continue
		}
		for _, s := range in.Series {
			one := sum{float64(s.InSLO), float64(s.OK + s.Failed + s.Dropped), float64(s.Attempts), 1}
			if s.Name != t.entry || one.ended == 0 {
				continue
			}
			add := func(to *sum) {
				to.good, to.ended, to.sent, to.seconds = to.good+one.good, to.ended+one.ended, to.sent+one.sent, to.seconds+1
			}
			switch {
			case from+time.Second <= begin:
				add(&before)
				continue
			case from < end:
				add(&during)
			}
			if from >= end {
				after = append(after, at{from, one})
			}
			r.lowest = min(r.lowest, share(one))
			busiest = max(busiest, one.sent)
		}
	}
	if before.ended == 0 || during.ended == 0 || len(after) == 0 {
		return r, false
	}
	slices.SortFunc(after, func(a, b at) int { return int(a.from - b.from) })
	r.before, r.during = share(before), share(during)
	if before.sent > 0 {
		r.peak = busiest / (before.sent / before.seconds)
	}
	for i := len(after) - 1; i >= 0 && share(after[i].sum) >= recoveredShare*r.before; i-- {
		r.back = math.Ceil((after[i].from - end).Seconds())
	}
	return r, true
}
