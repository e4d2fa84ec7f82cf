package balance

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/ringhash"
)

// Wrap is a raw loadBalancingConfig, a list of policies of which grpc-go takes
// the first that it knows, under the balancer that counts. It fails when it
// knows none, when a policy refuses its settings, and when outlier detection
// lacks a childPolicy, over which grpc-go would crash.
func Wrap(loadBalancingConfig json.RawMessage, seed uint64) (any, error) {
	cfg := config{Seed: seed}
	if err := json.Unmarshal(loadBalancingConfig, &cfg.Child); err != nil {
		return nil, fmt.Errorf("loadBalancingConfig must be a list of maps of one policy each: %w", err)
	}
	for i, entry := range cfg.Child {
		if len(entry) != 1 {
			return nil, fmt.Errorf("loadBalancingConfig[%d] must name one policy (got %d of them)", i, len(entry))
		}
	}
	if err := cfg.parse(); err != nil {
		return nil, fmt.Errorf("loadBalancingConfig: %w", err)
	}
	return []map[string]any{{Name: cfg}}, nil
}

// parse finds the first policy that is known, and reads its settings.
func (cfg *config) parse() error {
	var unknown []string
	for _, entry := range cfg.Child {
		for name, settings := range entry {
			build := balancer.Get(name)
			if build == nil {
				unknown = append(unknown, name)
				continue
			}
			if err := cfg.inspect(name, settings); err != nil {
				return err
			}
			cfg.build = build
			if parser, ok := build.(balancer.ConfigParser); ok {
				var err error
				if cfg.parsed, err = parser.ParseConfig(settings); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return nil
		}
	}
	sort.Strings(unknown)
	for _, name := range unknown {
		if name == outlierName {
			return fmt.Errorf("%s %s", name, importXDS)
		}
	}
	return fmt.Errorf("names no policy that this program knows (got %s)", strings.Join(unknown, ", "))
}

// inspect looks at a policy and at what lies below it, at any depth.
func (cfg *config) inspect(name string, settings json.RawMessage) error {
	switch name {
	case Name:
		return fmt.Errorf("must not name %s, which is added", Name)
	case outlierName:
		var outlier struct {
			Child json.RawMessage `json:"childPolicy"`
		}
		if err := json.Unmarshal(settings, &outlier); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(outlier.Child) == 0 || string(outlier.Child) == "null" {
			return fmt.Errorf("%s must have a childPolicy", name)
		}
	case ringhash.Name:
		var ring struct {
			Header string `json:"requestHashHeader"`
		}
		// What cannot be read is for the policy's own parser to say.
		if json.Unmarshal(settings, &ring) == nil {
			cfg.hashHeader = ring.Header
		}
	}
	return cfg.descend(settings)
}

// descend inspects each value of a map, and of the maps in a list: names of
// policies are keys, wherever they are.
func (cfg *config) descend(value json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		for _, item := range list {
			if err := cfg.descend(item); err != nil {
				return err
			}
		}
		return nil
	}
	var entries map[string]json.RawMessage
	if json.Unmarshal(value, &entries) == nil {
		for name, settings := range entries {
			if err := cfg.inspect(name, settings); err != nil {
				return err
			}
		}
	}
	return nil
}
