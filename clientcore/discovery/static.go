package discovery

import (
	"context"
	"slices"
)

// Static is a registry whose endpoints are set by the program. The zero Static
// has none yet: its watches wait for the first Set.
type Static struct{ cell cell }

// NewStatic is a registry of endpoints.
func NewStatic(endpoints ...Endpoint) *Static {
	s := &Static{}
	s.Set(endpoints)
	return s
}

// Set replaces all endpoints, at once and for every watch.
func (s *Static) Set(endpoints []Endpoint) { s.cell.Update(slices.Clone(endpoints)) }

// Discover is what was last set.
func (s *Static) Discover(context.Context) ([]Endpoint, error) {
	now, _ := s.cell.read()
	return slices.Clone(now.endpoints), nil
}

// Watch tells l of each Set; of several in a row possibly of the last only.
func (s *Static) Watch(ctx context.Context, l Listener) { s.cell.follow(ctx, l) }
