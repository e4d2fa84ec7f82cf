package reports

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// windows is when a fault was on within a measurement. A fault that repeats
// more often than anything could show is a damaged result's.
func windows(f result.FaultWindow, measured time.Duration) []stats.Window {
	const most = 10_000
	if f.EveryNS > 0 && measured/time.Duration(f.EveryNS) > most {
		return nil
	}
	return stats.Windows(f, measured)
}

// recovery is what the windows of one fault did to one trial.
type recovery struct {
	failed                float64 // share of the calls due in the windows
	lost                  float64 // calls, beyond what missed the SLO before
	peak                  float64 // ms
	before, during, after float64 // attempts per call that ended
}

// recoveryNote explains the table of recovery.
const recoveryNote = "failed: of the calls due while the fault was on · lost: calls that missed their SLO until goodput was back, beyond the share that did before · " +
	"p99: of the worst second until then · attempts: per call that ended, before the fault, while it was on, and until goodput was back · " +
	"back: trials that had recovered in the end, and after how long (docs/measurement.md) · medians over the trials, by whole seconds"

// recoveryTable has a row for each fault that began and ended within the
// measurement and each variant that had it; rows numbers the variants' rows.
func (t *table) recoveryTable() (columns []column, rows []int) {
	const mostFaults = 6
	labels, faults := column{head: "variant", left: true, rank: rankSettings}, column{head: "fault", left: true, rank: rankSettings}
	var found [][]recovery
	var seen []result.FaultWindow
	for _, r := range t.rows {
		for _, f := range r.faults {
			if known(seen, f) || len(seen) == mostFaults {
				continue
			}
			seen = append(seen, f)
		}
	}
	several := map[string]bool{}
	for _, f := range seen {
		for i := range t.rows {
			if !known(t.rows[i].faults, f) {
				continue
			}
			list := t.recoveries(&t.rows[i], f)
			if len(list) == 0 {
				continue
			}
			found, rows = append(found, list), append(rows, i)
			labels.cells = append(labels.cells, t.rows[i].label)
			fault := faultName(f) + " " + faultTime(f)
			several[fault] = true
			faults.cells = append(faults.cells, fault)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	columns = []column{labels}
	if len(several) > 1 {
		columns = append(columns, faults)
	}
	add := func(head string, of func(recovery) float64, text func(float64) string) {
		c := column{head: head}
		for _, list := range found {
			var values []float64
			for _, r := range list {
				if v := of(r); !math.IsNaN(v) {
					values = append(values, v)
				}
			}
			cell := blank
			if len(values) > 0 {
				cell = text(stats.Median(values))
			}
			c.cells = append(c.cells, cell)
		}
		columns = append(columns, c)
	}
	perCall := func(v float64) string { return separated(v, 2) }
	add("failed %", func(r recovery) float64 { return r.failed }, percent)
	add("lost calls", func(r recovery) float64 { return r.lost }, func(v float64) string { return separated(math.Round(v), 0) })
	add("peak p99 ms", func(r recovery) float64 { return r.peak }, significant)
	add("attempts before", func(r recovery) float64 { return r.before }, perCall)
	add("during", func(r recovery) float64 { return r.during }, perCall)
	add("after", func(r recovery) float64 { return r.after }, perCall)
	back := column{head: "back"}
	for _, i := range rows {
		back.cells = append(back.cells, t.rows[i].back())
	}
	return append(columns, back), rows
}

// known says whether the fault is in the list.
func known(list []result.FaultWindow, f result.FaultWindow) bool {
	for _, g := range list {
		if sameFault(f, g) {
			return true
		}
	}
	return false
}

// back is how many of the row's trials had recovered in the end, and after how
// long, as the trials' states have it.
func (r *row) back() string {
	var after []float64
	n, judged := 0, 0
	for i := range r.variant.Trials {
		trial := &r.variant.Trials[i]
		switch trial.State {
		case result.Recovered:
			n, judged = n+1, judged+1
		case result.NotRecovered:
			judged++
		}
		if trial.RecoveryNS != nil {
			after = append(after, time.Duration(*trial.RecoveryNS).Seconds())
		}
	}
	if judged == 0 {
		return blank
	}
	text := strconv.Itoa(n) + " of " + strconv.Itoa(judged)
	if len(after) > 0 {
		text += fmt.Sprintf(", %s s", trimmed(stats.Median(after)))
	}
	return text
}

// recoveries is what the fault did to each of the row's trials in which it
// began and ended with a whole second before and after.
func (t *table) recoveries(r *row, f result.FaultWindow) []recovery {
	var out []recovery
	for i := range r.variant.Trials {
		trial := &r.variant.Trials[i]
		measured := time.Duration(trial.MeasuredNS)
		if len(trial.Intervals) > longestMeasure || len(windows(f, measured)) == 0 {
			continue
		}
		var one recovery
		var planned, failed, calls float64
		judged := false
		one.before, one.during, one.after = math.NaN(), math.NaN(), math.NaN()
		for n, p := range stats.Phases(trial, t.entry, f) {
			if n == 0 {
				if p.Window.From < time.Second {
					break
				}
				one.before = p.Before
			}
			judged = judged || p.Judged
			planned, failed = planned+float64(p.Planned), failed+float64(p.Failed)
			one.lost += p.Lost
			one.peak = max(one.peak, ms(p.PeakP99NS))
			// Windows count alike; what has no call has no say.
			if !math.IsNaN(p.During) {
				one.during = weighted(one.during, p.During, calls)
			}
			if !math.IsNaN(p.After) {
				one.after = weighted(one.after, p.After, calls)
			}
			calls++
		}
		if planned <= 0 || !judged {
			continue
		}
		one.failed = min(1, failed/planned)
		if one.peak == 0 {
			one.peak = math.NaN() // nothing ended OK
		}
		out = append(out, one)
	}
	return out
}

// weighted is the mean of n values with one more.
func weighted(mean, value, n float64) float64 {
	if math.IsNaN(mean) || n == 0 {
		return value
	}
	return (mean*n + value) / (n + 1)
}
