package clientcore

import (
	"errors"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // the compressor that every server knows

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/interceptor"
	"github.com/grpcbench/grpcbench/clientcore/internal/field"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// Limits of settings that grpc-go would otherwise change without a word.
const (
	minKeepalive = 10 * time.Second // a shorter time is raised to this
	minWindow    = 65535            // a smaller window is ignored
)

// Validate reports every setting that is out of range. Each error in the joined
// one has a method Field() string, the setting's path by its yaml names, and a
// message without the path.
func (c Config) Validate() error {
	var errs checks
	errs.add("pool", c.Pool.Validate())
	if c.ServiceConfig == "" {
		errs.add("balance", c.Balance.Validate())
	} else {
		errs.instead(c)
	}
	errs.timeout("timeout", c.Timeout)
	errs.add("retry", c.Retry.Validate())
	if c.Hedge != nil {
		errs.add("hedge", c.Hedge.Validate())
		if !c.Hedge.Off && !c.Retry.Off && c.ServiceConfig == "" {
			errs.wrong("hedge", neverBoth)
		}
	}
	if c.Breaker != nil {
		errs.add("breaker", c.Breaker.Validate())
	}
	errs.compression("compression", c.Compression)
	errs.metadata("metadata", c.Metadata)
	if _, err := interceptor.ParseLevel(c.Log); err != nil {
		errs.wrong("log", "%v", err)
	}
	if c.TLS != nil {
		errs.add("tls", c.TLS.validate())
	}
	errs.authority(c)
	if c.Keepalive != nil {
		errs.add("keepalive", c.Keepalive.validate())
	}
	errs.add("messages", c.Messages.validate())
	errs.add("windows", c.Windows.validate())
	errs.add("connect", c.Connect.validate())
	names := make([]string, 0, len(c.Methods))
	for name := range c.Methods {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		m := c.Methods[name]
		path := "methods." + name
		if name == "" || strings.Count(name, "/") > 1 || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") {
			errs.wrong(path, "must be a method, as GetUser, or a service and a method, as user.v1.UserService/GetUser (got %q)", name)
		}
		if m.Timeout != nil {
			errs.timeout(path+".timeout", *m.Timeout)
		}
		errs.attempts(path, name, m, c)
		if m.Compression != nil {
			errs.compression(path+".compression", *m.Compression)
		}
	}
	return errors.Join(errs...)
}

// neverBoth is said of a hedge beside a retry.
const neverBoth = "must not be set together with retry: a call is hedged or retried, never both; for hedges set retry to none"

func (k *Keepalive) validate() error {
	var errs checks
	if k.Time < minKeepalive {
		errs.wrong("time", "must be at least %v, to which grpc-go raises less (got %v)", minKeepalive, k.Time)
	}
	if k.Timeout <= 0 {
		errs.wrong("timeout", "must be > 0 (got %v)", k.Timeout)
	}
	return errors.Join(errs...)
}

func (m Messages) validate() error {
	var errs checks
	errs.between("max_receive", m.MaxReceive, 1, math.MaxInt32)
	errs.between("max_send", m.MaxSend, 1, math.MaxInt32)
	return errors.Join(errs...)
}

func (w Windows) validate() error {
	if w == (Windows{}) {
		return nil
	}
	var errs checks
	for _, window := range []struct {
		path, other string
		bytes       int64
	}{{"stream", "connection", w.Stream}, {"connection", "stream", w.Connection}} {
		if window.bytes == 0 {
			errs.wrong(window.path, "must be set as well, because %s is: one alone turns dynamic windows off for both", window.other)
			continue
		}
		errs.between(window.path, window.bytes, minWindow, math.MaxInt32)
	}
	return errors.Join(errs...)
}

func (c Connect) validate() error {
	var errs checks
	if c.Base <= 0 {
		errs.wrong("base", "must be > 0 (got %v)", c.Base)
	}
	if c.Max < c.Base {
		errs.wrong("max", "must be at least base, which is %v (got %v)", c.Base, c.Max)
	}
	if !(c.Multiplier >= 1 && c.Multiplier <= 1000) {
		errs.wrong("multiplier", "must be between 1 and 1000 (got %v)", c.Multiplier)
	}
	if !(c.Jitter >= 0 && c.Jitter <= 1) {
		errs.wrong("jitter", "must be between 0 and 1, or 0%% and 100%% (got %v)", c.Jitter)
	}
	if c.Timeout <= 0 {
		errs.wrong("timeout", "must be > 0 (got %v)", c.Timeout)
	}
	return errors.Join(errs...)
}

