package fault

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// Oversize replaces a response message by one that is larger than what the
// client accepts. It decodes, but for its size.
type Oversize struct {
	Size  int64 `yaml:"size" unit:"bytes" doc:"bytes of the message; more than the client's limit, which is 4MiB unless client.messages says otherwise"`
	After int   `yaml:"after" doc:"response messages before the large one; none when left out"`
}

// maxOversize keeps a slip of the pen from filling the memory.
const maxOversize = 64 << 20

// minOversize leaves room for the tag and the length of a field.
const minOversize = 16

// fillerField is the number of a field that no message of the fleet has.
const fillerField = 20_000

// Act implements OnCall.
func (o *Oversize) Act(s *Step) bool {
	if s.Moment != BeforeWrite || s.N != o.After {
		return false
	}
	s.Message = unknown(s.Message, filler(int(o.Size)))
	return true
}

// filler is a field with zeros of n ≥ minOversize bytes in all, or of one less
// where no field has that length.
func filler(n int) []byte {
	raw := protowire.AppendTag(make([]byte, 0, n), fillerField, protowire.BytesType)
	body := n - len(raw) - protowire.SizeVarint(uint64(n))
	if len(raw)+protowire.SizeBytes(body+1) == n {
		body++ // its length is written a byte shorter than n
	}
	return protowire.AppendBytes(raw, make([]byte, body))
}

// Meets implements OnSome.
func (o *Oversize) Meets(k RPCKind) bool { return answersAfter(k, o.After) }

// Validate implements Fault.
func (o *Oversize) Validate() error {
	var size error
	if o.Size < minOversize || o.Size > maxOversize {
		size = field.New("size", "must be from %d bytes to 64MiB (got %d)", minOversize, o.Size)
	}
	return errors.Join(size, validAfter(o.After))
}
