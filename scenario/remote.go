package scenario

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/grpcbench/grpcbench/fakeserver"
)

// checkRemote finds what is wrong with a fleet on other machines.
func (s *Scenario) checkRemote(p *problems) {
	if s.Fleet == nil {
		return
	}
	remote := s.Fleet.Remote
	for i, address := range remote {
		path := fmt.Sprintf("fleet.remote[%d]", i)
		host, port, err := net.SplitHostPort(address)
		switch n, bad := strconv.ParseUint(port, 10, 16); {
		case err != nil || host == "" || bad != nil || n == 0:
			p.addUnlessKnown(path, "must be host:port, where the fleet's machine serves control (got %q)", address)
		case slices.Index(remote, address) < i:
			p.addUnlessKnown(path, "names %s twice: its backends would be configured twice", address)
		}
	}
	if len(remote) == 0 {
		if p.root.Get("fleet.token") != nil {
			p.addUnlessKnown("fleet.token", "is for fleet.remote: a fleet on this machine has a token of its own in every run")
		}
		if list := p.root.Get("fleet.remote"); list != nil {
			p.addUnlessKnown("fleet.remote", "must name a control address, such as 10.0.0.5:7000")
		}
		return
	}
	if p.root.Get("fleet.isolation") != nil {
		p.addUnlessKnown("fleet.isolation", "must be left out with fleet.remote")
	}
	if s.Fleet.Token == "" {
		p.addUnlessKnown("fleet", "needs token: ${TOKEN}, the environment variable with what the remote fleets ask for")
	}
	if len(remote) > s.Fleet.Backends {
		p.addUnlessKnown("fleet.remote", "names %d machines for %s: some would have none", len(remote), plural(s.Fleet.Backends, "backend", "backends"))
	}
	if len(remote) > 1 && s.Fleet.Front != fakeserver.NoFront {
		p.addUnlessKnown("fleet.front", "must be left out with more than one remote: it stands before backends of its own machine")
	}
	if len(remote) > 1 && s.Fleet.TLS != fakeserver.PlainText {
		p.addUnlessKnown("fleet.tls", "must be left out with more than one remote: each would sign with an authority of its own")
	}
	if len(remote) > 1 && s.Client.Balance.NeedsLookaside() {
		p.addUnlessKnown("fleet.remote", "must be one machine with balance grpclb: its balancer knows the backends of its own machine")
	}
}
