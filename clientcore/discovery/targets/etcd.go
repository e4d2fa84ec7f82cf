package targets

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/etcd"
)

// parseEtcd: etcd://10.0.0.1:2379,10.0.0.2:2379/users.
func parseEtcd(q *query) (source, error) {
	if q.place == "" {
		return source{}, errors.New("must name the etcd servers, as " + q.kind.Example)
	}
	servers := strings.Split(q.place, ",")
	for i, server := range servers {
		servers[i] = withPort(server, "2379")
		if err := discovery.CheckAddress(servers[i]); err != nil {
			return source{}, fmt.Errorf("etcd server %d %w", i+1, err)
		}
	}
	if err := etcd.CheckTarget(q.path); err != nil {
		return source{}, fmt.Errorf("the path %w", err)
	}
	config := etcd.Config{Target: q.path}
	var err error
	if config.Timeout, err = q.duration("timeout"); err != nil {
		return source{}, err
	}
	return source{authority: path.Base(q.path), open: func() (discovery.Registry, error) {
		client, err := etcdClient(servers)
		if err != nil {
			return nil, fmt.Errorf("etcd: %w", err)
		}
		return etcd.Connect(client, config)
	}}, nil
}

// etcdClient is a client of the servers with what the environment says of user
// and certificates, by the names that etcdctl has for them.
func etcdClient(servers []string) (clientv3.Config, error) {
	// The client's own log says in other words what the registry's errors say.
	c := clientv3.Config{Endpoints: servers, Logger: zap.NewNop()}
	user, password, together := strings.Cut(os.Getenv("ETCDCTL_USER"), ":")
	if !together {
		password = os.Getenv("ETCDCTL_PASSWORD")
	}
	c.Username, c.Password = user, password
	ca, cert, key := os.Getenv("ETCDCTL_CACERT"), os.Getenv("ETCDCTL_CERT"), os.Getenv("ETCDCTL_KEY")
	if ca == "" && cert == "" && key == "" {
		return c, nil
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return c, fmt.Errorf("ETCDCTL_CACERT: %w", err)
		}
		c.TLS.RootCAs = x509.NewCertPool()
		if !c.TLS.RootCAs.AppendCertsFromPEM(text) {
			return c, fmt.Errorf("ETCDCTL_CACERT: %s has no certificate in PEM", ca)
		}
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return c, fmt.Errorf("ETCDCTL_CERT and ETCDCTL_KEY: %w", err)
		}
		c.TLS.Certificates = []tls.Certificate{pair}
	}
	c.Endpoints = nil
	for _, server := range servers {
		c.Endpoints = append(c.Endpoints, "https://"+server)
	}
	return c, nil
}
