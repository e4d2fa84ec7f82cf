package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestMeasureUntil(t *testing.T) {
	text := func(measure, faults string) []byte {
		return []byte("fleet: {backends: 2, faults: [" + faults + "]}\nload: [{call: GetUser, rate: 5/s}]\nmeasure: " + measure + "\n")
	}
	const outage, flaky = "{at: 5s, for: 3s, inject: down}", "{probability: 1%, inject: {status: {code: ABORTED}}}"
	for measure, want := range map[string]struct {
		measure time.Duration
		text    string
	}{
		"20s":                                 {20 * time.Second, ""},
		"{until: recovered}":                  {5 * time.Minute, "recovered"},
		"{until: recovered + 10s, max: 1m}":   {time.Minute, "recovered + 10s"},
		"{until: recovered+1m30s, max: 400s}": {400 * time.Second, "recovered + 1m30s"},
	} {
		p, err := Read("x.yaml", text(measure, outage), Options{})
		if err != nil {
			t.Errorf("%s: %v", measure, err)
			continue
		}
		if p.Measure != want.measure || p.Base.MeasureUntil.String() != want.text {
			t.Errorf("%s: %v, %q", measure, p.Measure, p.Base.MeasureUntil)
		}
		var out strings.Builder
		if err := Explain(&out, p, 200); err != nil || want.text != "" && !strings.Contains(out.String(), "(until "+want.text+")") {
			t.Errorf("%v: %s", err, out.String())
		}
	}
	for _, c := range []struct{ measure, faults, want string }{
		{"{max: 1m}", outage, "measure.until: must be recovered, or recovered + 10s"},
		{"{until: steady}", outage, "measure.until: must be recovered, or recovered + 10s (got steady)"},
		{"{until: recovered + soon}", outage, "measure.until: must be recovered, or recovered + a duration such as 10s (got recovered + soon)"},
		{"{until: recovered, max: 8s}", outage, "measure.until: needs faults that are over, for good, before max, 8s"},
		{"{until: recovered}", "", "measure.until: needs faults that are over"},
		{"{until: recovered}", flaky, "measure.until: needs faults that are over"},
		{"{until: recovered}", outage + ", {at: 9s, probability: 1%, inject: {status: {code: ABORTED}}}", "measure.until: needs faults that are over"},
		{"{until: recovered}", "{at: 1s, for: 1s, every: 5s, inject: down}", "measure.until: needs faults that are over"},
		{"{until: recovered, max: 9s}", "{at: 5s, for: 3s, stagger: 2s, inject: down}", "measure.until: needs faults that are over"},
		{"{until: recovered, max: 0s}", outage, "measure.max: must be > 0 (got 0s)"},
		{"[1s]", outage, "measure: must be a duration such as 250ms, or a map of settings"},
	} {
		if _, err := Read("x.yaml", text(c.measure, c.faults), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.measure, err, c.want)
		}
	}
	if _, err := Read("x.yaml", text("{until: recovered}", "{at: 5s, inject: disconnect}"), Options{}); err != nil {
		t.Errorf("a fault of a moment is over with it: %v", err)
	}
	if _, err := Read("x.yaml", text("{until: recovered}", outage+", "+flaky), Options{}); err != nil {
		t.Errorf("a fault that is on throughout is a condition: %v", err)
	}
	// An option's length replaces it.
	if p, err := Read("x.yaml", text("{until: recovered}", outage), Options{Measure: 7 * time.Second}); err != nil || p.Measure != 7*time.Second || p.Base.MeasureUntil != nil {
		t.Errorf("%v", err)
	}
}
