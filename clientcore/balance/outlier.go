package balance

import (
	"errors"
	"time"

	"google.golang.org/grpc/balancer"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// OutlierDetection takes backends that fail more than the others out of Child's
// pick for a while (gRFC A50). It must be linked in: see package clientcore/xds.
type OutlierDetection struct {
	Interval           time.Duration      `yaml:"interval" doc:"how often backends are judged, by their calls since the last time"`
	BaseEjection       time.Duration      `yaml:"base_ejection" doc:"how long a backend is out, times how often it was lately"`
	MaxEjection        time.Duration      `yaml:"max_ejection" doc:"the longest time that a backend is out"`
	MaxEjectionPercent int                `yaml:"max_ejection_percent" doc:"the most backends that are out at once, in percent; one may always be"`
	SuccessRate        *SuccessRate       `yaml:"success_rate" doc:"backends whose success rate is far below the mean are out"`
	FailurePercentage  *FailurePercentage `yaml:"failure_percentage" doc:"backends that fail more than a threshold are out"`
	Child              Policy             `yaml:"child" doc:"how calls are spread over the backends that are not out"`
}

// SuccessRate ejects a backend whose success rate is below
// mean − StdevFactor/1000 · standard deviation over the backends.
type SuccessRate struct {
	StdevFactor   int `yaml:"stdev_factor" doc:"standard deviations below the mean, times 1000; of n backends one is √(n−1) below it at most"`
	Enforcement   int `yaml:"enforcement" doc:"the chance that such a backend is out, in percent"`
	MinimumHosts  int `yaml:"minimum_hosts" doc:"judge only when so many backends had enough calls"`
	RequestVolume int `yaml:"request_volume" doc:"calls in an interval that are enough"`
}

// SetDefaults is grpc-go's factor of 1.9 and its 5 backends, on a tenth of its 100
// calls. Of n backends one is √(n − 1) standard deviations below the mean at most,
// however much it fails: with this factor no backend of 4 would ever be out.
func (s *SuccessRate) SetDefaults() {
	*s = SuccessRate{StdevFactor: 1900, Enforcement: 100, MinimumHosts: 5, RequestVolume: 10}
}

// FailurePercentage ejects a backend that fails more than Threshold percent of its
// calls.
type FailurePercentage struct {
	Threshold     int `yaml:"threshold" doc:"a backend that fails more of its calls than this is out, in percent: 1 to 99"`
	Enforcement   int `yaml:"enforcement" doc:"the chance that such a backend is out, in percent"`
	MinimumHosts  int `yaml:"minimum_hosts" doc:"judge only when so many backends had enough calls"`
	RequestVolume int `yaml:"request_volume" doc:"calls in an interval that are enough"`
}

// SetDefaults is more than half of 10 calls and more, for fleets of 2 and more: grpc-go's
// own (85 percent of 50, 5 backends, a chance of 0) never eject in a small fleet.
func (f *FailurePercentage) SetDefaults() {
	*f = FailurePercentage{Threshold: 50, Enforcement: 100, MinimumHosts: 2, RequestVolume: 10}
}

// SetDefaults is round robin, judged every second by the failure percentage; a
// backend is out for 5 s, 10 s and so on up to 30 s, and half of them at most.
func (o *OutlierDetection) SetDefaults() {
	*o = OutlierDetection{
		Interval:           time.Second,
		BaseEjection:       5 * time.Second,
		MaxEjection:        30 * time.Second,
		MaxEjectionPercent: 50,
		FailurePercentage:  &FailurePercentage{},
		Child:              Policy{RoundRobin: &RoundRobin{}},
	}
	o.FailurePercentage.SetDefaults()
}

// outlierName is fixed by grpc-go, which does not export it.
const outlierName = "outlier_detection_experimental"

// importXDS is what a program lacks that does not know outlierName.
const importXDS = "needs the import of github.com/grpcbench/grpcbench/clientcore/xds, which links it into the program"

func (o *OutlierDetection) below() Policy { return o.Child }

func (o *OutlierDetection) child(seed uint64) (string, any) {
	settings := map[string]any{
		"interval":           seconds(o.Interval),
		"baseEjectionTime":   seconds(o.BaseEjection),
		"maxEjectionTime":    seconds(o.MaxEjection),
		"maxEjectionPercent": o.MaxEjectionPercent,
		"childPolicy":        o.Child.entry(seed),
	}
	if s := o.SuccessRate; s != nil {
		settings["successRateEjection"] = map[string]any{
			"stdevFactor": s.StdevFactor, "enforcementPercentage": s.Enforcement,
			"minimumHosts": s.MinimumHosts, "requestVolume": s.RequestVolume,
		}
	}
	if f := o.FailurePercentage; f != nil {
		settings["failurePercentageEjection"] = map[string]any{
			"threshold": f.Threshold, "enforcementPercentage": f.Enforcement,
			"minimumHosts": f.MinimumHosts, "requestVolume": f.RequestVolume,
		}
	}
	return outlierName, settings
}

func (o *OutlierDetection) validate() error {
	var errs []error
	within := func(path string, got, low, high int) {
		if got < low || got > high {
			errs = append(errs, field.Errorf(path, "must be between %d and %d (got %d)", low, high, got))
		}
	}
	if balancer.Get(outlierName) == nil {
		errs = append(errs, field.Errorf("", importXDS))
	}
	if o.Interval <= 0 {
		errs = append(errs, field.Errorf("interval", "must be > 0 (got %v)", o.Interval))
	}
	if o.BaseEjection <= 0 {
		errs = append(errs, field.Errorf("base_ejection", "must be > 0 (got %v)", o.BaseEjection))
	}
	if o.MaxEjection < o.BaseEjection {
		errs = append(errs, field.Errorf("max_ejection", "must be at least base_ejection, which is %v (got %v)", o.BaseEjection, o.MaxEjection))
	}
	// Zero is left out of a config written anew, and then means a default.
	within("max_ejection_percent", o.MaxEjectionPercent, 1, 100)
	const most = 1 << 30
	if s := o.SuccessRate; s != nil {
		within("success_rate.stdev_factor", s.StdevFactor, 1, most)
		within("success_rate.enforcement", s.Enforcement, 1, 100)
		within("success_rate.minimum_hosts", s.MinimumHosts, 1, most)
		within("success_rate.request_volume", s.RequestVolume, 1, most)
	}
	if f := o.FailurePercentage; f != nil {
		within("failure_percentage.threshold", f.Threshold, 1, 99) // no backend fails more than all calls
		within("failure_percentage.enforcement", f.Enforcement, 1, 100)
		within("failure_percentage.minimum_hosts", f.MinimumHosts, 1, most)
		within("failure_percentage.request_volume", f.RequestVolume, 1, most)
	}
	if o.SuccessRate == nil && o.FailurePercentage == nil {
		errs = append(errs, field.Errorf("", "must have success_rate or failure_percentage: without them no backend is ever out"))
	}
	if name := unfit(o.Child); name != "" {
		errs = append(errs, field.Errorf("child", "must not be %s: %s", name, unfitReason(name)))
	} else {
		errs = append(errs, field.Prefix("child", validateChild(o.Child))...)
	}
	return errors.Join(errs...)
}

// unfit is the policy at or below p that outlier detection cannot lie above, "".
func unfit(p Policy) string {
	c, n := p.chosen()
	if n != 1 {
		return ""
	}
	if p.PickFirst != nil || p.OutlierDetection != nil {
		return c.name
	}
	if k, ok := c.kind.(parent); ok {
		return unfit(k.below())
	}
	return ""
}

func unfitReason(name string) string {
	if name == "pick_first" {
		return "over pick_first it has no effect"
	}
	return "one outlier_detection is enough"
}
