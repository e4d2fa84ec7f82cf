package scenario

import (
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/fakeserver"
)

// channels is those of all clients, connections what they come to once all are
// ready: each channel connects to every backend, or to some or one of them, as the
// balancing policy has it. 0 is unknown: only the target knows how many backends it
// has.
func (s *Scenario) channels() int { return s.Client.Pool.Size * max(s.Client.Count, 1) }

func (s *Scenario) connections() int {
	if s.Fleet == nil && !s.picksOne() {
		return 0
	}
	return s.channels() * s.perChannel()
}

// perChannel is how many backends a channel is connected to.
func (s *Scenario) perChannel() int {
	if s.picksOne() {
		return 1
	}
	if n := s.subset(); n > 0 {
		return min(n, s.Fleet.Backends)
	}
	return s.Fleet.Backends
}

// subset is how many backends random_subsetting leaves a channel; 0 is all.
func (s *Scenario) subset() int {
	for _, p := range s.policies() {
		if p.RandomSubsetting != nil {
			return p.RandomSubsetting.Size
		}
	}
	return 0
}

// policies is the balancing policy and those below it.
func (s *Scenario) policies() []balance.Policy {
	all := []balance.Policy{s.Client.Balance}
	for {
		switch last := all[len(all)-1]; {
		case last.OutlierDetection != nil:
			all = append(all, last.OutlierDetection.Child)
		case last.RandomSubsetting != nil:
			all = append(all, last.RandomSubsetting.Child)
		default:
			return all
		}
	}
}

// pickFirst is the pick_first that all calls of a channel go by; nil where none
// does.
func (s *Scenario) pickFirst() *balance.PickFirst {
	all := s.policies()
	return all[len(all)-1].PickFirst
}

// picksOne reports whether a channel is one connection, to one backend: with
// pick_first, and through a front that has one address for all.
func (s *Scenario) picksOne() bool { return s.pickFirst() != nil || s.fronted() }

// drawn reports whether each channel has backends of its own, so that how evenly
// the load is spread is a matter of which they are.
func (s *Scenario) drawn() bool { return s.picksOne() || s.subset() > 0 }

func (s *Scenario) fronted() bool { return s.Fleet != nil && s.Fleet.Front == fakeserver.L4 }

// allOnFirst reports whether every channel sends all it has to the first
// backend.
func (s *Scenario) allOnFirst() bool {
	first := s.pickFirst()
	return first != nil && !first.Shuffle && s.subset() == 0 && !s.fronted()
}
