package scenario

import (
	"slices"

	"google.golang.org/grpc/resolver"

	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
)

// DialTarget is what clients dial to reach the target, and the resolvers to do it
// with.
func (s *Scenario) DialTarget() (string, []resolver.Builder, error) {
	target, err := targets.Parse(s.Target)
	if err != nil {
		return "", nil, err
	}
	if s.resolvedByGRPC(target) {
		return s.Target, nil, nil
	}
	return target.Dial()
}

// Targets is whether variants differ in their target.
func (p *Plan) Targets() bool {
	return slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Scenario.Target != p.Base.Target })
}

// resolvedByTargets is whether package targets finds the target's endpoints, in
// place of grpc-go.
func (s *Scenario) resolvedByTargets() bool {
	target, err := targets.Parse(s.Target)
	return err == nil && !target.ByGRPC() && !s.resolvedByGRPC(target)
}

// resolvedByGRPC is whether grpc-go's own DNS resolver is needed: it alone asks
// DNS for the look-aside balancers of grpclb.
func (s *Scenario) resolvedByGRPC(t targets.Target) bool {
	return t.Scheme() == "dns" && s.Client.Balance.NeedsLookaside()
}

// checkTarget finds what is wrong with the target.
func (s *Scenario) checkTarget(p *problems) {
	target, err := targets.Parse(s.Target)
	switch {
	case err != nil:
		p.addUnlessKnown("target", "%v", err)
	case s.resolvedByGRPC(target) && target.HasSettings():
		p.addUnlessKnown("target", "must have no settings after a ? with client.balance grpclb, whose balancers only grpc-go's own DNS resolver finds")
	}
}
