package pool

import (
	"time"

	"google.golang.org/grpc/connectivity"
)

// Stats is what a Pool did since New, and its state now.
type Stats struct {
	// Size is the number of channels.
	Size int
	// States is how many channels are in each of the five states, zeros
	// included. Channels that were replaced are in none of them.
	States map[connectivity.State]int
	// Draining is the channels that were replaced and finish their calls.
	Draining int
	// InFlight is the calls and streams on channels now, draining ones
	// included. Those that wait for room are not.
	InFlight int64
	// Picks is the calls and streams that were given a channel.
	Picks int64
	// Rebuilds is the channels that were replaced after StuckFor, Recycles those
	// after MaxAge, Idled those after MaxIdle.
	Rebuilds, Recycles, Idled int64
	// Waits is the calls that found no channel with room, Waited how long they
	// waited together. Calls that still wait are in Waits only.
	Waits  int64
	Waited time.Duration
}

// Stats reads the counters: while calls are running they need not add up.
func (p *Pool) Stats() Stats {
	s := Stats{Size: p.cfg.Size, States: map[connectivity.State]int{}}
	for _, state := range []connectivity.State{connectivity.Idle, connectivity.Connecting, connectivity.Ready,
		connectivity.TransientFailure, connectivity.Shutdown} {
		s.States[state] = 0
	}
	p.mu.Lock()
	s.Picks = int64(p.picks.Load())
	s.Waits, s.Waited = p.queue.waits, p.queue.waited
	for _, c := range p.slots {
		s.InFlight += c.inFlight()
	}
	if k := p.keeper; k != nil {
		s.Draining = len(k.draining)
		for c := range k.draining {
			s.InFlight += c.inFlight()
		}
		s.Rebuilds, s.Recycles, s.Idled = k.rebuilds, k.recycles, k.idled
	}
	p.mu.Unlock()
	for _, state := range p.States() {
		s.States[state]++
	}
	return s
}
