package breaker

import "fmt"

// Scope is what has a breaker of its own.
type Scope int

// The scopes.
const (
	// Client is one breaker for all calls of a client.
	Client Scope = iota
	// Method is one for each method.
	Method
	// Backend is one for each backend, shared by the client's channels: the
	// balancer sends nothing to a backend whose breaker is open.
	Backend
)

var scopes = [...]string{Client: "client", Method: "method", Backend: "backend"}

// String is the scope as users write it.
func (s Scope) String() string {
	if s < 0 || int(s) >= len(scopes) {
		return fmt.Sprintf("Scope(%d)", int(s))
	}
	return scopes[s]
}

// Words are the scopes as users write them.
func (s *Scope) Words() []string { return scopes[:] }

// UnmarshalText reads a scope.
func (s *Scope) UnmarshalText(text []byte) error {
	for i, name := range scopes {
		if name == string(text) {
			*s = Scope(i)
			return nil
		}
	}
	return fmt.Errorf("must be client, method or backend (got %q)", text)
}

// MarshalText is String.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
