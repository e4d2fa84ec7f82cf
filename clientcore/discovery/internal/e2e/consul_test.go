package e2e

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

// binaryVariable is the environment's name of the Consul binary.
const binaryVariable = "GRPCBENCH_CONSUL"

// agentToken is the management token of an agent with access control.
const agentToken = "0f4c2d9e-5a3b-4c7d-8e1f-2a6b9c0d1e3f"

// agent is a Consul agent in dev mode.
type agent struct {
	address string
	client  *api.Client
	output  bytes.Buffer
}

// newAgent starts an agent, and stops it when the test ends. It has access
// control when acl is set.
func newAgent(t *testing.T, acl bool) *agent {
	t.Helper()
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		t.Fatalf("%s must name a Consul binary: run make e2e", binaryVariable)
	}
	// Between finding ports and listening there somebody else may take one.
	for try := 1; ; try++ {
		a, err := start(t, binary, acl)
		if err == nil {
			return a
		}
		t.Logf("agent %d does not start: %v", try, err)
		if try == 3 {
			t.Fatalf("no agent: %v\n%s", err, a.output.String())
		}
	}
}

func start(t *testing.T, binary string, acl bool) (*agent, error) {
	port := func() string {
		_, port, err := net.SplitHostPort(freeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		return port
	}
	a := &agent{}
	httpPort := port()
	a.address = "127.0.0.1:" + httpPort
	args := []string{"agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-http-port=" + httpPort, "-dns-port=-1", "-grpc-port=-1",
		"-server-port=" + port(), "-serf-lan-port=" + port(), "-serf-wan-port=-1", "-disable-host-node-id", "-log-level=warn"}
	config := api.Config{Address: a.address, Transport: &netTransport}
	if acl {
		args = append(args, `-hcl=acl { enabled = true, default_policy = "deny", tokens { initial_management = "`+agentToken+`", master = "`+agentToken+`" } }`)
		config.Token = agentToken
	}
	command := exec.Command(binary, args...)
	command.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1")
	command.Stdout, command.Stderr = &a.output, &a.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	stop := func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
	}
	t.Cleanup(stop)
	var err error
	if a.client, err = api.NewClient(&config); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		// A leader that can write is a server that works.
		if err = a.client.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: "ready"}); err == nil {
			var found []*api.ServiceEntry
			if found, _, err = a.client.Health().Service("ready", "", true, nil); err == nil && len(found) == 1 {
				return a, nil
			}
		}
		select {
		case <-ended:
			return a, err
		case <-time.After(50 * time.Millisecond):
			if time.Now().After(deadline) {
				stop() // its output is whole then
				return a, err
			}
		}
	}
}

// netTransport keeps no connection alive, so that none outlives a test.
var netTransport = http.Transport{DisableKeepAlives: true}

// register makes addresses the service's only instances.
func (a *agent) register(t *testing.T, service string, addresses []string) {
	t.Helper()
	now, err := a.client.Agent().ServicesWithFilter(`Service == "` + service + `"`)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if _, is := now[service+"-"+address]; !is {
			a.instance(t, service, address)
		}
		delete(now, service+"-"+address)
	}
	for id := range now {
		if err := a.client.Agent().ServiceDeregister(id); err != nil {
			t.Fatal(err)
		}
	}
}

func (a *agent) instance(t *testing.T, service, address string, tags ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.client.Agent().ServiceRegister(&api.AgentServiceRegistration{
		ID: service + "-" + address, Name: service, Address: host, Port: n, Tags: tags,
		Check: &api.AgentServiceCheck{CheckID: "check-" + address, TTL: "10m", Status: api.HealthPassing},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestConsulChurn(t *testing.T) {
	a := newAgent(t, false)
	b := churntest.Loopback(t, 3)
	churntest.Run(t, b, b.Dial(t, open(t, "consul://"+a.address+"/users")), func(addresses []string) { a.register(t, "users", addresses) })
}

// TestConsulHealth: only instances that pass are endpoints, and only those with
// all tags.
func TestConsulHealth(t *testing.T) {
	a := newAgent(t, false)
	h := watch(t, open(t, "consul://"+a.address+"/users?tag=v2&tag=eu&dc=dc1"))
	h.want(t, "[]")
	a.instance(t, "users", "10.0.0.1:80", "v2", "eu")
	h.want(t, "[10.0.0.1:80]")
	a.instance(t, "users", "10.0.0.2:80", "v2") // a tag is missing
	a.instance(t, "users", "10.0.0.3:80", "eu", "v2", "spare")
	h.want(t, "[10.0.0.1:80 10.0.0.3:80]")
	for _, test := range []struct {
		change func() error
		want   string
	}{
		{func() error { return a.client.Agent().UpdateTTL("check-10.0.0.1:80", "", api.HealthCritical) }, "[10.0.0.3:80]"},
		{func() error { return a.client.Agent().UpdateTTL("check-10.0.0.1:80", "", api.HealthPassing) }, "[10.0.0.1:80 10.0.0.3:80]"},
		{func() error { return a.client.Agent().UpdateTTL("check-10.0.0.3:80", "", api.HealthWarning) }, "[10.0.0.1:80]"},
		{func() error { return a.client.Agent().EnableServiceMaintenance("users-10.0.0.1:80", "") }, "[]"},
		{func() error { return a.client.Agent().DisableServiceMaintenance("users-10.0.0.1:80") }, "[10.0.0.1:80]"},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		h.want(t, test.want)
	}
}

// TestConsulToken: an agent with access control shows the service to a client
// with the token from the environment, and nothing to one without.
func TestConsulToken(t *testing.T) {
	a := newAgent(t, true)
	a.register(t, "users", []string{"10.0.0.1:80"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got, err := open(t, "consul://"+a.address+"/users").Discover(ctx); err == nil && len(got) > 0 {
		t.Errorf("without a token: %v", got)
	}
	t.Setenv(api.HTTPTokenEnvName, agentToken)
	watch(t, open(t, "consul://"+a.address+"/users")).want(t, "[10.0.0.1:80]")
	t.Setenv(api.HTTPTokenEnvName, strings.ToUpper(agentToken)) // another one
	if got, err := open(t, "consul://"+a.address+"/users").Discover(ctx); err == nil {
		t.Errorf("with a wrong token: %v", got)
	} else if strings.Contains(strings.ToLower(err.Error()), agentToken) {
		t.Errorf("error %v has the token", err)
	}
}
