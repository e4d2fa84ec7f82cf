package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Where narrows a Rule. Empty fields match everything; an attempt must match
// all of them.
type Where struct {
	Backends []int   `yaml:"backends" doc:"numbers of backends, from 0; stagger goes by their order"`
	Method   string  `yaml:"method" doc:"name of a method, such as GetUser"`
	Kind     RPCKind `yaml:"kind" doc:"calls of this kind"`
	// Metadata has lower-case keys. One of an attempt's values for each must
	// be the one here.
	Metadata map[string]string `yaml:"metadata" doc:"metadata that the client sends, each with this value"`
	Attempt  *int              `yaml:"attempt" doc:"which attempt at a call: 1 is the first, 2 the first retry"`
}

// RPCKind is the kind of a call, or "" for any.
type RPCKind string

// The kinds of calls.
const (
	Unary        RPCKind = "unary"
	ServerStream RPCKind = "server_stream"
	ClientStream RPCKind = "client_stream"
	BidiStream   RPCKind = "bidi_stream"
)

var rpcKinds = [...]string{string(Unary), string(ServerStream), string(ClientStream), string(BidiStream)}

// Words are the kinds as users write them.
func (k *RPCKind) Words() []string { return rpcKinds[:] }

// UnmarshalText reads a kind, or "" for any.
func (k *RPCKind) UnmarshalText(text []byte) error {
	if v := RPCKind(text); v == "" || v.known() {
		*k = v
		return nil
	}
	return fmt.Errorf("must be one of %s (got %q)", strings.Join(rpcKinds[:], ", "), text)
}

func (k RPCKind) known() bool { return slices.Contains(rpcKinds[:], string(k)) }

// place is the backend's among those that Where is for, or -1.
func (w Where) place(backend int) int {
	if len(w.Backends) == 0 {
		return backend
	}
	return slices.Index(w.Backends, backend)
}

func (w Where) validate() error {
	var errs []error
	for i, b := range w.Backends {
		if first := slices.Index(w.Backends, b); first < i {
			errs = append(errs, field.New(fmt.Sprintf("backends[%d]", i), "must be named once (%d is there already)", b))
		}
	}
	if w.Kind != "" && !w.Kind.known() {
		errs = append(errs, field.New("kind", "must be one of %s (got %q)", strings.Join(rpcKinds[:], ", "), string(w.Kind)))
	}
	for _, key := range slices.Sorted(maps.Keys(w.Metadata)) {
		if err := validKey(key); err != nil {
			errs = append(errs, field.Under("metadata."+key, err))
		}
	}
	if w.Attempt != nil && *w.Attempt < 1 {
		errs = append(errs, field.New("attempt", "must be >= 1, where 1 is the first (got %d)", *w.Attempt))
	}
	return errors.Join(errs...)
}

// validKey checks a key of metadata by the rules of gRPC over HTTP/2.
func validKey(key string) error {
	valid := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	switch {
	case key == "" || strings.ContainsFunc(key, func(r rune) bool { return !valid(r) }):
		return field.New("", "must be lower-case letters, digits, -, _ and . only (got %q)", key)
	case strings.HasPrefix(key, "grpc-"):
		return field.New("", "must not begin with grpc-, which is gRPC's own (got %q)", key)
	}
	return nil
}
