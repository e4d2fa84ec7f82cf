package clientcore

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/internal/further"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// PortableServiceConfig is the Config as a gRPC service config, in JSON, as far
// as that can say the same: clients in other languages read it. What it cannot
// say comes back joined in unsaid, each as an error with a method Field() string,
// and is left out of the text rather than put in as something similar. service,
// as user.v1.UserService, completes the names of Config.Methods that have none;
// without it those cannot be said. The error is that of Validate, or that
// Config.ServiceConfig, which is such a text already, cannot be read.
func (c Config) PortableServiceConfig(service string) (text []byte, unsaid error, err error) {
	if err := c.Validate(); err != nil {
		return nil, nil, field.Full(err)
	}
	p := &portable{all: map[string]any{}}
	if c.ServiceConfig != "" {
		raw, err := c.readServiceConfig()
		if err != nil {
			return nil, nil, field.Full(err)
		}
		for key, value := range raw.keys {
			p.all[key] = value
		}
		p.all["loadBalancingConfig"] = raw.balancing
		if c.Timeout != 0 {
			p.not("timeout", "is not in the file: add a timeout to its methodConfig")
		}
	} else {
		p.balancing(c)
		p.methods(c, service)
	}
	p.client(c)
	text, err = json.MarshalIndent(p.all, "", "  ")
	return append(text, '\n'), errors.Join(p.unsaid...), err
}

// portable is a service config that is put together.
type portable struct {
	all    map[string]any
	unsaid []error
}

func (p *portable) not(path, format string, args ...any) {
	p.unsaid = append(p.unsaid, field.Errorf(path, format, args...))
}

func (p *portable) balancing(c Config) {
	balancing, err := c.Balance.ServiceConfig()
	if err != nil {
		p.not("balance", "%v", err)
	} else {
		p.all["loadBalancingConfig"] = balancing
	}
	if _, header, ok := c.Balance.Key(); ok && err == nil {
		p.not("balance", "says only that the key of a call is in its metadata %s: the client has to put it there", header)
	}
	if c.HealthCheck != "" {
		p.all["healthCheckConfig"] = map[string]any{"serviceName": c.HealthCheck}
	}
}

// methods is the methodConfig: one entry for all methods, and one for each that
// differs. A method is looked up in one entry only, so each says everything.
func (p *portable) methods(c Config, service string) {
	every := p.method(c, "", Method{})
	every["name"] = []any{map[string]any{}}
	list := []map[string]any{every}
	for _, name := range slices.Sorted(maps.Keys(c.Methods)) {
		full := name
		if !strings.Contains(name, "/") {
			if service == "" {
				p.not("methods."+name, "does not name its service, as user.v1.UserService/%s", name)
				continue
			}
			full = service + "/" + name
		}
		of, method, _ := strings.Cut(full, "/")
		own := p.method(c, "methods."+name+".", c.Methods[name])
		own["name"] = []any{map[string]any{"service": of, "method": method}}
		list = append(list, own)
	}
	p.all["methodConfig"] = list
}

// method is what holds for the calls that m is about.
func (p *portable) method(c Config, path string, m Method) map[string]any {
	timeout, wait, again, compression := c.Timeout, c.WaitForReady, c.attempts(m), c.Compression
	if m.Timeout != nil {
		timeout = *m.Timeout
	}
	if m.WaitForReady != nil {
		wait = *m.WaitForReady
	}
	own := path == "" || m.Retry != nil || m.Hedge != nil // the others' is complained of once
	if m.Compression != nil {
		compression = *m.Compression
	}
	config := map[string]any{
		"maxRequestMessageBytes":  c.Messages.MaxSend,
		"maxResponseMessageBytes": c.Messages.MaxReceive,
	}
	if timeout > 0 {
		config["timeout"] = jsonDuration(timeout)
	}
	if wait {
		config["waitForReady"] = true
	}
	if policy, ok := p.retries(path+"retry", again.retry, path == "", own); ok {
		config["retryPolicy"] = policy
	}
	if policy, ok := p.hedges(path+"hedge", again.hedge, path == "", own); ok {
		config["hedgingPolicy"] = policy
	}
	if name, _ := compressor(compression); name != "" && (path == "" || m.Compression != nil) {
		p.not(path+"compression", "is chosen by the program, call by call")
	}
	return config
}

