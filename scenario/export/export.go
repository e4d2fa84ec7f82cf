// Package export says the client of a variant in other ways: as YAML that a
// service reads, as Go that builds it, and as a gRPC service config for clients
// in other languages. What was benchmarked can be shipped.
package export

import (
	"fmt"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
)

// Client is a client that was benchmarked, and where.
type Client struct {
	Config clientcore.Config
	// Target is whom the scenario calls; "" where that is a fleet.
	Target string
	// Discovered is whether package discovery/targets finds the target's endpoints,
	// and not grpc-go.
	Discovered bool
	// Count is how many such clients the scenario ran.
	Count int
	// Scenario and Variant are the file's and the variant's name.
	Scenario, Variant string
	// Service is the full name of the service that is called, by which a service
	// config names methods.
	Service string
}

// YAML is the client's settings as clientyaml.Read takes them, and a scenario
// below client, defaults included.
func YAML(c Client) string {
	var b strings.Builder
	for _, line := range c.about() {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	return b.String() + clientyaml.Write(c.Config)
}

// about is what the client is, as lines of a comment.
func (c Client) about() []string {
	lines := []string{fmt.Sprintf("The client of %s in %s, as grpcbench explain --variant prints it.", oneLine(c.Variant), oneLine(c.Scenario))}
	if c.Count > 1 {
		lines = append(lines, fmt.Sprintf("The scenario runs %d of them, each with its own pool, budgets and breakers.", c.Count))
	}
	return lines
}

// oneLine keeps a name from ending a comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// needsXDS is whether clientcore/xds must be linked in.
func (c Client) needsXDS() bool {
	return strings.HasPrefix(c.Target, "xds:") || below(c.Config.Balance, func(p balance.Policy) bool { return p.OutlierDetection != nil })
}

// below is whether is holds for a policy or one below it.
func below(p balance.Policy, is func(balance.Policy) bool) bool {
	switch {
	case is(p):
		return true
	case p.OutlierDetection != nil:
		return below(p.OutlierDetection.Child, is)
	case p.RandomSubsetting != nil:
		return below(p.RandomSubsetting.Child, is)
	}
	return false
}
