package load

// Arrivals is the choice of an arrival process: exactly one field is set.
// A new process is one file, one line here and one in kinds.
type Arrivals struct {
	Constant *Constant `yaml:"constant" doc:"one call every 1/rate, like a metronome" example:"constant"`
	Poisson  *Poisson  `yaml:"poisson" doc:"independent users: exponential gaps with mean 1/rate" example:"poisson"`
}

// choice finds the field that is set, with its name in a document.
func (a Arrivals) choice() (name string, process Process) {
	switch {
	case a.Constant != nil:
		return "constant", a.Constant
	case a.Poisson != nil:
		return "poisson", a.Poisson
	}
	return "", nil
}

// Process is the process that is set, or nil when none is.
func (a Arrivals) Process() Process {
	_, process := a.choice()
	return process
}

// Name is the name of the process that is set, or empty when none is.
func (a Arrivals) Name() string {
	name, _ := a.choice()
	return name
}
