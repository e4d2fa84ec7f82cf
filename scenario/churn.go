package scenario

import (
	"fmt"
	"slices"
	"time"
)

// Churn is one change of the endpoints that the client is told of. The
// backends themselves run on: what is tested is discovery, not failure.
type Churn struct {
	// At counts from t0.
	At    time.Duration `yaml:"at" doc:"when, counted from the start of the measurement"`
	Join  []int         `yaml:"join" doc:"numbers of backends, from 0, that clients are told of from then on; one that has not joined before is absent from the start"`
	Leave []int         `yaml:"leave" doc:"numbers of backends, from 0, that clients are not told of any more"`
}

// Members is the numbers of the backends that clients are told of at the
// start, in order: all but those whose first change is that they join.
func (s *Scenario) Members() []int {
	absent := map[int]bool{}
	left := map[int]bool{}
	for _, c := range s.churnByTime() {
		for _, b := range c.Join {
			absent[b] = absent[b] || !left[b]
		}
		for _, b := range c.Leave {
			left[b] = left[b] || !absent[b]
		}
	}
	var members []int
	if s.Fleet != nil {
		for b := range s.Fleet.Backends {
			if !absent[b] {
				members = append(members, b)
			}
		}
	}
	return members
}

// Memberships is the changes as what holds from each on: after At, clients are
// told of Members.
func (s *Scenario) Memberships() []Membership {
	members := s.Members()
	var all []Membership
	for _, c := range s.churnByTime() {
		members = slices.DeleteFunc(slices.Clone(members), func(b int) bool { return slices.Contains(c.Leave, b) })
		members = append(members, c.Join...)
		slices.Sort(members)
		members = slices.Compact(members)
		all = append(all, Membership{At: c.At, Members: members})
	}
	return all
}

// fewestMembers is the least backends that clients are told of at any time.
func (s *Scenario) fewestMembers() int {
	least := len(s.Members())
	for _, m := range s.Memberships() {
		least = min(least, len(m.Members))
	}
	return least
}

// Membership is the backends that clients are told of from a time on.
type Membership struct {
	At      time.Duration
	Members []int
}

func (s *Scenario) churnByTime() []Churn {
	sorted := slices.Clone(s.Churn)
	slices.SortStableFunc(sorted, func(a, b Churn) int { return int(min(max(a.At-b.At, -1), 1)) })
	return sorted
}

// checkChurn finds changes that cannot be made.
func (s *Scenario) checkChurn(p *problems) {
	if len(s.Churn) == 0 {
		return
	}
	if s.Fleet == nil {
		p.addUnlessKnown("churn", "is for a fleet: the endpoints of a target are its own")
		return
	}
	if s.fronted() {
		p.addUnlessKnown("churn", "cannot be with a front: clients know one address, whatever stands behind it")
		return
	}
	if s.Client.Balance.NeedsLookaside() {
		p.addUnlessKnown("churn", "cannot be with balance grpclb: its balancer says which backends there are (fleet.lookaside.changes)")
	}
	for i, c := range s.Churn {
		path := fmt.Sprintf("churn[%d]", i)
		if c.At < 0 {
			p.addUnlessKnown(path+".at", "must be >= 0 (got %v)", c.At)
		}
		if len(c.Join)+len(c.Leave) == 0 {
			p.addUnlessKnown(path, "must say who joins or leaves, such as {at: 3s, join: [1, 2]}")
		}
		for _, list := range []struct {
			key      string
			backends []int
		}{{"join", c.Join}, {"leave", c.Leave}} {
			for j, b := range list.backends {
				if b < 0 || b >= s.Fleet.Backends {
					p.addUnlessKnown(fmt.Sprintf("%s.%s[%d]", path, list.key, j), "must be from 0 to %d (got %d)", s.Fleet.Backends-1, b)
				}
			}
		}
	}
	s.checkMemberships(p)
}

// checkMemberships follows the changes in the order of time: who is there
// cannot join, who is not cannot leave, and someone must stay.
func (s *Scenario) checkMemberships(p *problems) {
	members := s.Members()
	if len(members) == 0 {
		p.addUnlessKnown("churn", "leaves no backend at the start: one must be there that has not yet to join")
		return
	}
	for _, c := range s.churnByTime() {
		i := slices.IndexFunc(s.Churn, func(o Churn) bool {
			return o.At == c.At && slices.Equal(o.Join, c.Join) && slices.Equal(o.Leave, c.Leave)
		})
		path := fmt.Sprintf("churn[%d]", i)
		for j, b := range c.Leave {
			at := slices.Index(members, b)
			if at < 0 {
				p.addUnlessKnown(fmt.Sprintf("%s.leave[%d]", path, j), "backend %d is not there at %v, so it cannot leave", b, c.At)
				continue
			}
			members = slices.Delete(members, at, at+1)
		}
		for j, b := range c.Join {
			if slices.Contains(members, b) {
				p.addUnlessKnown(fmt.Sprintf("%s.join[%d]", path, j), "backend %d is there at %v, so it cannot join", b, c.At)
				continue
			}
			members = append(members, b)
		}
		if len(members) == 0 {
			p.addUnlessKnown(path, "leaves no backend: one must stay")
			return
		}
	}
}
