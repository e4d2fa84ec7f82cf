package breaker

import "google.golang.org/grpc"

// probe is a stream that probes a breaker. It has succeeded with its first
// response: a stream may go on for hours, in which the breaker would refuse all
// other calls.
type probe struct {
	grpc.ClientStream
	done func(error) // tells the outcome; all but the first time are ignored
}

func (p *probe) RecvMsg(m any) error {
	err := p.ClientStream.RecvMsg(m)
	if err == nil {
		p.done(nil)
	}
	return err
}

// probes is whether the ticket is one of a probe.
func (t Ticket) probes() bool { return stateOf(t.word) == HalfOpen }
