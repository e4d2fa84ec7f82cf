package pool

// Pick is the choice of how a channel is chosen for a call: at most one field is
// set, and none is round_robin.
// A new kind is one file, one line here and one in list.
type Pick struct {
	RoundRobin    *RoundRobin    `yaml:"round_robin" doc:"each channel in turn" example:"round_robin"`
	LeastInFlight *LeastInFlight `yaml:"least_in_flight" doc:"the channel with the fewest calls in flight: of all up to 16, of two at random above" example:"least_in_flight"`
	Random        *Random        `yaml:"random" doc:"any channel, each as likely" example:"random"`
}

// list is every kind beside whether it is the one chosen.
func (p Pick) list() []choice {
	return []choice{
		{p.RoundRobin != nil, p.RoundRobin},
		{p.LeastInFlight != nil, p.LeastInFlight},
		{p.Random != nil, p.Random},
	}
}
