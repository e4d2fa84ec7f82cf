package clientcore_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

func TestDefaultIsValid(t *testing.T) {
	cfg := clientcore.Default()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.Keepalive = clientcore.FleetKeepalive()
	cfg.Windows = clientcore.Windows{Stream: 65535, Connection: 1 << 20}
	cfg.Compression = "none"
	cfg.Timeout = 0
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	negative := -time.Second
	zip := "zip"
	for want, change := range map[string]func(*clientcore.Config){
		"pool.size: must be between 1 and 1000 (got 0)":    func(c *clientcore.Config) { c.Pool.Size = 0 },
		"pool.size: must be between 1 and 1000 (got 1001)": func(c *clientcore.Config) { c.Pool.Size = 1001 },
		"balance: must be one of round_robin, pick_first, weighted_round_robin, least_request, p2c_ewma, consistent_hash, random_subsetting, outlier_detection, grpclb (got 0 of them)": func(c *clientcore.Config) {
			c.Balance = balance.Policy{}
		},
		"timeout: must be >= 0, where 0 is none (got -1s)": func(c *clientcore.Config) { c.Timeout = negative },
		"retry.base: must be > 0 (got -1s)":                func(c *clientcore.Config) { c.Retry.Base = negative },
		`compression: must be gzip or none (got "zip")`:    func(c *clientcore.Config) { c.Compression = zip },
		"keepalive.time: must be at least 10s, to which grpc-go raises less (got 9s)": func(c *clientcore.Config) {
			c.Keepalive = &clientcore.Keepalive{Time: 9 * time.Second, Timeout: time.Second}
		},
		"keepalive.timeout: must be > 0 (got 0s)": func(c *clientcore.Config) {
			c.Keepalive = &clientcore.Keepalive{Time: 30 * time.Second}
		},
		"messages.max_receive: must be between 1 and 2147483647 (got 0)": func(c *clientcore.Config) { c.Messages.MaxReceive = 0 },
		"messages.max_send: must be between 1 and 2147483647 (got 2147483648)": func(c *clientcore.Config) {
			c.Messages.MaxSend = 1 << 31
		},
		"windows.connection: must be set as well, because stream is": func(c *clientcore.Config) { c.Windows.Stream = 1 << 20 },
		"windows.stream: must be set as well, because connection is": func(c *clientcore.Config) { c.Windows.Connection = 1 << 20 },
		"windows.stream: must be between 65535 and 2147483647 (got 1000)": func(c *clientcore.Config) {
			c.Windows = clientcore.Windows{Stream: 1000, Connection: 1 << 20}
		},
		"connect.base: must be > 0 (got 0s)":                              func(c *clientcore.Config) { c.Connect.Base = 0 },
		"connect.max: must be at least base, which is 100ms (got 1ms)":    func(c *clientcore.Config) { c.Connect.Max = ms },
		"connect.multiplier: must be between 1 and 1000 (got 0.5)":        func(c *clientcore.Config) { c.Connect.Multiplier = 0.5 },
		"connect.jitter: must be between 0 and 1, or 0% and 100% (got 2)": func(c *clientcore.Config) { c.Connect.Jitter = 2 },
		"connect.timeout: must be > 0 (got 0s)":                           func(c *clientcore.Config) { c.Connect.Timeout = 0 },
		"methods.a/b/c: must be a method, as GetUser":                     method("a/b/c", clientcore.Method{}),
		"methods./GetUser: must be a method, as GetUser":                  method("/GetUser", clientcore.Method{}),
		"methods.M.timeout: must be >= 0, where 0 is none (got -1s)":      method("M", clientcore.Method{Timeout: &negative}),
		"methods.M.retry.attempts: must be between 1 and 100 (got -1)":    method("M", clientcore.Method{Retry: &retry.Policy{Attempts: -1}}),
		`methods.M.compression: must be gzip or none (got "zip")`:         method("M", clientcore.Method{Compression: &zip}),
	} {
		cfg := clientcore.Default()
		change(&cfg)
		err := cfg.Validate()
		if err == nil {
			t.Errorf("accepted: %s", want)
			continue
		}
		errs := err.(interface{ Unwrap() []error }).Unwrap()
		fielded, ok := errs[0].(interface{ Field() string })
		if len(errs) != 1 || !ok || !strings.HasPrefix(fielded.Field()+": "+errs[0].Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func method(name string, m clientcore.Method) func(*clientcore.Config) {
	return func(c *clientcore.Config) { c.Methods = map[string]clientcore.Method{name: m} }
}

// All mistakes are told at once, none of them nested.
func TestValidateTellsAll(t *testing.T) {
	err := clientcore.Config{Keepalive: &clientcore.Keepalive{}, Windows: clientcore.Windows{Stream: 1}}.Validate()
	got := map[string]bool{}
	for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
		var fielded interface{ Field() string }
		if !errors.As(one, &fielded) {
			t.Fatalf("%v has no field", one)
		}
		got[fielded.Field()] = true
	}
	want := map[string]bool{}
	for _, path := range strings.Fields(`pool.size balance retry.attempts retry.backoff retry.base retry.jitter retry.codes
		keepalive.time keepalive.timeout messages.max_receive messages.max_send windows.stream windows.connection
		connect.base connect.multiplier connect.timeout`) {
		want[path] = true
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
