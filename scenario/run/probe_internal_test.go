package run

import (
	"strings"
	"testing"
	"time"

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
	of := func(metric string, limit, figure float64) []result.Gate {
		unit := "ns"
		if metric == "in_slo" {
			unit = "share"
		}
		return []result.Gate{{Metric: metric, Unit: unit, Limit: limit, Cases: []result.GateCase{{Load: "reads", Outcome: result.GateFailed, Figure: &figure}}}}
	}
	// Of 100 calls 90 were in their SLO of 20 ms, 6 more would have been had they
	// left 5 ms before, and 4 failed.
	const ms = int64(time.Millisecond)
	responses := result.NewHistogram()
	for i := range 96 {
		if i < 90 {
			responses.Record(10 * ms)
		} else {
			responses.Record(24 * ms)
		}
	}
	response, err := responses.Summarize(100)
	if err != nil {
		t.Fatal(err)
	}
	slo := func(string) time.Duration { return 20 * time.Millisecond }
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
		// A share in SLO counts from when calls were due, and so do some latencies.
		"late, and in SLO otherwise":      {"lag_p99", 5 * ms, of("in_slo", 0.95, 0.90), true},
		"late, and not even so":           {"lag_p99", 5 * ms, of("in_slo", 0.97, 0.90), false},
		"late by less than the SLO needs": {"lag_p99", 3 * ms, of("in_slo", 0.95, 0.90), false},
		"late, and a p99.9":               {"lag_p99", 5, of("p99.9", 20, 25), true},
		"late, and its wait":              {"lag_p99", 5, of("wait.p99", 20, 25), true},
		"late, and a slow service":        {"lag_p99", 5, of("service.p99.9", 20, 25), false},
		"late, and slow attempts":         {"lag_p99", 5, of("attempt.mean", 20, 25), false},
		"late, and slow first messages":   {"lag_p99", 5, of("first_message.p99", 20, 25), false},
		"late, and gaps":                  {"lag_p99", 5, of("message_gap.max", 20, 25), false},
		"late, and paced messages":        {"lag_p99", 5, of("message_response.p99", 20, 25), true},
		"late, and a slow recovery":       {"lag_p99", 5, of("recovery", 20, 25), false},
	}
	for name, test := range tests {
		trial := &result.Trial{
			Validity: result.Validity{Reasons: []result.Reason{{Code: test.reason, Detail: "why"}}},
			Series: []result.Series{{Name: "reads", Planned: 100, Latency: map[result.Measure]result.Summary{
				result.Response: response, result.Lag: {P99NS: &test.lag},
			}}},
		}
		got, detail := strained(trial, test.gates, slo)
		if (got == result.LimitGenerator) != test.want || strings.Contains(detail, "why") != test.want {
			t.Errorf("%s: %q (%s), want %v", name, got, detail, test.want)
		}
	}
}
