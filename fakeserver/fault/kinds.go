package fault

// Inject is the choice of a fault: exactly one field is set.
// A new fault is one file and one line here.
type Inject struct {
	Status  *Status  `yaml:"status" json:",omitempty" doc:"the call ends with a status code instead of being served" example:"{status: {code: UNAVAILABLE}}"`
	Latency *Latency `yaml:"latency" json:",omitempty" doc:"the call is served later by this much" example:"{latency: 20ms}"`
	Down    *Down    `yaml:"down" json:",omitempty" doc:"the backend closes its connections and refuses new ones" example:"down"`

	Freeze    *Freeze    `yaml:"freeze" json:",omitempty" doc:"all work of the backend stops, then goes on; connections stay" example:"freeze"`
	Slow      *Slow      `yaml:"slow" json:",omitempty" doc:"the backend works at a part of its speed" example:"{slow: {speed: 25%, ramp: 2s}}"`
	Restart   *Restart   `yaml:"restart" json:",omitempty" doc:"the backend is down for the length of the window and comes back cold" example:"{restart: {graceful: true, cold: 20%, ramp: 5s}}"`
	Overload  *Overload  `yaml:"overload" json:",omitempty" doc:"the backend serves fewer calls at once" example:"{overload: {capacity: 25%}}"`
	Unhealthy *Unhealthy `yaml:"unhealthy" json:",omitempty" doc:"the backend says that it is not serving, by the health protocol, and serves all the same" example:"unhealthy"`
}
