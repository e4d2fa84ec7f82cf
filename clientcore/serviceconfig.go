package clientcore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// serviceConfig is what holds for all calls of one channel, as JSON: by the
// settings, or by the file that stands in for them. The message limits are here
// because as call options they would cost each call an allocation.
func (c Config) serviceConfig(raw *rawServiceConfig, seed uint64) (string, error) {
	if raw != nil {
		return raw.wrapped(seed)
	}
	balancing, err := c.Balance.LoadBalancing(seed)
	if err != nil {
		return "", err
	}
	all := map[string]any{"loadBalancingConfig": balancing}
	if c.HealthCheck != "" {
		all["healthCheckConfig"] = map[string]any{"serviceName": c.HealthCheck}
	}
	limits := map[string]any{
		"name":                    []struct{}{{}}, // every method
		"maxRequestMessageBytes":  c.Messages.MaxSend,
		"maxResponseMessageBytes": c.Messages.MaxReceive,
	}
	methods := []map[string]any{limits}
	if c.Retry.IsNative() {
		policy, throttling := c.Retry.ServiceConfig()
		limits["retryPolicy"] = policy
		if throttling != nil {
			all["retryThrottling"] = throttling
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		if own := c.nativeMethod(name, limits); own != nil {
			methods = append(methods, own)
		}
	}
	all["methodConfig"] = methods
	text, err := json.Marshal(all)
	return string(text), err
}

// nativeMethod is what the service config says of one method whose retries
// differ from the others' where either are grpc-go's own; nil when it need not
// be named.
func (c Config) nativeMethod(name string, limits map[string]any) map[string]any {
	override := c.Methods[name].Retry
	if override == nil {
		return nil
	}
	policy := override.Inherit(c.Retry)
	if !c.Retry.IsNative() && !policy.IsNative() {
		return nil
	}
	service, method, _ := strings.Cut(name, "/") // Validate wants both
	own := maps.Clone(limits)
	own["name"] = []map[string]string{{"service": service, "method": method}}
	delete(own, "retryPolicy")
	if policy.IsNative() {
		own["retryPolicy"], _ = policy.ServiceConfig()
	}
	return own
}

// native is whether grpc-go retries any calls of the Config, and with how many
// attempts at most.
func (c Config) native() (attempts int) {
	if c.Retry.IsNative() {
		attempts = c.Retry.Attempts
	}
	for _, m := range c.Methods {
		if m.Retry == nil {
			continue
		}
		if p := m.Retry.Inherit(c.Retry); p.IsNative() {
			attempts = max(attempts, p.Attempts)
		}
	}
	return attempts
}

// rawServiceConfig is a service config of a file, by its keys.
type rawServiceConfig struct {
	keys      map[string]json.RawMessage
	balancing json.RawMessage
}

// readServiceConfig reads Config.ServiceConfig; nil where there is none.
func (c Config) readServiceConfig() (*rawServiceConfig, error) {
	if c.ServiceConfig == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.ServiceConfig)
	if err != nil {
		return nil, field.Errorf("service_config", "cannot be read: %v", err)
	}
	raw, err := parseServiceConfig(text)
	if err != nil {
		return nil, field.Errorf("service_config", "%s: %v", c.ServiceConfig, err)
	}
	return raw, nil
}

// parseServiceConfig reads a service config as far as this package must know
// it. grpc-go judges the rest when a channel is made.
func parseServiceConfig(text []byte) (*rawServiceConfig, error) {
	raw := &rawServiceConfig{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&raw.keys); err != nil {
		return nil, fmt.Errorf("is no service config in JSON: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("holds more than one JSON value")
	}
	known := []string{"loadBalancingConfig", "loadBalancingPolicy", "methodConfig", "retryThrottling", "healthCheckConfig"}
	for _, key := range slices.Sorted(maps.Keys(raw.keys)) {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("has a key that grpc-go does not act on, %q: it knows %s", key, strings.Join(known, ", "))
		}
	}
	var methods []map[string]json.RawMessage
	if config, ok := raw.keys["methodConfig"]; ok && json.Unmarshal(config, &methods) == nil {
		for i, method := range methods {
			if _, hedges := method["hedgingPolicy"]; hedges {
				return nil, fmt.Errorf("has methodConfig[%d].hedgingPolicy, which grpc-go does not act on: hedge is this client's own", i)
			}
		}
	}
	raw.balancing = raw.keys["loadBalancingConfig"]
	if policy, old := raw.keys["loadBalancingPolicy"]; old && raw.balancing == nil {
		// grpc-go turns an unknown name of this old key into pick_first without
		// a word; a loadBalancingConfig makes it an error.
		var name string
		if err := json.Unmarshal(policy, &name); err != nil {
			return nil, errors.New("loadBalancingPolicy must be a name")
		}
		raw.balancing, _ = json.Marshal([]map[string]any{{strings.ToLower(name): struct{}{}}}) // cannot fail
	}
	if raw.balancing == nil {
		raw.balancing = json.RawMessage(`[{"pick_first":{}}]`) // as gRPC has it
	}
	delete(raw.keys, "loadBalancingPolicy")
	if _, err := raw.wrapped(0); err != nil {
		return nil, err
	}
	return raw, nil
}

// wrapped is the service config with its balancing inside ours, which counts.
func (r *rawServiceConfig) wrapped(seed uint64) (string, error) {
	balancing, err := balance.Wrap(r.balancing, seed)
	if err != nil {
		return "", err
	}
	all := make(map[string]any, len(r.keys)+1)
	for key, value := range r.keys {
		all[key] = value
	}
	all["loadBalancingConfig"] = balancing
	text, err := json.Marshal(all)
	return string(text), err
}
