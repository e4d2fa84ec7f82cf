// Package balance holds the policies by which a channel spreads calls over its
// backends: grpc-go's own, chosen by loadBalancingConfig, so that an unknown
// name is an error and never a silent pick_first, and P2CEWMA.
//
// Around the chosen policy lies a balancer of this package that counts each
// attempt where it is picked (a Meter holds the counts) and reports the
// channel's state. It allocates nothing per call.
package balance

// Policy is the choice of a balancing policy: exactly one field is set.
// A new policy is one file, one line here and one in list.
type Policy struct {
	RoundRobin         *RoundRobin         `yaml:"round_robin" doc:"each backend in turn" example:"round_robin"`
	PickFirst          *PickFirst          `yaml:"pick_first" doc:"all calls of a channel to the first backend that can be reached" example:"{pick_first: {shuffle: true}}"`
	WeightedRoundRobin *WeightedRoundRobin `yaml:"weighted_round_robin" doc:"each backend in turn, more often the less it is loaded by its own report (ORCA)" example:"{weighted_round_robin: {out_of_band: true, out_of_band_period: 1s}}"`
	LeastRequest       *LeastRequest       `yaml:"least_request" doc:"the backend with the fewest calls in flight, of a few drawn at random" example:"{least_request: {choices: 3}}"`
	P2CEWMA            *P2CEWMA            `yaml:"p2c_ewma" doc:"the better of two backends drawn at random, by latency times calls in flight" example:"{p2c_ewma: {decay: 5s}}"`
	ConsistentHash     *ConsistentHash     `yaml:"consistent_hash" doc:"all calls of one key to one backend, of which a lost backend moves only its own keys" example:"{consistent_hash: {field: user_id}}"`
	RandomSubsetting   *RandomSubsetting   `yaml:"random_subsetting" doc:"each channel uses a few backends only, drawn at random" example:"{random_subsetting: {size: 3, child: least_request}}"`
	OutlierDetection   *OutlierDetection   `yaml:"outlier_detection" doc:"backends that fail more than the others get no calls for a while" example:"{outlier_detection: {interval: 2s, child: round_robin}}"`
	GRPCLB             *GRPCLB             `yaml:"grpclb" doc:"a look-aside balancer names the backends and weighs them" example:"grpclb"`
}

// list is every kind beside whether it is the one chosen.
func (p Policy) list() []choice {
	return []choice{
		{p.RoundRobin != nil, "round_robin", p.RoundRobin},
		{p.PickFirst != nil, "pick_first", p.PickFirst},
		{p.WeightedRoundRobin != nil, "weighted_round_robin", p.WeightedRoundRobin},
		{p.LeastRequest != nil, "least_request", p.LeastRequest},
		{p.P2CEWMA != nil, "p2c_ewma", p.P2CEWMA},
		{p.ConsistentHash != nil, "consistent_hash", p.ConsistentHash},
		{p.RandomSubsetting != nil, "random_subsetting", p.RandomSubsetting},
		{p.OutlierDetection != nil, "outlier_detection", p.OutlierDetection},
		{p.GRPCLB != nil, "grpclb", p.GRPCLB},
	}
}
