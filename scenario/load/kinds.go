package load

// Arrivals is the choice of an arrival process: exactly one field is set.
// A new process is one file, one line here and one in kinds.
type Arrivals struct {
	Constant *Constant `yaml:"constant" doc:"one call every 1/rate, like a metronome" example:"constant"`
	Poisson  *Poisson  `yaml:"poisson" doc:"independent users: exponential gaps with mean 1/rate" example:"poisson"`
	Uniform  *Uniform  `yaml:"uniform" doc:"a metronome with jitter: each call anywhere in its own slot of 1/rate" example:"{uniform: {jitter: 50%}}"`
	Bursts   *Bursts   `yaml:"bursts" doc:"groups of calls at once, the groups like independent users" example:"{bursts: {size: 20}}"`
	Replay   *Replay   `yaml:"replay" doc:"recorded arrivals from a file; takes no rate" example:"{replay: {file: arrivals.txt}}"`
}

// choice finds the field that is set, with its name in a document.
func (a Arrivals) choice() (name string, process Process) {
	switch {
	case a.Constant != nil:
		return "constant", a.Constant
	case a.Poisson != nil:
		return "poisson", a.Poisson
	case a.Uniform != nil:
		return "uniform", a.Uniform
	case a.Bursts != nil:
		return "bursts", a.Bursts
	case a.Replay != nil:
		return "replay", a.Replay
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

// Problems is what is wrong with its settings.
func (a Arrivals) Problems() []Problem { return problemsOf(a.choice()) }

// Shape is the choice of how load changes over the measurement: at most one
// field is set. A new shape is one type with its profile, one line here and
// one in choice.
type Shape struct {
	Constant *Steady `yaml:"constant" doc:"the same throughout" example:"constant"`
	Ramp     *Ramp   `yaml:"ramp" doc:"a straight line from one factor to another" example:"{ramp: {from: 0, to: 1, over: 20s}}"`
	Steps    *Steps  `yaml:"steps" doc:"a staircase" example:"{steps: {from: 0.2, to: 1, count: 5, every: 10s}}"`
	Spike    *Spike  `yaml:"spike" doc:"a sudden load that goes again" example:"{spike: {times: 5, at: 10s, for: 2s}}"`
	Sine     *Sine   `yaml:"sine" doc:"load that comes and goes" example:"{sine: {period: 20s, swing: 50%}}"`
	Stages   *Stages `yaml:"stages" doc:"a list of stages, each of one factor (at) or a straight line to one (to)" example:"{stages: [{for: 5s, at: 0.5}, {for: 10s, to: 1}]}"`
}

// shaping is a kind of Shape.
type shaping interface{ profile() Profile }

func (s Shape) choice() (name string, kind shaping) {
	switch {
	case s.Constant != nil:
		return "constant", s.Constant
	case s.Ramp != nil:
		return "ramp", s.Ramp
	case s.Steps != nil:
		return "steps", s.Steps
	case s.Spike != nil:
		return "spike", s.Spike
	case s.Sine != nil:
		return "sine", s.Sine
	case s.Stages != nil:
		return "stages", s.Stages
	}
	return "", nil
}

// Name is the name of the shape that is set, or empty when none is.
func (s Shape) Name() string {
	name, _ := s.choice()
	return name
}

// Profile is that of the shape; nil where load does not change.
func (s Shape) Profile() Profile {
	_, kind := s.choice()
	if kind == nil || s.Constant != nil {
		return nil
	}
	return kind.profile()
}

// Problems is what is wrong with its settings.
func (s Shape) Problems() []Problem {
	name, kind := s.choice()
	if kind == nil {
		return nil
	}
	out := problemsOf(name, kind)
	if len(out) == 0 && kind.profile().Peak() == 0 {
		out = append(out, problem(name, "must not be 0 throughout"))
	}
	return out
}
