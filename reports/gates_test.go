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
