package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// withIdle is a result with a load entry of which no call was due.
func withIdle(t *testing.T) *result.Result {
	r := outage(t)
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Loads = append(v.Loads, result.Load{Name: "rare", Method: "user.v1.UserService/ListUsers", Kind: result.ServerStream, Loop: result.Open})
		for j := range v.Trials {
			v.Trials[j].Series = append(v.Trials[j].Series, result.Series{Name: "rare", Method: "user.v1.UserService/ListUsers", Kind: result.ServerStream, Loop: result.Open})
		}
	}
	return r
}

// A load entry without a call does not vanish without a word, and has no share of 0:
// that would be the worst there is.
func TestNoCallWasDue(t *testing.T) {
	r := withIdle(t)
	text := strings.Join(strings.Fields(render(t, formatNamed("table").Render, r, Options{Columns: 80})), " ")
	if !strings.Contains(text, "no call of rare was due in any trial: it has no table") {
		t.Error(text)
	}
	for line := range strings.Lines(render(t, formatNamed("csv").Render, r, Options{})) {
		if strings.Contains(line, ",rare,") && (strings.Contains(line, ",in_slo,share,0") || strings.Contains(line, ",failed,share,0")) {
			t.Errorf("a share of no calls: %s", line)
		}
	}
	for line := range strings.Lines(render(t, formatNamed("openmetrics").Render, r, Options{})) {
		if strings.HasPrefix(line, "grpcbench_in_slo_ratio{") && strings.Contains(line, `load="rare"`) {
			t.Errorf("a share of no calls: %s", line)
		}
	}
	if text := render(t, formatNamed("table").Render, outage(t), Options{Columns: 80}); strings.Contains(text, "was due in any trial") {
		t.Error(text)
	}
}

// What was dropped was planned, and did not end within the SLO.
func TestDroppedCallsOfATrialUnderWay(t *testing.T) {
	r := outage(t)
	now := moment(r, 0, 1)
	now.Began, now.At, now.Measured = r.Started, r.Started.Add(time.Second), time.Second
	now.InTime = []int64{100}
	now.Totals = []result.IntervalSeries{{Name: "reads", Planned: 200, OK: 100, InSLO: 100, Dropped: 100}}
	f := families{}
	f.running(r, labelKeys(r.Scenario.Dimensions), now)
	samples := f["grpcbench_in_slo_ratio"]
	if len(samples) != 1 || math.Abs(samples[0].Value-0.5) > 1e-12 {
		t.Errorf("in SLO: %v, want 0.5", samples)
	}
}
