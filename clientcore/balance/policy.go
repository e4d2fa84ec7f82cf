package balance

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// kind is one balancing policy.
type kind interface {
	// child is the policy's name and settings in a loadBalancingConfig. seed is
	// the channel's own.
	child(seed uint64) (name string, settings any)
	// validate is what is wrong with the settings.
	validate() error
}

// shuffler is a kind that may order the backends of each channel by its seed.
type shuffler interface{ shuffled() bool }

// parent is a kind that leaves the pick to another policy.
type parent interface{ below() Policy }

// choice is one kind of a Policy. The flag is there because an interface that
// holds a nil pointer is not nil.
type choice struct {
	chosen bool
	name   string
	kind   kind
}

func (p Policy) chosen() (one choice, count int) {
	for _, c := range p.list() {
		if c.chosen {
			one = c
			count++
		}
	}
	return one, count
}

// Name is the chosen policy, as users write it; "" unless exactly one is.
func (p Policy) Name() string {
	if c, n := p.chosen(); n == 1 {
		return c.name
	}
	return ""
}

// Validate reports whether exactly one policy is chosen, and every setting of it
// and of its children that is out of range.
func (p Policy) Validate() error {
	c, n := p.chosen()
	if n != 1 {
		var names []string
		for _, c := range p.list() {
			names = append(names, c.name)
		}
		return field.Errorf("", "must be one of %s (got %d of them)", strings.Join(names, ", "), n)
	}
	return errors.Join(field.Prefix(c.name, c.kind.validate())...)
}

// entry is p as a loadBalancingConfig, ready for JSON.
func (p Policy) entry(seed uint64) []map[string]any {
	c, _ := p.chosen()
	name, settings := c.kind.child(seed)
	return []map[string]any{{name: settings}}
}

// LoadBalancing is the loadBalancingConfig, ready for JSON, of a channel that
// balances by p and is counted. seed decides where p draws at random or shuffles
// backends: give each channel its own. It fails where Validate does.
func (p Policy) LoadBalancing(seed uint64) (any, error) {
	if err := p.Validate(); err != nil {
		return nil, field.Full(err)
	}
	cfg := config{Seed: seed}
	c, _ := p.chosen()
	if s, ok := c.kind.(shuffler); ok && s.shuffled() {
		cfg.Shuffle = true
		if r := p.RandomSubsetting; r != nil {
			// The subset is drawn by this package: the child lies directly below.
			cfg.Subset = r.Size
			p = r.Child
		}
	}
	var err error
	if cfg.Child, err = encode(p.entry(seed)); err != nil {
		return nil, err
	}
	return []map[string]any{{Name: cfg}}, nil
}

// encode is a loadBalancingConfig whose settings are JSON.
func encode(list []map[string]any) ([]map[string]json.RawMessage, error) {
	var out []map[string]json.RawMessage
	for _, entry := range list {
		raw := map[string]json.RawMessage{}
		for name, settings := range entry {
			text, err := json.Marshal(settings)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			raw[name] = text
		}
		out = append(out, raw)
	}
	return out, nil
}

// ServiceConfig is p as a loadBalancingConfig that clients in other languages
// understand, ready for JSON. It fails where Validate does, and for what only
// this package knows: p2c_ewma, and a shuffle by the channel's seed.
func (p Policy) ServiceConfig() (any, error) {
	if err := p.Validate(); err != nil {
		return nil, field.Full(err)
	}
	if err := p.portable(); err != nil {
		return nil, field.Full(err)
	}
	return p.entry(0), nil
}

func (p Policy) portable() error {
	c, _ := p.chosen()
	if p.P2CEWMA != nil {
		return field.Errorf(c.name, "is this client's own policy: a service config cannot name it")
	}
	if s, ok := c.kind.(shuffler); ok && s.shuffled() {
		return field.Errorf(c.name+".shuffle", "is this client's own: a service config cannot seed a shuffle")
	}
	if k, ok := c.kind.(parent); ok {
		return errors.Join(field.Prefix(c.name+".child", k.below().portable())...)
	}
	return nil
}

// NeedsLookaside reports whether the backends come from a look-aside balancer,
// whose address the resolver must give: see WithLookaside.
func (p Policy) NeedsLookaside() bool { return p.GRPCLB != nil }

// Key is where the chosen policy, or one below it, takes the key of a call from:
// a field of the request, or metadata. ok is false when no policy wants one.
func (p Policy) Key() (requestField, header string, ok bool) {
	if h := p.ConsistentHash; h != nil {
		return h.Field, h.Header, true
	}
	if c, n := p.chosen(); n == 1 {
		if k, isParent := c.kind.(parent); isParent {
			return k.below().Key()
		}
	}
	return "", "", false
}

// validateChild is what is wrong with a child of any parent.
func validateChild(p Policy) error {
	errs := []error{p.Validate()}
	switch c, _ := p.chosen(); {
	case p.GRPCLB != nil:
		errs = append(errs, field.Errorf(c.name, "must not lie below another policy: its backends come from its look-aside balancer"))
	case c.kind == nil:
	default:
		if s, ok := c.kind.(shuffler); ok && s.shuffled() {
			errs = append(errs, field.Errorf(c.name+".shuffle", "must be false below another policy: only the outermost one shuffles"))
		}
	}
	return errors.Join(errs...)
}
