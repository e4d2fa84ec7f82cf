package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"google.golang.org/grpc/connectivity"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Timeout bounds the reading of all keys where a Config does not say.
const Timeout = 5 * time.Second

// Config is what etcd is asked for.
type Config struct {
	// Target is the name that the endpoints are registered for: their keys
	// begin with it and a slash.
	Target string
	// Timeout bounds the reading of all keys; 0 is 5 s.
	Timeout time.Duration
	// Backoff is the waits after failures; left out, discovery.DefaultBackoff.
	Backoff discovery.Backoff
}

// Registry is the endpoints below a target.
type Registry struct {
	// open is a client, and what ends its use.
	open   func() (*clientv3.Client, func() error, error)
	config Config
}

var _ discovery.Registry = (*Registry)(nil)

// New is the registry of a target, about which etcd is not asked yet. The client
// stays the caller's to close, after the last watch.
func New(client *clientv3.Client, c Config) (*Registry, error) {
	return registry(c, func() (*clientv3.Client, func() error, error) {
		return client, func() error { return nil }, nil
	})
}

// Connect is New with a client of its own for each watch, so that nothing is left
// open after it. A setting of the client that cannot be used is an error of the
// watch.
func Connect(client clientv3.Config, c Config) (*Registry, error) {
	return registry(c, func() (*clientv3.Client, func() error, error) {
		own, err := clientv3.New(client)
		if err != nil {
			return nil, nil, fmt.Errorf("etcd: %w", err)
		}
		return own, own.Close, nil
	})
}

func registry(c Config, open func() (*clientv3.Client, func() error, error)) (*Registry, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("etcd: "+format, args...)) }
	if err := CheckTarget(c.Target); err != nil {
		fail("Target %w", err)
	}
	if c.Timeout < 0 {
		fail("Timeout must be > 0, or 0 for %v (got %v)", Timeout, c.Timeout)
	}
	if c.Timeout == 0 {
		c.Timeout = Timeout
	}
	if c.Backoff == (discovery.Backoff{}) {
		c.Backoff = discovery.DefaultBackoff()
	}
	if err := c.Backoff.Validate(); err != nil {
		fail("Backoff %w", err)
	}
	return &Registry{open: open, config: c}, errors.Join(errs...)
}

// CheckTarget reports a name that nothing can be registered for.
func CheckTarget(target string) error {
	if target == "" || strings.HasSuffix(target, "/") {
		return fmt.Errorf("must be the name that endpoints are registered for, without a slash at its end (got %q)", target)
	}
	return nil
}

// Discover reads all keys. It fails for a value that has no address only where
// no other has one.
func (r *Registry) Discover(ctx context.Context) ([]discovery.Endpoint, error) {
	client, done, err := r.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = done() }()
	keys, _, err := r.list(ctx, client)
	if err != nil {
		return nil, err
	}
	found, unusable := keys.endpoints()
	if len(found) == 0 && unusable != nil {
		return nil, unusable
	}
	return found, nil
}

// Watch reads all keys and follows their changes.
func (r *Registry) Watch(ctx context.Context, l discovery.Listener) {
	r.config.Backoff.Watch(ctx, l, func(ctx context.Context, l discovery.Listener) error {
		client, done, err := r.open()
		if err != nil {
			return err
		}
		defer func() { _ = done() }()
		for {
			if err := r.follow(ctx, client, l); !errors.Is(err, rpctypes.ErrCompacted) {
				return err
			}
			// Nothing failed: all keys are read again, from where etcd is now.
		}
	})
}

// follow reads all keys and follows their changes, until that fails.
func (r *Registry) follow(ctx context.Context, client *clientv3.Client, l discovery.Listener) error {
	keys, revision, err := r.list(ctx, client)
	if err != nil {
		return err
	}
	keys.tell(l)
	ctx, stop := r.connected(ctx, client)
	defer stop()
	// A member that lost its cluster would say nothing any more.
	changes := client.Watch(clientv3.WithRequireLeader(ctx), r.prefix(), clientv3.WithPrefix(), clientv3.WithRev(revision+1))
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case response, ok := <-changes:
			switch {
			case !ok && ctx.Err() != nil:
				return context.Cause(ctx)
			case !ok:
				return fmt.Errorf("etcd: target %s: the watch has ended", r.config.Target)
			case response.Err() != nil:
				return fmt.Errorf("etcd: target %s: %w", r.config.Target, response.Err())
			case keys.apply(response.Events):
				keys.tell(l)
			}
		}
	}
}

// connected is ctx for as long as a server can be reached: etcd's client
// reconnects by itself, and does not say that it is cut off. stop ends it and
// waits for what is begun here.
func (r *Registry) connected(ctx context.Context, client *clientv3.Client) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	conn := client.ActiveConnection()
	var watching sync.WaitGroup
	watching.Go(func() {
		for state := conn.GetState(); state != connectivity.TransientFailure; state = conn.GetState() {
			if !conn.WaitForStateChange(ctx, state) {
				return
			}
		}
		cancel(fmt.Errorf("etcd: target %s: no server of %s can be reached any more", r.config.Target, strings.Join(client.Endpoints(), ", ")))
	})
	return ctx, func() {
		cancel(nil)
		watching.Wait()
	}
}

func (r *Registry) prefix() string { return r.config.Target + "/" }

// list is all keys, and the revision that they are of.
func (r *Registry) list(ctx context.Context, client *clientv3.Client) (keys, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	response, err := client.Get(ctx, r.prefix(), clientv3.WithPrefix())
	if err != nil {
		return nil, 0, fmt.Errorf("etcd: target %s: %w", r.config.Target, err)
	}
	all := keys{}
	for _, kv := range response.Kvs {
		all.put(kv)
	}
	return all, response.Header.Revision, nil
}

// keys is the values of all keys, as far as they are read.
type keys map[string]value

// value is an endpoint, or why it is none.
type value struct {
	endpoint discovery.Endpoint
	err      error
}

func (k keys) put(kv *mvccpb.KeyValue) { k[string(kv.Key)] = parse(string(kv.Key), kv.Value) }

// apply is whether the events change anything.
func (k keys) apply(events []*clientv3.Event) bool {
	for _, event := range events {
		if event.Type == clientv3.EventTypeDelete {
			delete(k, string(event.Kv.Key))
		} else {
			k.put(event.Kv)
		}
	}
	return len(events) > 0
}

// tell tells l of the endpoints, and of the values that are none.
func (k keys) tell(l discovery.Listener) {
	found, unusable := k.endpoints()
	l.Update(found)
	if unusable != nil {
		l.Error(unusable)
	}
}

func (k keys) endpoints() ([]discovery.Endpoint, error) {
	found := make([]discovery.Endpoint, 0, len(k))
	var unusable []error
	for _, key := range slices.Sorted(maps.Keys(k)) {
		if v := k[key]; v.err != nil {
			unusable = append(unusable, v.err)
		} else {
			found = append(found, v.endpoint)
		}
	}
	return discovery.Sorted(found), errors.Join(unusable...)
}

// parse reads a value as etcd's naming package writes it.
func parse(key string, text []byte) value {
	var written endpoints.Endpoint
	if err := json.Unmarshal(text, &written); err != nil {
		return value{err: fmt.Errorf("etcd: key %s: must be JSON with an Addr: %w", key, err)}
	}
	if err := discovery.CheckAddress(written.Addr); err != nil {
		return value{err: fmt.Errorf("etcd: key %s: Addr %w", key, err)}
	}
	return value{endpoint: discovery.Endpoint{Address: written.Addr}}
}
