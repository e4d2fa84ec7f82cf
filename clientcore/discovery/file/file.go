package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/poll"
)

// Every is the time between looks where a Config does not say.
const Every = time.Second

// maxSize bounds a file, in bytes: a path that leads to something else by
// mistake must not fill the memory.
const maxSize = 16 << 20

// Config is where the endpoints are.
type Config struct {
	// Path is the file's.
	Path string
	// Every is the time from one look to the next; 0 is 1 s. A look that fails
	// is repeated sooner at first.
	Every time.Duration
}

// Registry is the endpoints in a file.
type Registry struct {
	path   string
	poller poll.Poller
}

var _ interface {
	discovery.Registry
	discovery.Refresher
} = (*Registry)(nil)

// New is the registry of a file, which need not be there yet.
func New(c Config) (*Registry, error) {
	if c.Path == "" {
		return nil, errors.New("file: Path must name a file")
	}
	if c.Every < 0 {
		return nil, fmt.Errorf("file: Every must be > 0, or 0 for %v (got %v)", Every, c.Every)
	}
	if c.Every == 0 {
		c.Every = Every
	}
	// To look costs next to nothing, but each channel may ask for it at each
	// failed connection.
	spacing := min(c.Every, Every) / 10
	return &Registry{path: c.Path, poller: poll.Poller{Interval: c.Every, Spacing: spacing, Backoff: discovery.DefaultBackoff()}}, nil
}

// Discover reads the file.
func (r *Registry) Discover(context.Context) ([]discovery.Endpoint, error) {
	text, err := r.read()
	if err != nil {
		return nil, fmt.Errorf("file: %w", err) // names the path
	}
	endpoints, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", r.path, err)
	}
	return endpoints, nil
}

func (r *Registry) read() ([]byte, error) {
	f, err := os.Open(r.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("%s must be at most %d bytes", r.path, maxSize)
	}
	return text, err
}

// Watch reads the file again and again.
func (r *Registry) Watch(ctx context.Context, l discovery.Listener) {
	r.poller.Watch(ctx, l, r.Discover)
}

// Refresh reads the file soon.
func (r *Registry) Refresh() { r.poller.Refresh() }