// checks gathers what is wrong.
type checks []error

func (c *checks) add(prefix string, err error) {
	*c = append(*c, field.Prefix(prefix, err)...)
}

func (c *checks) wrong(path, format string, args ...any) {
	*c = append(*c, field.Errorf(path, format, args...))
}

func (c *checks) between(path string, got, low, high int64) {
	if got < low || got > high {
		c.wrong(path, "must be between %d and %d (got %d)", low, high, got)
	}
}

func (c *checks) timeout(path string, got time.Duration) {
	if got < 0 {
		c.wrong(path, "must be >= 0, where 0 is none (got %v)", got)
	}
}

// instead finds settings that Config.ServiceConfig stands in for.
func (c *checks) instead(cfg Config) {
	const rule = "must be left out: service_config says how "
	if cfg.Balance != (balance.Policy{}) {
		c.wrong("balance", rule+"calls are balanced")
	}
	if !cfg.Retry.Off {
		c.wrong("retry", "must be none: service_config says how calls are retried")
	}
	if cfg.Hedge != nil && !cfg.Hedge.Off {
		c.wrong("hedge", "must be none: service_config says how calls are retried, and grpc-go does not hedge")
	}
	if cfg.HealthCheck != "" {
		c.wrong("health_check", rule+"backends are checked for health")
	}
}

// attempts checks how the attempts of one method are made.
func (c *checks) attempts(path, name string, m Method, cfg Config) {
	retries := cfg.Retry
	if m.Retry != nil {
		retries = m.Retry.Inherit(cfg.Retry)
		c.add(path+".retry", retries.Validate())
		if (retries.IsNative() || cfg.Retry.IsNative()) && !strings.Contains(name, "/") {
			c.wrong(path, "must name the service too, as user.v1.UserService/%s: grpc-go's own retries are set by full names", name)
		}
		switch {
		case !retries.IsNative():
		case m.Retry.Budget != (retry.Budget{}):
			c.wrong(path+".retry.budget", "must be left out: grpc-go keeps one budget for all native retries of a channel, that of retry.budget")
		case !cfg.Retry.IsNative() && retry.NewThrottle(cfg.Retry.Budget) != nil:
			c.wrong(path+".retry", "must not be native: the budget of retry, which is not native, would not count for it")
		}
		if cfg.ServiceConfig != "" && !retries.Off {
			c.wrong(path+".retry", "must be none: service_config says how calls are retried")
		}
	}
	if m.Hedge == nil {
		return
	}
	hedges := m.Hedge.Inherit(cfg.hedge())
	c.add(path+".hedge", hedges.Validate())
	switch {
	case hedges.Off:
	case cfg.ServiceConfig != "":
		c.wrong(path+".hedge", "must be none: service_config says how calls are retried, and grpc-go does not hedge")
	case m.Retry != nil && !retries.Off:
		c.wrong(path+".hedge", neverBoth)
	case retries.IsNative():
		c.wrong(path+".hedge", "must not be set while the client's retry is native, which is another layer's: set the method's retry to none")
	}
}

// metadata checks what gRPC would refuse with every call.
func (c *checks) metadata(path string, md map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(md)) {
		if _, err := interceptor.Metadata(key, md[key]); err != nil {
			c.wrong(path+"."+key, "%v", err)
		}
	}
}

// authority checks what grpc-go would refuse, or a server not understand.
func (c *checks) authority(cfg Config) {
	if strings.ContainsFunc(cfg.Authority, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/?#@\\", r) }) {
		c.wrong("authority", "must be a host, or host:port (got %q)", cfg.Authority)
	}
	if cfg.Authority != "" && cfg.TLS != nil && cfg.TLS.ServerName != "" && cfg.TLS.ServerName != cfg.Authority {
		c.wrong("authority", "must be left out, because tls.server_name is sent as :authority already (got %q and %q)", cfg.Authority, cfg.TLS.ServerName)
	}
}

func (c *checks) compression(path, got string) {
	if _, known := compressor(got); !known {
		c.wrong(path, "must be gzip or none (got %q)", got)
	}
}

// compressor is the name by which grpc knows a compression, "" for none. A
// compression that the program has registered with grpc is known, too.
func compressor(name string) (string, bool) {
	if name == "" || name == "none" {
		return "", true
	}
	return name, encoding.GetCompressor(name) != nil
}