// retries is a policy as a retryPolicy, where that says the same. The budget is
// the whole channel's.
func (p *portable) retries(path string, policy retry.Policy, whole, tell bool) (map[string]any, bool) {
	if policy.Off || policy.Attempts == 1 {
		return nil, false
	}
	as, unlike := policy.Portable()
	if len(unlike) > 0 {
		if tell {
			p.unsaid = append(p.unsaid, field.Prefix(path, errors.Join(unlike...))...)
		}
		return nil, false
	}
	said, throttling := as.ServiceConfig()
	if throttling != nil && whole {
		p.all["retryThrottling"] = throttling
	} else if throttling != nil && tell {
		p.not(path+".budget", "is one for the whole channel in a service config")
	}
	return said, true
}

// hedges is a policy as a hedgingPolicy, where that says the same. The budget is
// the whole channel's.
func (p *portable) hedges(path string, policy hedge.Policy, whole, tell bool) (map[string]any, bool) {
	if policy.Off || policy.Attempts == 1 {
		return nil, false
	}
	unlike := len(p.unsaid)
	if policy.After.Percentile != 0 {
		p.not(path+".after", "gRPC hedges after a fixed time only")
	}
	if policy.Attempts > retry.NativeMaxAttempts {
		p.not(path+".attempts", "gRPC lowers more than %d to that (got %d)", retry.NativeMaxAttempts, policy.Attempts)
	}
	if policy.Budget.Ratio != nil {
		p.not(path+".budget", "gRPC has tokens only")
	}
	differs := len(p.unsaid) > unlike
	if !tell {
		p.unsaid = p.unsaid[:unlike]
	}
	if differs {
		return nil, false
	}
	if tokens := policy.Budget.Tokens; tokens != nil && whole {
		p.all["retryThrottling"] = map[string]any{"maxTokens": tokens.Max, "tokenRatio": tokens.Ratio}
	} else if tokens != nil && tell {
		p.not(path+".budget", "is one for the whole channel in a service config")
	}
	if tell {
		p.not(path, "is a hedgingPolicy, which not every gRPC client acts on: grpc-go does not")
	}
	codes := make([]string, len(policy.Codes))
	for i, code := range policy.Codes {
		codes[i] = further.WireName(code)
	}
	return map[string]any{
		"maxAttempts":         policy.Attempts,
		"hedgingDelay":        jsonDuration(policy.After.Delay),
		"nonFatalStatusCodes": codes,
	}, true
}

// client is what no service config speaks of: the program has to do it.
func (p *portable) client(c Config) {
	if c.Pool.Size > 1 {
		p.not("pool.size", "%d channels are the program's to make: gRPC shares one among equal targets unless it is told not to", c.Pool.Size)
	}
	if c.Pool.MaxInFlight > 0 {
		p.not("pool.max_in_flight", "is the program's to keep: gRPC sends as many calls as the server takes")
	}
	if c.Pool.MaxAge > 0 {
		p.not("pool.max_age", "is the program's to keep: gRPC replaces no channel because of its age")
	}
	if c.Breaker != nil && !c.Breaker.Off {
		p.not("breaker", "no service config has circuit breakers; outlier_detection comes nearest")
	}
	if len(c.Metadata) > 0 {
		p.not("metadata", "is sent by the program")
	}
	if c.Keepalive != nil {
		p.not("keepalive", "is an option of the channel")
	}
	if c.Windows != (Windows{}) {
		p.not("windows", "are an option of the channel")
	}
	if c.TLS != nil {
		p.not("tls", "is an option of the channel")
	}
	if c.Authority != "" {
		p.not("authority", "is an option of the channel")
	}
	p.not("connect", "is an option of the channel: a lost backend is dialled again after %v, at most every %v, and gRPC's own are 1s and 2m", c.Connect.Base, c.Connect.Max)
}

// jsonDuration is a duration as JSON for protobuf has it: 0.5s.
func jsonDuration(d time.Duration) string {
	return fmt.Sprintf("%ss", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
}
