package consul

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Wait is how long a query blocks where a Config does not say.
const Wait = 5 * time.Minute

// maxWait is Consul's own bound.
const maxWait = 10 * time.Minute

const (
	// spacing is the least time between two queries: what changes all the time
	// must not cost all the time.
	spacing = 100 * time.Millisecond
	// patience is how much longer than it is asked to a query may take, beside
	// the sixteenth of the wait that Consul adds at random.
	patience = 10 * time.Second
)

// Config is what Consul is asked for.
type Config struct {
	// Service is the service's name.
	Service string
	// Tags is the tags that an instance must have, all of them.
	Tags []string
	// Datacenter is where to look; left out, where the agent is.
	Datacenter string
	// Wait is how long a query waits for a change before it is asked anew, at
	// most 10 minutes; 0 is 5 minutes.
	Wait time.Duration
	// Backoff is the waits after failures; left out, discovery.DefaultBackoff.
	Backoff discovery.Backoff
}

// Registry is the passing instances of a service.
type Registry struct {
	health *api.Health
	config Config
}

var _ discovery.Registry = (*Registry)(nil)

// New is the registry of a service, about which Consul is not asked yet. A
// client that keeps connections alive, as it does unless its Transport says
// otherwise, keeps an idle one beyond the end of a watch.
func New(client *api.Client, c Config) (*Registry, error) {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("consul: "+format, args...)) }
	if err := CheckService(c.Service); err != nil {
		fail("Service %w", err)
	}
	if slices.Contains(c.Tags, "") {
		fail("Tags must not have an empty tag")
	}
	if err := CheckWait(c.Wait); err != nil {
		fail("Wait %w", err)
	}
	if c.Wait == 0 {
		c.Wait = Wait
	}
	if c.Backoff == (discovery.Backoff{}) {
		c.Backoff = discovery.DefaultBackoff()
	}
	if err := c.Backoff.Validate(); err != nil {
		fail("Backoff %w", err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Tags = slices.Clone(c.Tags)
	return &Registry{health: client.Health(), config: c}, nil
}

// CheckService reports a name that cannot be a service's.
func CheckService(name string) error {
	// The client puts the name into a path as it is.
	if name == "" || strings.ContainsAny(name, "/?#%") || name == "." || name == ".." {
		return fmt.Errorf("must name a service (got %q)", name)
	}
	return nil
}

// CheckWait reports a wait that Consul would cut short. Consul takes
// milliseconds, and 0 of them for its own default.
func CheckWait(wait time.Duration) error {
	if wait != 0 && (wait < time.Millisecond || wait > maxWait) {
		return fmt.Errorf("must be from 1ms to %v, or 0 for %v (got %v)", maxWait, Wait, wait)
	}
	return nil
}

// Discover asks once, and does not wait for a change. It fails for an instance
// that has no address to call it at only where there is no other.
func (r *Registry) Discover(ctx context.Context) ([]discovery.Endpoint, error) {
	now, err := r.query(ctx, 0)
	if err != nil {
		return nil, err
	}
	if len(now.endpoints) == 0 && now.unusable != nil {
		return nil, now.unusable
	}
	return now.endpoints, nil
}

// Watch asks by blocking queries. An instance that has no address to call it at
// is told as an error, once, and the others are the endpoints.
func (r *Registry) Watch(ctx context.Context, l discovery.Listener) {
	r.config.Backoff.Watch(ctx, l, r.watch)
}

// watch asks until a query fails.
func (r *Registry) watch(ctx context.Context, l discovery.Listener) error {
	var last answer
	var index uint64 // the state that was last seen; 0 is none
	for told := false; ; told = true {
		begin := time.Now()
		now, err := r.query(ctx, index)
		if err != nil {
			return err
		}
		if !told || !now.same(last) {
			l.Update(now.endpoints)
			if now.unusable != nil {
				l.Error(now.unusable)
			}
		}
		last, index = now, next(index, now.index)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(spacing - time.Since(begin)):
		}
	}
}

// next is the index to wait beyond, when a query that waited beyond index has
// seen another one. An index that goes back is of a state that began anew, as
// after a restore from a snapshot: what is waited for would not come for long,
// and so the next query does not wait. Nor would a query wait with an index of
// 0, which no state has but a server without indices may give.
func next(index, seen uint64) uint64 {
	if seen < index {
		return 0
	}
	return max(seen, 1)
}

// answer is what Consul says.
type answer struct {
	endpoints []discovery.Endpoint
	unusable  error  // of instances that are no endpoints; nil without any
	index     uint64 // of the state that has them
}

func (a answer) same(b answer) bool {
	return slices.Equal(a.endpoints, b.endpoints) && fmt.Sprint(a.unusable) == fmt.Sprint(b.unusable)
}

// query is the state beyond index, for which it waits.
func (r *Registry) query(ctx context.Context, index uint64) (answer, error) {
	// A connection whose other end vanished would be waited for without end.
	ctx, cancel := context.WithTimeout(ctx, r.config.Wait+r.config.Wait/16+patience)
	defer cancel()
	options := (&api.QueryOptions{Datacenter: r.config.Datacenter, WaitIndex: index, WaitTime: r.config.Wait}).WithContext(ctx)
	instances, meta, err := r.health.ServiceMultipleTags(r.config.Service, r.config.Tags, true, options)
	if err != nil {
		return answer{}, fmt.Errorf("consul: service %s: %w", r.config.Service, err)
	}
	now := answer{index: meta.LastIndex}
	var unusable []error
	for _, instance := range instances {
		if e, err := endpoint(instance); err != nil {
			unusable = append(unusable, fmt.Errorf("consul: service %s: %w", r.config.Service, err))
		} else {
			now.endpoints = append(now.endpoints, e)
		}
	}
	now.endpoints, now.unusable = discovery.Sorted(now.endpoints), errors.Join(unusable...)
	return now, nil
}

// endpoint is where an instance is.
func endpoint(i *api.ServiceEntry) (discovery.Endpoint, error) {
	if i == nil || i.Service == nil || i.Node == nil {
		return discovery.Endpoint{}, errors.New("an instance must have a service and a node: is this Consul?")
	}
	host := i.Service.Address
	if host == "" {
		host = i.Node.Address // what Consul means by no address
	}
	address := net.JoinHostPort(host, strconv.Itoa(i.Service.Port))
	if err := discovery.CheckAddress(address); err != nil {
		return discovery.Endpoint{}, fmt.Errorf("the address of instance %s %w", i.Service.ID, err)
	}
	// Consul's weights are 1 where nothing else is said.
	return discovery.Endpoint{Address: address, Weight: uint32(min(max(0, i.Service.Weights.Passing), math.MaxUint32))}, nil
}
