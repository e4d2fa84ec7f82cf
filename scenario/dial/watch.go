package dial

import (
	"context"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"
)

// Steps is how long it took a connection to come about. Each step begins where
// the one before it ends, so that they add up to Total. What they cannot tell
// apart: an HTTP proxy's part, which is in Connect as is its looking up of names;
// and attempts that failed before one came through, which are in Connect too.
type Steps struct {
	// Resolve is until the target's addresses were known: next to nothing where they
	// are the target, or a proxy looks them up.
	Resolve time.Duration
	// Connect is until the server was connected to, below TLS.
	Connect time.Duration
	// TLS is the handshake; 0 without.
	TLS time.Duration
	// HTTP2 is until the server's settings were there.
	HTTP2 time.Duration
	// Failed is the handshakes that failed before.
	Failed int
	// Address is who was connected to; a proxy where there is one.
	Address string
	// Security is what TLS agreed on; nil without.
	Security *credentials.TLSInfo
}

// Total is the steps together.
func (s Steps) Total() time.Duration { return s.Resolve + s.Connect + s.TLS + s.HTTP2 }

// watch sees the steps of a connection from where grpc-go lets itself be seen
// without changing what it does: its resolver, which it asks first, and its
// handshake, which is done even where there is no TLS.
type watch struct {
	mu                sync.Mutex
	began, isReady    time.Time
	resolved          time.Time // zero where no resolver was asked
	connected, shaken time.Time // of the last handshake
	address           string
	security          *credentials.TLSInfo
	failed            error // the last handshake's
	failures          int
}

func newWatch() *watch { return &watch{} }

func (w *watch) begin(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = at
}

func (w *watch) ready(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isReady = at
}

func (w *watch) steps(secure bool) Steps {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Steps{Failed: w.failures, Address: w.address, Security: w.security}
	from := w.began
	next := func(at time.Time) time.Duration {
		if at.Before(from) {
			return 0
		}
		took := at.Sub(from)
		from = at
		return took
	}
	if !w.resolved.IsZero() {
		s.Resolve = next(w.resolved)
	}
	s.Connect = next(w.connected)
	if secure {
		s.TLS = next(w.shaken)
	}
	s.HTTP2 = next(w.isReady)
	return s
}

// watchedCredentials tells of handshakes.
type watchedCredentials struct {
	credentials.TransportCredentials
	watch *watch
}

func (c watchedCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	began := time.Now()
	secured, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, conn)
	ended := time.Now()
	w := c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed, w.security = err, nil
	if err != nil {
		w.failures++
		return secured, info, err
	}
	w.connected, w.shaken, w.address = began, ended, conn.RemoteAddr().String()
	if t, ok := info.(credentials.TLSInfo); ok {
		w.security = &t
	}
	return secured, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c watchedCredentials) Clone() credentials.TransportCredentials {
	return watchedCredentials{c.TransportCredentials.Clone(), c.watch}
}

// watchedResolvers are the resolvers that grpc-go may choose for target, each of
// which tells of its first answer.
func watchedResolvers(target string, given []resolver.Builder, w *watch) []resolver.Builder {
	all := slices.Clone(given)
	schemes := []string{"dns"} // of a target without one
	if u, err := url.Parse(target); err == nil {
		schemes = append(schemes, u.Scheme)
	}
	for _, scheme := range schemes {
		if b := resolver.Get(scheme); b != nil {
			all = append(all, b) // grpc-go takes the first of a scheme
		}
	}
	for i, b := range all {
		seen := watchedResolver{b, w}
		all[i] = seen
		if a, ok := b.(resolver.AuthorityOverrider); ok {
			all[i] = watchedAuthority{seen, a}
		}
	}
	return all
}

type watchedResolver struct {
	resolver.Builder
	watch *watch
}

// watchedAuthority is watchedResolver for a resolver that names its own
// authority.
type watchedAuthority struct {
	watchedResolver
	resolver.AuthorityOverrider
}

func (r watchedResolver) Build(t resolver.Target, cc resolver.ClientConn, o resolver.BuildOptions) (resolver.Resolver, error) {
	return r.Builder.Build(t, watchedChannel{cc, r.watch}, o)
}

// watchedChannel is the channel, as its resolver sees it.
type watchedChannel struct {
	resolver.ClientConn
	watch *watch
}

func (c watchedChannel) UpdateState(s resolver.State) error {
	c.watch.mu.Lock()
	if c.watch.resolved.IsZero() {
		c.watch.resolved = time.Now()
	}
	c.watch.mu.Unlock()
	return c.ClientConn.UpdateState(s)
}
