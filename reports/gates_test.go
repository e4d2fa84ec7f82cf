package reports

import (
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// What a count can be, where that is known within bounds only, is not called an
// interval of confidence.
func TestGateFigureWithinBounds(t *testing.T) {
	low, high := 0.0, 0.33
	c := result.GateCase{Figure: &high, Low: &low, High: &high, Reason: "why"}
	for want, g := range map[string]result.Gate{
		"33 % (from 0 % to 33 %), must be < 1 %; why": {Unit: "share", Op: "<", Limit: 0.01},
		"+33.00 points (95 % CI 0.00 points to +33.00 points) against the baseline, must be < +1.00 points; why": {
			Unit: "share", Op: "<", Limit: 0.01, Reference: "baseline", Compared: result.GateDifference,
		},
	} {
		if got := strings.ReplaceAll(caseWords(&g, &c), "\u00a0", " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A recovery that did not come has nothing to do with the rank of a call.
func TestGateRecoveryThatDidNotCome(t *testing.T) {
	low := 2e9
	for want, c := range map[string]result.GateCase{
		"not recovered, must be < 5.00 s":                                   {OnFailed: true},
		"not recovered (95 % CI 2.00 s to not recovered), must be < 5.00 s": {OnFailed: true, Low: &low},
	} {
		g := &result.Gate{Metric: "recovery", Unit: "ns", Op: "<", Limit: 5e9}
		if got := strings.ReplaceAll(caseWords(g, &c), "\u00a0", " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// What misses the limit by a hair does not look like the limit, nor what is not
// nothing like nothing.
func TestGateFiguresBesideTheLimit(t *testing.T) {
	one := func(unit, op string, limit, figure float64, compared string) string {
		g := &result.Gate{Unit: unit, Op: op, Limit: limit, Compared: compared}
		if compared != "" {
			g.Reference = "baseline"
		}
		return strings.ReplaceAll(caseWords(g, &result.GateCase{Outcome: result.GateFailed, Figure: &figure}), "\u00a0", " ")
	}
	for want, got := range map[string]string{
		"0.0003 %, must be <= 0 %":                                    one("share", "<=", 0, 3e-6, ""),
		"0.0002 %, must be < 0.0001 %":                                one("share", "<", 1e-6, 2e-6, ""),
		"98.9996 %, must be > 99 %":                                   one("share", ">", 0.99, 0.989996, ""),
		"98 %, must be > 99 %":                                        one("share", ">", 0.99, 0.98, ""),
		"20.02 ms, must be < 20.00 ms":                                one("ns", "<", 20e6, 20.02e6, ""),
		"20.0 ms, must be < 20.0 ms":                                  one("ns", "<", 20e6, 20e6, ""),
		"1.2004, must be <= 1.2000":                                   one("number", "<=", 1.2, 1.2004, ""),
		"0.0167/s, must be >= 0.02/s":                                 one("per_s", ">=", 0.02, 1./60, ""),
		"+0.004 points against the baseline, must be <= 0.000 points": one("share", "<=", 0, 4e-5, result.GateDifference),
		"+5.04 % against the baseline, must be <= +5.00 %":            one("ns", "<=", 1.05, 1.0504, result.GateRatio),
		"+0.04 % against the baseline, must be <= 0.00 %":             one("ns", "<=", 1, 1.0004, result.GateRatio),
		"+12.0 % against the baseline, must be <= +5.0 %":             one("ns", "<=", 1.05, 1.12, result.GateRatio),
		"−99.96 % against the baseline, must be <= +5.00 %":           one("ns", "<=", 1.05, 0.0004, result.GateRatio),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := missedFigure("share", 0.001004, 0.001); got != "0.1004 %" {
		t.Errorf("of a capacity's SLO: %s", got)
	}
}
