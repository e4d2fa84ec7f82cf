package balance

import (
	"errors"
	"strings"

	"google.golang.org/grpc/balancer/ringhash"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// ConsistentHash sends all calls of one key to one backend, by a hash ring in
// which each backend has many places (gRFC A42, A76). The key lies in metadata:
// package hashkey puts it there from a request's field.
//
// Unlike grpc-go's own ring_hash, which connects to a backend at the first call
// that wants it, a channel connects to all backends at once; a connection that
// is lost later is dialled again at the next call that wants it, as in grpc-go.
type ConsistentHash struct {
	Field   string `yaml:"field" doc:"the request's field that is the key, for unary and server_stream calls whose metadata has none"`
	Header  string `yaml:"header" doc:"the metadata that carries the key, on the wire and from callers"`
	MinRing int    `yaml:"min_ring" doc:"the least places on the ring, which all backends share"`
	MaxRing int    `yaml:"max_ring" doc:"the most places on the ring: at most 4096"`
}

// DefaultHashHeader is the metadata that carries a call's key.
const DefaultHashHeader = "x-hash-key"

// ringCap is the most places that grpc-go makes, without a word, unless the
// environment has another GRPC_RING_HASH_CAP.
const ringCap = 4096

// SetDefaults is user_id as the key, and 1024 to 4096 places.
func (h *ConsistentHash) SetDefaults() {
	*h = ConsistentHash{Field: "user_id", Header: DefaultHashHeader, MinRing: 1024, MaxRing: ringCap}
}

func (h *ConsistentHash) child(uint64) (string, any) {
	return ringhash.Name, map[string]any{
		"minRingSize":       h.MinRing,
		"maxRingSize":       h.MaxRing,
		"requestHashHeader": h.Header,
	}
}

func (h *ConsistentHash) validate() error {
	var errs []error
	if strings.Trim(h.Field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		errs = append(errs, field.Errorf("field", "must be the name of one field of the request, or empty (got %q)", h.Field))
	}
	switch {
	case h.Header == "", strings.Trim(h.Header, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		errs = append(errs, field.Errorf("header", "must be the name of metadata, of a-z, 0-9, - and _ (got %q)", h.Header))
	case strings.HasSuffix(h.Header, "-bin"), strings.HasPrefix(h.Header, "grpc-"):
		errs = append(errs, field.Errorf("header", "must not end with -bin nor begin with grpc- (got %q)", h.Header))
	}
	if h.MinRing < 1 || h.MinRing > h.MaxRing {
		errs = append(errs, field.Errorf("min_ring", "must be between 1 and max_ring, which is %d (got %d)", h.MaxRing, h.MinRing))
	}
	if h.MaxRing < 1 || h.MaxRing > ringCap {
		errs = append(errs, field.Errorf("max_ring", "must be between 1 and %d, to which grpc-go lowers more (got %d)", ringCap, h.MaxRing))
	}
	return errors.Join(errs...)
}
