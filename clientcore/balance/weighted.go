package balance

import (
	"errors"
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc/balancer/weightedroundrobin"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// WeightedRoundRobin sends calls to each backend in turn, in proportion to
// qps / (utilisation + eps/qps · ErrorPenalty) of the backend's own load report,
// an ORCA report (gRFC A58). A backend whose weight is not known, or not yet
// used, counts as the mean of the others; while fewer than two are known it is
// round robin. A report without qps or utilisation is ignored.
type WeightedRoundRobin struct {
	OutOfBand       bool          `yaml:"out_of_band" doc:"reports come on a stream of their own; otherwise with each answer"`
	OutOfBandPeriod time.Duration `yaml:"out_of_band_period" doc:"how often a report is asked for, where they are out of band; a backend may send fewer"`
	Blackout        time.Duration `yaml:"blackout" doc:"how long a backend must have sent reports before they are used"`
	Expiration      time.Duration `yaml:"expiration" doc:"a report older than this is not used"`
	UpdatePeriod    time.Duration `yaml:"update_period" doc:"how often weights are computed: at least 100ms"`
	ErrorPenalty    float64       `yaml:"error_penalty" doc:"utilisation added for a share of errors of 1"`
}

// ReadsLoadReports reports whether the chosen policy, or one below it, goes by
// the load that backends report of themselves, and whether with each answer or
// out of band.
func (p Policy) ReadsLoadReports() (perCall, outOfBand bool) {
	if w := p.WeightedRoundRobin; w != nil {
		return !w.OutOfBand, w.OutOfBand
	}
	if c, n := p.chosen(); n == 1 {
		if k, isParent := c.kind.(parent); isParent {
			return k.below().ReadsLoadReports()
		}
	}
	return false, false
}

// minUpdatePeriod is grpc-go's: it raises a shorter one.
const minUpdatePeriod = 100 * time.Millisecond

// SetDefaults is reports with each answer, used after 500 ms and for 3 min, and
// weights computed every 100 ms; out of band, one report a second. grpc-go's own
// defaults (10 s of blackout, 1 s between weights, a report every 10 s) leave a
// trial of 10 s nothing but round robin.
func (w *WeightedRoundRobin) SetDefaults() {
	*w = WeightedRoundRobin{
		OutOfBandPeriod: time.Second,
		Blackout:        500 * time.Millisecond,
		Expiration:      3 * time.Minute,
		UpdatePeriod:    minUpdatePeriod,
		ErrorPenalty:    1,
	}
}

func (w *WeightedRoundRobin) child(uint64) (string, any) {
	// A parent such as random_subsetting writes the parsed settings anew and
	// leaves out what is zero, which then becomes grpc-go's default. So zero is
	// said by the smallest value that is not.
	return weightedroundrobin.Name, map[string]any{
		"enableOobLoadReport":     w.OutOfBand,
		"oobReportingPeriod":      seconds(w.OutOfBandPeriod),
		"blackoutPeriod":          seconds(max(w.Blackout, 1)),
		"weightExpirationPeriod":  seconds(w.Expiration),
		"weightUpdatePeriod":      seconds(w.UpdatePeriod),
		"errorUtilizationPenalty": max(w.ErrorPenalty, math.SmallestNonzeroFloat64),
	}
}

func (w *WeightedRoundRobin) validate() error {
	var errs []error
	if w.OutOfBand && w.OutOfBandPeriod <= 0 {
		errs = append(errs, field.Errorf("out_of_band_period", "must be > 0 (got %v)", w.OutOfBandPeriod))
	}
	if w.Blackout < 0 {
		errs = append(errs, field.Errorf("blackout", "must be >= 0 (got %v)", w.Blackout))
	}
	if w.Expiration <= 0 {
		errs = append(errs, field.Errorf("expiration", "must be > 0 (got %v)", w.Expiration))
	}
	if w.UpdatePeriod < minUpdatePeriod {
		errs = append(errs, field.Errorf("update_period", "must be at least %v, to which grpc-go raises less (got %v)", minUpdatePeriod, w.UpdatePeriod))
	}
	if !(w.ErrorPenalty >= 0 && w.ErrorPenalty <= math.MaxFloat32) {
		errs = append(errs, field.Errorf("error_penalty", "must be >= 0 (got %v)", w.ErrorPenalty))
	}
	return errors.Join(errs...)
}

// seconds is a duration as JSON for protobuf has it: 0.5s.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', 9, 64) + "s"
}
