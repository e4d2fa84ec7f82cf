package rpc

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// wireCodec sends requests that are encoded already and takes answers as they
// are: nothing is encoded or decoded while a call is timed. Its name is that of
// grpc-go's own codec, and so is what is on the wire.
type wireCodec struct{}

// Name implements encoding.CodecV2.
func (wireCodec) Name() string { return proto.Name }

// Marshal implements encoding.CodecV2. The bytes are not copied: grpc-go may read
// them after the call has ended, so nobody may change them.
func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	if r, ok := v.(request); ok {
		return mem.BufferSlice{mem.SliceBuffer(r.encoded())}, nil
	}
	return encoding.GetCodecV2(proto.Name).Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*reply)
	if !ok {
		return encoding.GetCodecV2(proto.Name).Unmarshal(data, v)
	}
	if !r.keep {
		return nil
	}
	n := data.Len()
	if cap(r.wire) < n {
		r.wire = make([]byte, n)
	}
	r.wire = r.wire[:n]
	data.CopyTo(r.wire)
	return nil
}

// request is a message in its encoded form.
type request interface{ encoded() []byte }

// wire is a request that nobody looks into.
type wire []byte

func (w wire) encoded() []byte { return w }

// shown is a request whose fields can be looked at too: a balancer's key may be
// one.
type shown struct {
	wire
	*dynamicpb.Message
}

// newShown is a request of an encoded message.
func newShown(w wire, of protoreflect.MessageDescriptor) (*shown, error) {
	s := &shown{wire: w, Message: dynamicpb.NewMessage(of)}
	if err := protobuf.Unmarshal(w, s.Message); err != nil {
		return nil, err
	}
	return s, nil
}

// reply takes an answer.
type reply struct {
	keep bool   // the bytes are wanted
	wire []byte // reused
}
