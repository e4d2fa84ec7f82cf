package load

// Arrivals is the choice of an arrival process: exactly one field is set.
// A new process is one file and one line here.
type Arrivals struct {
	Constant *Constant `yaml:"constant" doc:"one call every 1/rate, like a metronome" example:"constant"`
	Poisson  *Poisson  `yaml:"poisson" doc:"independent users: exponential gaps with mean 1/rate" example:"poisson"`
}
