package fault

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Headers adds metadata to the response's headers: more than a client may
// take, or what it does not expect. The call is served as ever.
type Headers struct {
	Size     int64             `yaml:"size" unit:"bytes" doc:"bytes of metadata grpcbench-filler that are sent; none when left out"`
	Metadata map[string]string `yaml:"metadata" doc:"metadata that is sent, by its keys"`
}

const (
	fillerKey = "grpcbench-filler"
	// fillerValue is the length of one value; there are as many as it takes.
	fillerValue = 8 << 10
)

// maxHeaders is more than any client takes: gRPC's own limit is 16 MiB.
const maxHeaders = 32 << 20

// Act implements OnCall.
func (h *Headers) Act(s *Step) bool {
	if s.Moment != Arrival {
		return false
	}
	if s.Header == nil {
		s.Header = metadata.MD{}
	}
	for key, value := range h.Metadata {
		s.Header.Append(key, value)
	}
	for left := int(h.Size); left > 0; left -= fillerValue {
		s.Header.Append(fillerKey, strings.Repeat("x", min(left, fillerValue)))
	}
	return true
}

// Validate implements Fault.
func (h *Headers) Validate() error {
	var errs []error
	if h.Size == 0 && len(h.Metadata) == 0 {
		errs = append(errs, field.New("", "must have a size, or metadata, or both"))
	}
	if h.Size < 0 || h.Size > maxHeaders {
		errs = append(errs, field.New("size", "must be from 0 to 32MiB (got %d bytes)", h.Size))
	}
	for _, key := range slices.Sorted(maps.Keys(h.Metadata)) {
		errs = append(errs, field.Under("metadata."+key, validKey(key)))
	}
	return errors.Join(errs...)
}
