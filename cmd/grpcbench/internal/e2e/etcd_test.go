package e2e

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// newEtcd starts an etcd, and returns its address and a client of its own.
func newEtcd(t *testing.T) (address string, client *clientv3.Client) {
	t.Helper()
	var server *embed.Etcd
	for try := 1; ; try++ { // between finding a port and listening there another may take it
		config := embed.NewConfig()
		config.Dir = t.TempDir()
		config.LogLevel = "fatal"
		address = freeAddress(t)
		at := func(address string) []url.URL { return []url.URL{{Scheme: "http", Host: address}} }
		config.ListenClientUrls, config.AdvertiseClientUrls = at(address), at(address)
		peer := at(freeAddress(t))
		config.ListenPeerUrls, config.AdvertisePeerUrls = peer, peer
		config.InitialCluster = config.InitialClusterFromName(config.Name)
		var err error
		if server, err = embed.StartEtcd(config); err == nil {
			break
		} else if try == 5 {
			t.Fatal(err)
		}
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(5 * time.Minute):
		t.Fatal("etcd is not ready after five minutes")
	}
	var err error
	client, err = clientv3.New(clientv3.Config{Endpoints: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return address, client
}

// freeAddress is one on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// etcdProtos is a folder in which etcd's .proto files are where they import each
// other from, etcd/api/…: what a checkout of etcd has as api.
func etcdProtos(t *testing.T) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.etcd.io/etcd/api/v3")
	text, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "etcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(strings.TrimSpace(string(text)), filepath.Join(folder, "etcd", "api")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// Both ways to describe etcd's methods: it has no reflection.
func etcdDescriptors(t *testing.T) map[string][]string {
	return map[string][]string{
		"proto":    {"--import-path", etcdProtos(t), "--proto", "etcd/api/etcdserverpb/rpc.proto"},
		"protoset": {"--protoset", protoset(t, etcdserverpb.File_rpc_proto)},
	}
}

func TestEtcdServices(t *testing.T) {
	for name, flags := range etcdDescriptors(t) {
		t.Run(name, func(t *testing.T) {
			mustSay(t, []string{"etcdserverpb.KV", "etcdserverpb.Watch", "etcdserverpb.Lease"}, append([]string{"services"}, flags...)...)
			mustSay(t, []string{`"key"`, `"serializable"`}, append([]string{"services", "etcdserverpb.KV/Range"}, flags...)...)
		})
	}
}

func TestEtcdCalls(t *testing.T) {
	address, client := newEtcd(t)
	for name, flags := range etcdDescriptors(t) {
		t.Run(name, func(t *testing.T) {
			call := func(method, data string) []string {
				return append([]string{"call", "--target", address, "--call", method, "--data", data}, flags...)
			}
			// b64: users/1 → first.
			mustSay(t, []string{`"revision"`}, call("etcdserverpb.KV/Put", `{"key": "dXNlcnMvMQ==", "value": "Zmlyc3Q="}`)...)
			if got, err := client.Get(t.Context(), "users/1"); err != nil || got.Count != 1 || string(got.Kvs[0].Value) != "first" {
				t.Errorf("etcd has %v, %v", got, err)
			}
			mustSay(t, []string{`"Zmlyc3Q="`, `"count": "1"`}, call("etcdserverpb.KV/Range", `{"key": "dXNlcnMvMQ=="}`)...)
			mustSay(t, []string{`"ID"`, `"TTL": "60"`}, call("etcdserverpb.Lease/LeaseGrant", `{"TTL": 60}`)...)
		})
	}
}

// What is wrong is told in a sentence, before any call.
func TestEtcdMistakes(t *testing.T) {
	address, _ := newEtcd(t)
	set := etcdDescriptors(t)["protoset"]
	for name, c := range map[string]struct {
		want string
		args []string
	}{
		"no reflection": {"reflection", []string{"--call", "etcdserverpb.KV/Range"}},
		"method":        {"did you mean Range?", append([]string{"--call", "etcdserverpb.KV/Rangee"}, set...)},
		"service":       {"etcdserverpb.KV", append([]string{"--call", "etcdserverpb.KW/Range"}, set...)},
		"field":         {"did you mean", append([]string{"--call", "etcdserverpb.KV/Range", "--data", `{"keyy": "YQ=="}`}, set...)},
		"base64":        {"key", append([]string{"--call", "etcdserverpb.KV/Range", "--data", `{"key": "?"}`}, set...)},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := grpcbench(t, append([]string{"call", "--target", address}, c.args...)...)
			if code != exitUsage || !strings.Contains(stderr, c.want) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
