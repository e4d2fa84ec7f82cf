package run

import (
	"math"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// A law whose peak is known, (1000, .05, .0005) at 43.589, is found again, and its peak only
// where that is no more than twice as far as was measured. Points that do not count
// have no part in it.
func TestFitLaw(t *testing.T) {
	x := func(n float64) float64 { return 1000 * n / (1 + 0.05*(n-1) + 0.0005*n*(n-1)) }
	for most, peak := range map[int]bool{64: true, 32: true, 16: false} {
		out := result.CapacityVariant{Sweep: []result.CapacityPoint{{Workers: 3, PerS: []float64{1}, Limit: result.LimitGenerator}}}
		for n := 1; n <= most; n *= 2 {
			v := x(float64(n))
			out.Sweep = append(out.Sweep, result.CapacityPoint{Workers: n, PerS: []float64{0.99 * v, v, 1.01 * v}})
		}
		fitLaw(&out, 1)
		l := out.Law
		if l == nil || out.NoLaw != "" || math.Abs(l.Lambda.Value/1000-1) > 0.001 || math.Abs(l.Sigma.Value-0.05) > 1e-3 || math.Abs(l.Kappa.Value-0.0005) > 2e-5 || l.MostN != float64(most) {
			t.Fatalf("up to %d: %+v %s", most, l, out.NoLaw)
		}
		if (l.PeakN != nil) != peak || (l.PeakPerS != nil) != peak {
			t.Errorf("up to %d: a peak at %+v", most, l.PeakN)
		}
		if peak && (math.Abs(l.PeakN.Value-43.589) > 0.2 || math.Abs(l.PeakPerS.Value/x(43.589)-1) > 0.001 || !(*l.PeakN.Low < 43.589)) {
			t.Errorf("up to %d: %+v, %+v", most, l.PeakN, l.PeakPerS)
		}
		// Nor is it said then that there is none: the interval begins below the truth.
		if (l.PeakFromN != nil) == peak || !peak && (*l.PeakFromN <= 20 || *l.PeakFromN > 32) {
			t.Errorf("up to %d: a peak from %v", most, l.PeakFromN)
		}
		if *l.Lambda.Low > 1000 || *l.Lambda.High < 1000 {
			t.Errorf("up to %d: λ %v to %v", most, *l.Lambda.Low, *l.Lambda.High)
		}
		// An upper bound beyond twice what was measured is not one that can be given.
		if peak && l.PeakN.High != nil && *l.PeakN.High > float64(2*most) {
			t.Errorf("up to %d: up to %v", most, *l.PeakN.High)
		}
	}
	// Without a cost of coherency, and noise, there is none as far as the law is read.
	var grows result.CapacityVariant
	for n := 1; n <= 16; n *= 2 {
		v := 1000 * float64(n) / (1 + 0.05*float64(n-1))
		grows.Sweep = append(grows.Sweep, result.CapacityPoint{Workers: n, PerS: []float64{v, v, v}})
	}
	if fitLaw(&grows, 1); grows.Law == nil || grows.Law.PeakN != nil || grows.Law.PeakFromN == nil || *grows.Law.PeakFromN != 32 {
		t.Errorf("that grows: %+v", grows.Law)
	}
	// Three points and three parameters say nothing of where it begins.
	three := result.CapacityVariant{Sweep: []result.CapacityPoint{{Workers: 1, PerS: []float64{1000}}, {Workers: 2, PerS: []float64{x(2)}}, {Workers: 4, PerS: []float64{x(4)}}}}
	if fitLaw(&three, 1); three.Law == nil || three.Law.PeakN != nil || three.Law.PeakFromN != nil {
		t.Errorf("of three points: %+v", three.Law)
	}
	out := result.CapacityVariant{Sweep: []result.CapacityPoint{{Workers: 1, PerS: []float64{1}}, {Workers: 2, PerS: []float64{2}}}}
	if fitLaw(&out, 1); out.Law != nil || out.NoLaw == "" {
		t.Errorf("of two concurrencies: %+v", out)
	}
}
