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

	Freeze    *Freeze    `yaml:"freeze" json:",omitempty" doc:"all work of the backend stops, then goes on; connections stay" example:"freeze"`
	Slow      *Slow      `yaml:"slow" json:",omitempty" doc:"the backend works at a part of its speed" example:"{slow: {speed: 25%, ramp: 2s}}"`
	Restart   *Restart   `yaml:"restart" json:",omitempty" doc:"the backend is down for the length of the window and comes back cold" example:"{restart: {graceful: true, cold: 20%, ramp: 5s}}"`
	Overload  *Overload  `yaml:"overload" json:",omitempty" doc:"the backend serves fewer calls at once" example:"{overload: {capacity: 25%}}"`
	Unhealthy *Unhealthy `yaml:"unhealthy" json:",omitempty" doc:"the backend says that it is not serving, by the health protocol, and serves all the same" example:"unhealthy"`

	Disconnect *Disconnect `yaml:"disconnect" json:",omitempty" doc:"every connection is closed, once, with: rst or fin; the backend listens on" example:"disconnect"`
	GoAway     *GoAway     `yaml:"goaway" json:",omitempty" doc:"every connection is sent GOAWAY, once; with refuse: true one that gives calls in flight back" example:"goaway"`
	Blackhole  *Blackhole  `yaml:"blackhole" json:",omitempty" doc:"connections are accepted, and nothing goes through: only keepalive finds it" example:"blackhole"`
	MaxAge     *MaxAge     `yaml:"max_age" json:",omitempty" doc:"connections are sent away when they reach an age" example:"{max_age: {age: 30s, grace: 5s}}"`
	MaxStreams *MaxStreams `yaml:"max_streams" json:",omitempty" doc:"a connection carries so many calls at once; clients queue the others" example:"{max_streams: 2}"`
	TLSFailure *TLSFailure `yaml:"tls_failure" json:",omitempty" doc:"new connections fail in the TLS handshake; certificate: unknown_authority, expired or wrong_name" example:"tls_failure"`
}
