package run

import (
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Which trials count, and whose fault it is where they do not.
func TestUnfit(t *testing.T) {
	reason := func(code string, verdict result.Verdict) result.Reason {
		return result.Reason{Code: code, Verdict: verdict, Detail: "of " + code}
	}
	tests := map[string]struct {
		reasons []result.Reason
		dropped int64
		want    result.CapacityLimit
	}{
		"nothing wrong":           {nil, 0, ""},
		"suspect":                 {[]result.Reason{reason("service_time", result.Suspect), reason("lag_p99", result.Suspect)}, 0, ""},
		"not as planned":          {[]result.Reason{reason("arrivals", result.Suspect)}, 0, ""}, // it may have met
		"books":                   {[]result.Reason{reason("books_calls", result.Invalid)}, 0, result.LimitInvalid},
		"fleet":                   {[]result.Reason{reason("lag_p99", result.Invalid), reason("fleet_died", result.Invalid)}, 0, result.LimitInvalid},
		"late":                    {[]result.Reason{reason("lag_p99", result.Invalid)}, 0, result.LimitGenerator},
		"never sent":              {[]result.Reason{reason("sent_share", result.Invalid)}, 0, result.LimitGenerator},
		"dropped":                 {[]result.Reason{reason("sent_share", result.Invalid)}, 5, result.LimitInFlight},
		"dropped and late":        {[]result.Reason{reason("sent_share", result.Invalid), reason("lag_p99", result.Invalid)}, 5, result.LimitGenerator},
		"late and dropped":        {[]result.Reason{reason("lag_p99", result.Invalid), reason("sent_share", result.Invalid)}, 5, result.LimitGenerator},
		"no CPU left, but in SLO": {[]result.Reason{reason("generator_cpu", result.Suspect)}, 0, result.LimitGenerator},
		"no calls":                {[]result.Reason{reason("no_calls", result.Invalid)}, 0, result.LimitTooFew},
	}
	for name, test := range tests {
		trial := &result.Trial{Validity: result.Validity{Reasons: test.reasons}, Series: []result.Series{{Dropped: test.dropped}}}
		if got, detail := unfit(trial); got != test.want || (got == "") != (detail == "") {
			t.Errorf("%s: %q (%s), want %q", name, got, detail, test.want)
		}
	}
}

// A trial that missed its SLO is the generator's only where it would have met it
// without what the generator did.
func TestStrained(t *testing.T) {
	missed := func(unit string, figure float64) []result.Gate {
		return []result.Gate{
			{Unit: "ns", Limit: 1, Cases: []result.GateCase{{Load: "reads", Outcome: result.GatePassed, Figure: new(float64)}}},
			{Unit: unit, Limit: 20, Cases: []result.GateCase{{Load: "reads", Outcome: result.GateFailed, Figure: &figure}}},
		}
	}
	failed := []result.Gate{{Unit: "ns", Limit: 20, Cases: []result.GateCase{{Load: "reads", Outcome: result.GateFailed, OnFailed: true}}}}
	tests := map[string]struct {
		reason string
		lag    int64
		gates  []result.Gate
		want   bool
	}{
		"late by as much as was missed": {"lag_p99", 5, missed("ns", 25), true},
		"late by less":                  {"lag_p99", 4, missed("ns", 25), false},
		"late, and calls failed":        {"lag_p99", 5, failed, false},
		"late, and errors":              {"lag_p99", 50, missed("share", 25), false},
		"collecting garbage":            {"gc_share", 0, missed("ns", 25), true},
		"held back":                     {"cpu_throttled", 0, failed, true},
		"not as planned":                {"arrivals", 0, failed, true},
		"a slow fleet":                  {"service_time", 50, missed("ns", 25), false},
	}
	for name, test := range tests {
		trial := &result.Trial{
			Validity: result.Validity{Reasons: []result.Reason{{Code: test.reason, Detail: "why"}}},
			Series:   []result.Series{{Name: "reads", Latency: map[result.Measure]result.Summary{result.Lag: {P99NS: &test.lag}}}},
		}
		got, detail := strained(trial, test.gates)
		if (got == result.LimitGenerator) != test.want || strings.Contains(detail, "why") != test.want {
			t.Errorf("%s: %q (%s), want %v", name, got, detail, test.want)
		}
	}
}
