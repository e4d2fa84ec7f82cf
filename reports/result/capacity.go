package result

// Capacity is what `grpcbench capacity` was asked, and what it found. A result
// that has it holds, as the trials of each variant, those at its RatePerS, or,
// where no rate met the SLO, those at the lowest that was judged: variants were
// then measured at different rates.
type Capacity struct {
	// SLO is the conditions that a rate has to meet, as they were written; empty
	// where only concurrency was swept.
	SLO []string `json:"slo,omitempty"`
	// Load is the load entry whose rate was searched for, or whose workers were
	// swept; empty is all open loops, scaled together.
	Load string `json:"load,omitempty"`
	// Within is how far apart, as a share, the ends of a bracket may be; Trials how
	// many each end, and each concurrency, was measured with.
	Within float64 `json:"within"`
	Trials int     `json:"trials"`
	// MaxRatePerS is the highest rate that was allowed.
	MaxRatePerS float64           `json:"max_rate_per_s,omitempty"`
	Variants    []CapacityVariant `json:"variants"`
}

// CapacityVariant is what was found of one variant.
type CapacityVariant struct {
	Variant string `json:"variant"`
	// RatePerS is the highest rate of calls that met the SLO, in calls per second
	// over the load entries that were scaled; 0 is that none did. Confirmed is that
	// it met in Capacity.Trials trials together.
	RatePerS  float64 `json:"rate_per_s"`
	Confirmed bool    `json:"confirmed"`
	// BeyondPerS is the lowest rate above that did not, and Limit why. It is 0 where
	// none did not, up to the highest that was allowed, or where none was found
	// before the search was interrupted: then Limit is empty.
	BeyondPerS float64       `json:"beyond_per_s,omitempty"`
	Limit      CapacityLimit `json:"limit"`
	// Detail is what stopped it, for people: p99 23.1 ms.
	Detail string `json:"detail,omitempty"`
	// Probes is the rates that were tried, in their order.
	Probes []CapacityProbe `json:"probes,omitempty"`
	// Sweep is the concurrencies that were tried, and Law what was fitted to them;
	// Law is null where NoLaw says why.
	Sweep []CapacityPoint `json:"sweep,omitempty"`
	Law   *ScalabilityLaw `json:"law,omitempty"`
	NoLaw string          `json:"no_law,omitempty"`
}

// CapacityLimit is what keeps a variant from a higher rate.
type CapacityLimit string

// The limits.
const (
	LimitSLO       CapacityLimit = "slo"           // a condition of the SLO is not met
	LimitSaturated CapacityLimit = "saturated"     // calls in flight grow to the end
	LimitInFlight  CapacityLimit = "max_in_flight" // as many calls as allowed were under way
	LimitGenerator CapacityLimit = "generator"     // it, not what is measured, was at its limit
	LimitInvalid   CapacityLimit = "invalid"       // trials that were not fit to act on
	LimitTooFew    CapacityLimit = "too_few"       // a trial had too few calls to judge
	LimitMaxRate   CapacityLimit = "max_rate"      // the highest rate that was allowed
)

// CapacityProbe is one rate that was tried.
type CapacityProbe struct {
	RatePerS float64 `json:"rate_per_s"`
	// Trials is how many were judged together; Again how many more were not fit to
	// count, and made again.
	Trials int `json:"trials"`
	Again  int `json:"again,omitempty"`
	// Limit is empty where the rate met the SLO.
	Limit  CapacityLimit `json:"limit,omitempty"`
	Detail string        `json:"detail,omitempty"`
	// Gates is the conditions as they were judged.
	Gates []Gate `json:"gates,omitempty"`
}

// CapacityPoint is what a number of workers in a closed loop came to.
type CapacityPoint struct {
	Workers int `json:"workers"`
	// PerS is the calls that ended OK, per second, of each trial that counts.
	PerS []float64 `json:"per_s"`
	// Limit says why the point has no part in the law.
	Limit  CapacityLimit `json:"limit,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// ScalabilityLaw is the Universal Scalability Law as it was fitted:
// X(N) = λN / (1 + σ(N−1) + κN(N−1)).
type ScalabilityLaw struct {
	Lambda Estimate `json:"lambda_per_s"`
	Sigma  Estimate `json:"sigma"`
	Kappa  Estimate `json:"kappa"`
	// PeakN is the concurrency of the highest throughput, PeakPerS that throughput.
	// Both are null where the law puts it beyond twice the highest concurrency that
	// was measured.
	PeakN    *Estimate `json:"peak_n"`
	PeakPerS *Estimate `json:"peak_per_s"`
	// PeakFromN is where the peak's 95 % interval begins, in place of PeakN: only
	// where that is twice MostN, beyond which it is not read, was a peak up to there
	// ruled out. It is left out where nothing is known of the fit's error.
	PeakFromN *float64 `json:"peak_from_n,omitempty"`
	// MostN is the highest concurrency that was measured.
	MostN float64 `json:"most_n"`
}

// Estimate is a figure with its 95 % interval, of which null is a side that has
// no bound.
type Estimate struct {
	Value float64  `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}
