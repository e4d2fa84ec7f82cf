package targets_test

import (
	"testing"

	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
)

// Only what the text itself shows to be this machine is loopback.
func TestLoopback(t *testing.T) {
	for text, want := range map[string]bool{
		"localhost:50051":                               true,
		"LocalHost:50051":                               true,
		"localhost.:50051":                              true,
		"127.0.0.1:50051":                               true,
		"127.8.9.1:1":                                   true,
		"[::1]:50051":                                   true,
		"[::ffff:127.0.0.1]:443":                        true,
		"localhost":                                     true,
		"dns:localhost:443":                             true,
		"dns:///localhost:443?every=5s":                 true,
		"dns://10.0.0.53/localhost:443":                 true,
		"static:///127.0.0.1:1,localhost:2":             true,
		"passthrough:///127.0.0.1:443":                  true,
		"passthrough:localhost:443":                     true,
		"unix:///run/users.sock":                        true,
		"unix:users.sock":                               true,
		"unix-abstract:users":                           true,
		"static:///127.0.0.1:1,10.0.0.1:2":              false,
		"passthrough:///users.internal:443":             false,
		"10.0.0.1:443":                                  false,
		"0.0.0.0:443":                                   false,
		"users.internal:443":                            false,
		"localhost.example.com:443":                     false,
		"127.0.0.1.example.com:443":                     false,
		"dns:///_grpc._tcp.localhost":                   false,
		"file:///etc/backends/users":                    false,
		"consul://127.0.0.1:8500/users":                 false,
		"etcd://127.0.0.1:2379/users":                   false,
		"xds:///localhost":                              false,
		"dns:///users.internal:443?authority=localhost": false,
	} {
		target, err := targets.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := target.Loopback(); got != want {
			t.Errorf("%s: loopback %v, want %v", text, got, want)
		}
	}
}
