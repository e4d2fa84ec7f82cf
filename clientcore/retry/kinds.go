package retry

// Backoff is the choice of how the wait grows: exactly one field is set. Its
// settings (base, max, multiplier) are the Policy's.
// A new backoff is one file, one line here and one in list.
type Backoff struct {
	Exponential  *Exponential  `yaml:"exponential" doc:"min(base·multiplier^(n−1), max)" example:"exponential"`
	Linear       *Linear       `yaml:"linear" doc:"min(base·n, max)" example:"linear"`
	Fixed        *Fixed        `yaml:"fixed" doc:"base, every time" example:"fixed"`
	Immediate    *Immediate    `yaml:"immediate" doc:"no wait at all" example:"immediate"`
	Decorrelated *Decorrelated `yaml:"decorrelated" doc:"min(max, uniform in base to 3·previous); jitter does not apply" example:"decorrelated"`
	Native       *Native       `yaml:"native" doc:"grpc-go's own retries (gRFC A6), by a service config; its jitter is 20 %, whatever jitter says" example:"native"`
}

// list is every kind beside whether it is the one chosen.
func (b Backoff) list() []choice[growth] {
	return []choice[growth]{
		{b.Exponential != nil, b.Exponential},
		{b.Linear != nil, b.Linear},
		{b.Fixed != nil, b.Fixed},
		{b.Immediate != nil, b.Immediate},
		{b.Decorrelated != nil, b.Decorrelated},
		{b.Native != nil, b.Native},
	}
}

// Jitter is the choice of how a wait b is spread: exactly one field is set.
// A new jitter is one file, one line here and one in list.
type Jitter struct {
	None    *NoJitter `yaml:"none" doc:"b itself" example:"none"`
	Equal   *Equal    `yaml:"equal" doc:"uniform in b/2 to b" example:"equal"`
	Full    *Full     `yaml:"full" doc:"uniform in 0 to b" example:"full"`
	Percent *Percent  `yaml:"percent" doc:"uniform in b·(1 ± p/100)" example:"{percent: 10}"`
}

func (j Jitter) list() []choice[spread] {
	return []choice[spread]{
		{j.None != nil, j.None},
		{j.Equal != nil, j.Equal},
		{j.Full != nil, j.Full},
		{j.Percent != nil, j.Percent},
	}
}

// choice is one kind of a choice. The flag is there because an interface that
// holds a nil pointer is not nil.
type choice[K any] struct {
	chosen bool
	kind   K
}

func chosen[K any](list []choice[K]) (kind K, count int) {
	for _, c := range list {
		if c.chosen {
			kind = c.kind
			count++
		}
	}
	return kind, count
}

func (b Backoff) kind() growth { k, _ := chosen(b.list()); return k }
func (b Backoff) count() int   { _, n := chosen(b.list()); return n }
func (j Jitter) kind() spread  { k, _ := chosen(j.list()); return k }
func (j Jitter) count() int    { _, n := chosen(j.list()); return n }
