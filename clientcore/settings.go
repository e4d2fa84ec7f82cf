package clientcore

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
)

// settings is what holds for the calls of one method.
type settings struct {
	timeout  time.Duration
	retrier  *retry.Retrier
	throttle *retry.Throttle // the retrier's budget, which calls that override it share
	// hedger makes the calls that can be hedged, in the retrier's place; nil is
	// none. hedges is its budget, which calls that override it share.
	hedger *hedge.Hedger
	hedges *retry.Throttle
	asked  bool // by CallHedge
	// options are for grpc-go. None at all saves it an allocation per call.
	options []grpc.CallOption
}

// methods resolves settings by full method name.
type methods struct {
	base   *settings
	byName map[string]*settings // as in Config.Methods
	// throttles are the budgets, each once.
	throttles []*retry.Throttle
	// seen is what was resolved so far, by the name as grpc passes it. The map
	// is replaced, never changed.
	seen atomic.Pointer[map[string]*settings]
	mu   sync.Mutex
}

// maxSeen bounds seen where method names come from outside, as in a proxy.
const maxSeen = 1 << 12

func newMethods(cfg Config, calls []grpc.CallOption, source *retry.Source, shared *hedge.Shared) *methods {
	m := &methods{byName: make(map[string]*settings, len(cfg.Methods))}
	resolve := func(timeout time.Duration, again attempts, throttle, hedges *retry.Throttle, wait bool, compression string) *settings {
		s := &settings{timeout: timeout, retrier: retry.New(again.streams, source, throttle), throttle: throttle, hedges: hedges}
		if again.hedge.Attempts > 1 && !again.hedge.Off {
			s.hedger = hedge.New(again.hedge, shared, hedges)
		}
		for _, t := range []*retry.Throttle{throttle, hedges} {
			if t != nil && !slices.Contains(m.throttles, t) {
				m.throttles = append(m.throttles, t)
			}
		}
		if wait {
			s.options = append(s.options, grpc.WaitForReady(true))
		}
		if name, _ := compressor(compression); name != "" {
			s.options = append(s.options, grpc.UseCompressor(name))
		}
		s.options = append(s.options, calls...)
		return s
	}
	// Methods that do not have a budget of their own share the client's.
	retries, hedges := retry.NewThrottle(cfg.Retry.Budget), retry.NewThrottle(cfg.hedge().Budget)
	m.base = resolve(cfg.Timeout, cfg.attempts(Method{}), retries, hedges, cfg.WaitForReady, cfg.Compression)
	for name, method := range cfg.Methods {
		timeout, wait, compression := cfg.Timeout, cfg.WaitForReady, cfg.Compression
		retries, hedges := retries, hedges
		if method.Timeout != nil {
			timeout = *method.Timeout
		}
		if method.Retry != nil && method.Retry.Budget != (retry.Budget{}) {
			retries = retry.NewThrottle(method.Retry.Budget)
		}
		if method.Hedge != nil && method.Hedge.Budget != (retry.Budget{}) {
			hedges = retry.NewThrottle(method.Hedge.Budget)
		}
		if method.WaitForReady != nil {
			wait = *method.WaitForReady
		}
		if method.Compression != nil {
			compression = *method.Compression
		}
		m.byName[name] = resolve(timeout, cfg.attempts(method), retries, hedges, wait, compression)
	}
	m.seen.Store(&map[string]*settings{})
	return m
}

// stats adds what the budgets did.
func (m *methods) stats(s *RetryStats) {
	for _, t := range m.throttles {
		s.Refused += t.Refused()
	}
}

// of is the settings of a method by its full name, /user.v1.UserService/GetUser.
func (m *methods) of(method string) *settings {
	if len(m.byName) == 0 {
		return m.base
	}
	if s := (*m.seen.Load())[method]; s != nil {
		return s
	}
	return m.resolve(method)
}

func (m *methods) resolve(method string) *settings {
	full := strings.TrimPrefix(method, "/")
	s := m.byName[full]
	if s == nil {
		s = m.byName[full[strings.LastIndexByte(full, '/')+1:]]
	}
	if s == nil {
		s = m.base
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if seen := *m.seen.Load(); len(seen) < maxSeen {
		grown := maps.Clone(seen)
		grown[method] = s
		m.seen.Store(&grown)
	}
	return s
}
