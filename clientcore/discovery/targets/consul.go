package targets

import (
	"fmt"
	"net/http"

	"github.com/hashicorp/consul/api"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/consul"
)

// parseConsul: consul://127.0.0.1:8500/users, where the agent may be left to the
// environment.
func parseConsul(q *query) (source, error) {
	agent := ""
	if q.place != "" {
		agent = withPort(q.place, "8500")
		if err := discovery.CheckAddress(agent); err != nil {
			return source{}, fmt.Errorf("the Consul agent %w", err)
		}
	}
	if err := consul.CheckService(q.path); err != nil {
		return source{}, fmt.Errorf("the path %w", err)
	}
	config := consul.Config{Service: q.path, Tags: q.settings["tag"], Datacenter: q.settings.Get("dc")}
	var err error
	if config.Wait, err = q.duration("wait"); err != nil {
		return source{}, err
	}
	if err := consul.CheckWait(config.Wait); err != nil {
		return source{}, fmt.Errorf("setting wait %w", err)
	}
	return source{authority: q.path, open: func() (discovery.Registry, error) {
		// The environment has what does not belong into a text, the token among it.
		settings := api.DefaultConfig()
		if agent != "" {
			settings.Address = agent
		}
		// No connection is kept when a watch ends.
		settings.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
		client, err := api.NewClient(settings)
		if err != nil {
			return nil, fmt.Errorf("consul: %w", err)
		}
		return consul.New(client, config)
	}}, nil
}
