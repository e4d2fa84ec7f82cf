package scenario

import (
	"fmt"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/export"
)

// Export is the variant's client, to be printed for shipping.
func (v *Variant) Export(p *Plan) export.Client {
	service, _, _ := strings.Cut(v.Scenario.Load[0].Method(), "/")
	return export.Client{
		Config: v.Scenario.Client.Config, Count: v.Scenario.Client.Count, Target: v.Scenario.Target, Discovered: v.Scenario.resolvedByTargets(),
		Scenario: p.File, Variant: v.Name, Service: service,
	}
}

// CheckSecrets reports a secret that a variant names and that is not there: what a run needs to know before it begins, and nobody who only reads the
// plan.
func (p *Plan) CheckSecrets() error {
	for _, v := range p.Variants {
		if _, _, err := clientyaml.Reveal(v.Scenario.Client.Config); err != nil {
			return fmt.Errorf("%s: client.%w", p.File, err)
		}
		for _, l := range v.Scenario.Load {
			for _, key := range sortedNames(l.Metadata) {
				if _, _, err := reveal(l.Metadata[key]); err != nil {
					return fmt.Errorf("%s: load.%s.metadata.%s: %w", p.File, l.Name, key, err)
				}
			}
		}
		if fleet := v.Scenario.Fleet; fleet != nil && fleet.Token != "" {
			if _, err := fleet.Token.Reveal(); err != nil {
				return fmt.Errorf("%s: fleet.token: %w", p.File, err)
			}
		}
	}
	return nil
}
