// Package servicetime holds the distributions that service times are drawn
// from: each a pure function from uniform numbers to a duration, so that a
// call meets the same service time in every variant.
package servicetime

// Choice is the choice of a distribution: exactly one field is set, or none
// for no service time at all.
// A new distribution is one file and one line here.
type Choice struct {
	Fixed       *Fixed       `yaml:"fixed" json:",omitempty" doc:"always the same" example:"{fixed: 2ms}"`
	Uniform     *Uniform     `yaml:"uniform" json:",omitempty" doc:"evenly between min and max" example:"{uniform: {min: 1ms, max: 3ms}}"`
	Normal      *Normal      `yaml:"normal" json:",omitempty" doc:"bell curve, cut off at 0" example:"{normal: {mean: 5ms, stddev: 1ms}}"`
	Exponential *Exponential `yaml:"exponential" json:",omitempty" doc:"memoryless, as queueing theory likes it" example:"{exponential: 2ms}"`
	Lognormal   *Lognormal   `yaml:"lognormal" json:",omitempty" doc:"long-tailed, as real services are" example:"{lognormal: {p50: 2ms, p99: 12ms}}"`
	Pareto      *Pareto      `yaml:"pareto" json:",omitempty" doc:"power law: a few calls are most of the work" example:"{pareto: {min: 1ms, alpha: 2}}"`
	Mixture     *Mixture     `yaml:"mixture" json:",omitempty" doc:"several kinds of calls, such as hits and misses of a cache" example:"{mixture: [{weight: 9, time: {fixed: 1ms}}, {weight: 1, time: {exponential: 20ms}}]}"`
	Quantiles   *Quantiles   `yaml:"quantiles" json:",omitempty" doc:"through quantiles read off a dashboard" example:"{quantiles: {p50: 3ms, p99: 40ms}}"`
}
