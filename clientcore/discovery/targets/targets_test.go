package targets_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
)

func TestMain(m *testing.M) {
	if bootstrapped() {
		os.Exit(m.Run()) // grpc-go's xDS client outlives its channels for a while
	}
	goleak.VerifyTestMain(m)
}

// TestKinds: every kind has a line, an example that is of the kind, and an error
// for a text that says nothing.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range targets.Kinds() {
		if kind.Doc == "" || seen[kind.Scheme] {
			t.Errorf("%s: without a line, or twice", kind.Scheme)
		}
		seen[kind.Scheme] = true
		target, err := targets.Parse(kind.Example)
		if err != nil {
			t.Errorf("%s: %v", kind.Example, err)
			continue
		}
		if target.Scheme() != kind.Scheme || target.String() != kind.Example {
			t.Errorf("%s is understood as %s of kind %s", kind.Example, target, target.Scheme())
		}
		ours := len(kind.Keys) > 0
		if registry, err := target.Registry(); err != nil || (registry != nil) != ours {
			t.Errorf("%s: registry %v, %v", kind.Example, registry, err)
		}
		if !ours {
			continue
		}
		if _, err := targets.Parse(kind.Scheme + ":///"); err == nil {
			t.Errorf("%s:/// is understood", kind.Scheme)
		}
		plain, _, _ := strings.Cut(kind.Example, "?")
		for _, key := range kind.Keys {
			if key.Doc == "" {
				t.Errorf("%s of %s has no line", key.Name, kind.Scheme)
			}
			value := map[string]string{"network": "ip4", "tag": "v2", "dc": "eu", "authority": "users.internal"}[key.Name]
			if value == "" {
				value = "1s"
			}
			if _, err := targets.Parse(plain + "?" + key.Name + "=" + value); err != nil {
				t.Errorf("%s with %s: %v", plain, key.Name, err)
			}
			if _, err := targets.Parse(plain + "?" + key.Name + "="); err == nil {
				t.Errorf("%s: %s without a value is accepted", plain, key.Name)
			}
			if _, err := targets.Parse(plain + "?" + key.Name + "=-5s/?"); err == nil && key.Name != "tag" && key.Name != "dc" {
				t.Errorf("%s: %s takes anything", plain, key.Name)
			}
		}
	}
}

