package balance

import (
	"math"
	"strings"
	"testing"
)

// In the smallest fleet that success_rate looks at by default, a backend that fails
// every call is out: grpc-go wants its success rate to be below the mean less the
// factor times the standard deviation, which is that of all backends, itself included.
func TestSuccessRateCanEject(t *testing.T) {
	var s SuccessRate
	s.SetDefaults()
	n := float64(s.MinimumHosts)
	mean := (n - 1) / n
	deviation := math.Sqrt(((n-1)*(1-mean)*(1-mean) + mean*mean) / n)
	if required := mean - deviation*float64(s.StdevFactor)/1000; !(required > 0) {
		t.Errorf("of %v backends one that fails always is in: its rate, 0, is not below %.3f", n, required)
	}
}

// grpc-go ejects a backend that fails more than the threshold: none is beyond 100.
func TestFailurePercentageCanEject(t *testing.T) {
	var o OutlierDetection
	o.SetDefaults()
	for threshold, ok := range map[int]bool{0: false, 1: true, 99: true, 100: false} {
		o.FailurePercentage.Threshold = threshold
		err := Policy{OutlierDetection: &o}.Validate()
		if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "must be between 1 and 99") {
			t.Errorf("threshold %d: %v", threshold, err)
		}
	}
}
