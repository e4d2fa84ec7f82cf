package load

// Keys is the choice of how calls are spread over users: at most one field is
// set, none is uniform.
type Keys struct {
	Uniform *UniformKeys `yaml:"uniform" doc:"every user is as likely" example:"uniform"`
	Zipf    *Zipf        `yaml:"zipf" doc:"a few users make most calls: the n-th is drawn with weight 1/n^exponent" example:"{zipf: {exponent: 1.1}}"`
}

// keying is a kind of Keys.
type keying interface {
	sampler(n int) func(seed uint64) int
}

func (k Keys) choice() (name string, kind keying) {
	switch {
	case k.Uniform != nil:
		return "uniform", k.Uniform
	case k.Zipf != nil:
		return "zipf", k.Zipf
	}
	return "", nil
}

// Name is the name of the kind that is set, or empty when none is.
func (k Keys) Name() string {
	name, _ := k.choice()
	return name
}

// Sampler draws one of n keys, numbered from 0: a pure function of the seed.
func (k Keys) Sampler(n int) func(seed uint64) int {
	_, kind := k.choice()
	if kind == nil {
		kind = new(UniformKeys)
	}
	return kind.sampler(n)
}

// Problems is what is wrong with its settings.
func (k Keys) Problems() []Problem {
	name, kind := k.choice()
	if kind == nil {
		return nil
	}
	return problemsOf(name, kind)
}

// UniformKeys spreads calls evenly.
type UniformKeys struct{}

// A remainder, whose bias is below n·2⁻⁶⁴: what it has always been, so that a
// seed keeps its meaning.
func (*UniformKeys) sampler(n int) func(uint64) int {
	return func(seed uint64) int { return int(seed % uint64(n)) }
}