// TestDial is what grpc is given.
func TestDial(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"localhost:50051", "dns:///localhost:50051"},
		{"users.internal", "dns:///users.internal:443"},
		{"::1", "dns:///%5B::1%5D:443"},
		{"[::1]:80", "dns:///%5B::1%5D:80"},
		{"file:443", "dns:///file:443"}, // a host of that name
		{"dns:443", "dns:///dns:443"},
		{"dns:users.internal:443", "dns:///users.internal:443"},
		{"dns:///users.internal", "dns:///users.internal:443"},
		{"dns://10.0.0.53/users.internal:80?every=1s", "dns:///users.internal:80"},
		{"dns:///_grpc._tcp.users.internal", "dns:///users.internal"},
		{"dns:///_grpc._tcp.users.internal?authority=users.example", "dns:///users.example"},
		{"static:///a:1,b:2", "static:///a:1"},
		{"static:///a:1?authority=users.internal:443", "static:///users.internal:443"},
		{"file:///etc/backends/users%20all", "file:///users%20all"},
		{"consul:///users", "consul:///users"},
		{"etcd://a,b:1/services/users", "etcd:///users"},
		{"passthrough:///a:1", "passthrough:///a:1"},
		{"unix:/run/users.sock", "unix:/run/users.sock"},
		{"xds:///users", "xds:///users"},
	} {
		target, err := targets.Parse(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		dial, resolvers, err := target.Dial()
		if err != nil || dial != test.want {
			t.Errorf("%s: dials %s, %v; want %s", test.text, dial, err, test.want)
		}
		opts := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithResolvers(resolvers...)}
		if target.Scheme() == "xds" {
			continue // wants a bootstrap: see TestXDS
		}
		if conn, err := grpc.NewClient(dial, opts...); err != nil {
			t.Errorf("%s: %v", dial, err)
		} else {
			_ = conn.Close()
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "must name a server, such as localhost:50051"},
		{"a b:1", `must have no spaces and no control characters (got "a b:1")`},
		{"http://users.internal", `unknown scheme "http": must be static, file, dns, consul, etcd, passthrough, unix, unix-abstract or xds, or host:port without a scheme`},
		{"localhost:", `the name must be host:port (got "localhost:")`},
		{"localhost:http", `the name must have a port from 1 to 65535 (got "localhost:http")`},
		{"dns:///a:1?evry=5s", `unknown setting "evry" of dns: must be every, floor, timeout, network or authority`},
		{"dns:///a:1?every=5", `setting every must be a duration > 0, such as 5s (got "5")`},
		{"dns:///a:1?every=-5s", `setting every must be a duration > 0, such as 5s (got "-5s")`},
		{"dns:///a:1?every=5s&every=6s", "setting every must be there once"},
		{"dns:///a:1?every", "setting every must have a value"},
		{"dns:///a:1?every=%zz", `must have settings as key=value&key=value after the ? (got "every=%zz")`},
		{"dns:///a:1?every=5s&floor=6s", "setting floor must be at most every, 5s (got 6s)"},
		{"dns:///a:1?network=tcp", `setting network must be ip4 or ip6 (got "tcp")`},
		{"dns://:53/a:1", `the DNS server must be host:port (got ":53")`},
		{"dns:///_grpc._tcp.a:1", `the name must be a service without a port, which its SRV records have (got "_grpc._tcp.a:1")`},
		{"static://a:1,b:2", `must begin with static:/// and its own three slashes, as static:///10.0.0.1:443,10.0.0.2:443 (got "a:1,b:2" after the second)`},
		{"static:///a:1,b", `address 2 must be host:port (got "b")`},
		{"static:///a:1,a:1", `address 2 must be another one (got "a:1" twice)`},
		{"static:///a:1#b", `must have no # (got "/a:1#b")`},
		{"static:///a:1?authority=a/b", `setting authority must be a host, or host:port (got "a/b")`},
		{"file://etc/users", `must begin with file:/// and its own three slashes, as file:///etc/backends/users?every=2s (got "etc" after the second)`},
		{"file:///", "must name a file by its whole path, as file:///etc/backends/users?every=2s"},
		{"file:///a%2", `must have % only before two hex digits (got "/a%2")`},
		{"consul://host:8500", `the path must name a service (got "")`},
		{"consul://host:8500/a/b", `the path must name a service (got "a/b")`},
		{"consul://host:x/a", `the Consul agent must have a port from 1 to 65535 (got "host:x")`},
		{"consul://host/a?wait=1h", "setting wait must be from 1ms to 10m0s, or 0 for 5m0s (got 1h0m0s)"},
		{"consul://host/a?token=x", `unknown setting "token" of consul: must be tag, dc, wait or authority`},
		{"etcd:///users", "must name the etcd servers, as etcd://10.0.0.1:2379,10.0.0.2:2379/users"},
		{"etcd://a:1,/users", `etcd server 2 must be host:port (got "")`},
		{"etcd://a:1/users/", `the path must be the name that endpoints are registered for, without a slash at its end (got "users/")`},
		{"etcd://root:s3cr3t@a:1/users", "must have no user and no password before the host: they come from the environment"},
	} {
		if target, err := targets.Parse(test.text); err == nil || err.Error() != test.want {
			t.Errorf("%s is %v, error %v; want %s", test.text, target, err, test.want)
		}
	}
}

