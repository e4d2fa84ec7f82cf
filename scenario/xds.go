package scenario

// grpc-go keeps outlier_detection together with xDS: with this import a scenario
// can use both.
import _ "github.com/grpcbench/grpcbench/clientcore/xds"

// checkXDS finds settings that an xDS control plane decides instead.
func (s *Scenario) checkXDS(p *problems) {
	if s.Fleet == nil || s.Fleet.XDS == nil {
		return
	}
	for _, key := range []string{"client.balance", "client.service_config", "client.health_check"} {
		if p.root.Get(key) != nil {
			p.addUnlessKnown(key, "must be left out with fleet.xds, whose control plane says how calls are balanced (fleet.xds.policy)")
		}
	}
	if len(s.Churn) > 0 {
		p.addUnlessKnown("churn", "cannot be with fleet.xds: its control plane says which backends there are (fleet.xds.changes)")
	}
}
