package fault

// Inject is the choice of a fault: exactly one field is set.
// A new fault is one file and one line here.
type Inject struct {
	Status   *Status   `yaml:"status" json:",omitempty" doc:"the call ends with a status code instead of being served" example:"{status: {code: UNAVAILABLE}}"`
	Latency  *Latency  `yaml:"latency" json:",omitempty" doc:"the call is served later by this much" example:"{latency: 20ms}"`
	Hang     *Hang     `yaml:"hang" json:",omitempty" doc:"the call is never answered" example:"hang"`
	Truncate *Truncate `yaml:"truncate" json:",omitempty" doc:"a stream ends with a code after some messages" example:"{truncate: {after: 3, code: UNAVAILABLE}}"`
	Reset    *Reset    `yaml:"reset" json:",omitempty" doc:"the call ends with RST_STREAM, at once or after some messages" example:"{reset: {code: REFUSED_STREAM}}"`
	Corrupt  *Corrupt  `yaml:"corrupt" json:",omitempty" doc:"a response message does not decode" example:"corrupt"`
	Oversize *Oversize `yaml:"oversize" json:",omitempty" doc:"a response message is larger than the client accepts" example:"{oversize: {size: 5MiB}}"`
	SlowRead *SlowRead `yaml:"slow_read" json:",omitempty" doc:"the requests are not read, so that flow control stops the client" example:"slow_read"`
	Throttle *Throttle `yaml:"throttle" json:",omitempty" doc:"messages pass at so many bytes a second" example:"{throttle: {per_second: 64KiB}}"`
	Headers  *Headers  `yaml:"headers" json:",omitempty" doc:"the response has huge or unexpected metadata" example:"{headers: {size: 1MiB}}"`
	Down     *Down     `yaml:"down" json:",omitempty" doc:"the backend closes its connections and refuses new ones" example:"down"`
}