// FuzzParse: what is understood can be dialled, and no user or password is ever
// repeated.
func FuzzParse(f *testing.F) {
	for _, kind := range targets.Kinds() {
		f.Add(kind.Example)
	}
	for _, text := range []string{"", ":", "a", "a:1", "[::1]", "dns://[::1]:53/[::2]:1", "etcd://u:p@h/x", "static:///%2c:1", "dns:?every=1s", "://", "file:///%00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := targets.Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		dial, resolvers, err := target.Dial()
		if err != nil {
			t.Fatalf("%q is understood, but: %v", text, err)
		}
		if resolvers == nil {
			return
		}
		conn, err := grpc.NewClient(dial, grpc.WithResolvers(resolvers...), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatalf("%q is dialled as %q: %v", text, dial, err)
		}
		_ = conn.Close()
	})
}

func discover(t *testing.T, text string) ([]discovery.Endpoint, error) {
	t.Helper()
	target, err := targets.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := target.Registry()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return registry.Discover(ctx)
}

func TestDiscover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("a:1\nb:2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text string
		want []string
	}{
		{"static:///b:2,a:1", []string{"b:2", "a:1"}},
		{"file://" + path, []string{"a:1", "b:2"}},
		{"127.0.0.9:50051", []string{"127.0.0.9:50051"}},
	} {
		if got, err := discover(t, test.text); err != nil || !slices.Equal(got, discovery.Addresses(test.want...)) {
			t.Errorf("%s: %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}

// TestConsulEnvironment: the token comes from the environment, the agent from the
// text, or from the environment too.
func TestConsulEnvironment(t *testing.T) {
	var asked *http.Request
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r
		_ = json.NewEncoder(w).Encode([]*api.ServiceEntry{{Node: &api.Node{}, Service: &api.AgentService{Address: "a", Port: 1}}})
	}))
	defer agent.Close()
	t.Setenv(api.HTTPTokenEnvName, "s3cr3t")
	for _, test := range []struct{ text, environment string }{
		{"consul://" + strings.TrimPrefix(agent.URL, "http://") + "/users?tag=v2&tag=eu&dc=dc7", "127.0.0.1:1"},
		{"consul:///users?tag=v2&tag=eu&dc=dc7", agent.URL},
	} {
		t.Setenv(api.HTTPAddrEnvName, test.environment)
		if got, err := discover(t, test.text); err != nil || !slices.Equal(got, discovery.Addresses("a:1")) {
			t.Fatalf("%s: %v, %v", test.text, got, err)
		}
		q := asked.URL.Query()
		if asked.Header.Get("X-Consul-Token") != "s3cr3t" || q.Get("dc") != "dc7" || !slices.Equal(q["tag"], []string{"v2", "eu"}) {
			t.Errorf("%s asks %s with %v", test.text, asked.URL, asked.Header)
		}
	}
}

// TestEtcdEnvironment: certificates come from the environment, and a mistake is
// told by the variable's name.
func TestEtcdEnvironment(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, value, want string }{
		{"ETCDCTL_CACERT", none, "etcd: ETCDCTL_CACERT: open " + none},
		{"ETCDCTL_CACERT", empty, "etcd: ETCDCTL_CACERT: " + empty + " has no certificate in PEM"},
		{"ETCDCTL_CERT", none, "etcd: ETCDCTL_CERT and ETCDCTL_KEY: open "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(test.name, test.value)
			if _, err := discover(t, "etcd://127.0.0.1:1/users"); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// TestClient makes calls by a text, with a whole client.
func TestClient(t *testing.T) {
	b := churntest.Loopback(t, 2)
	target, err := targets.Parse("static:///" + strings.Join(b.Addresses(), ",") + "?authority=users.internal")
	if err != nil {
		t.Fatal(err)
	}
	dial, resolvers, err := target.Dial()
	if err != nil {
		t.Fatal(err)
	}
	client, err := clientcore.New(clientcore.Default(), clientcore.WithTarget(dial), clientcore.WithResolvers(resolvers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := grpc_health_v1.NewHealthClient(client).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
}
