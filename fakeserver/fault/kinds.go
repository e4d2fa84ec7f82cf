package fault

// Inject is the choice of a fault: exactly one field is set.
// A new fault is one file and one line here.
type Inject struct {
	Status    *Status    `yaml:"status" json:",omitempty" doc:"the call ends with a status code instead of being served" example:"{status: {code: UNAVAILABLE}}"`
	Latency   *Latency   `yaml:"latency" json:",omitempty" doc:"the call is served later by this much" example:"{latency: 20ms}"`
	Down      *Down      `yaml:"down" json:",omitempty" doc:"the backend closes its connections and refuses new ones" example:"down"`
	Unhealthy *Unhealthy `yaml:"unhealthy" json:",omitempty" doc:"the backend says that it is not serving, by the health protocol, and serves all the same" example:"unhealthy"`
}
