package stats

import (
	"math"
	"testing"
)

func TestJudge(t *testing.T) {
	inf := math.Inf(1)
	below, atMost := Limit{Value: 10}, Limit{Value: 10, Inclusive: true}
	above := Limit{Value: 10, Above: true}
	for _, c := range []struct {
		limit Limit
		in    Interval
		want  Verdict
	}{
		{below, Interval{3, 9.9}, Pass},
		{below, Interval{3, 10}, Inconclusive},
		{atMost, Interval{3, 10}, Pass},
		{below, Interval{9, 11}, Inconclusive},
		{below, Interval{10, 11}, Fail},
		{atMost, Interval{10, 11}, Inconclusive},
		{below, Interval{3, inf}, Inconclusive}, // too few samples, or failed calls
		{below, Interval{inf, inf}, Fail},
		{above, Interval{11, 12}, Pass},
		{above, Interval{9, 12}, Inconclusive},
		{above, Interval{1, 10}, Fail},
	} {
		if got := c.limit.Judge(c.in); got != c.want {
			t.Errorf("%+v of %v: %v, want %v", c.limit, c.in, got, c.want)
		}
	}
	if below.Observed(10) != Fail || atMost.Observed(10) != Pass {
		t.Error("an observed value is judged as it is")
	}
	for v, want := range map[Verdict]string{Pass: "passed", Fail: "failed", Inconclusive: "inconclusive"} {
		if v.String() != want {
			t.Errorf("%q", v)
		}
	}
}
