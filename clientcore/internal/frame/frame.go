// Package frame keeps messages as the bytes that go over the wire, so that one
// can be sent by several attempts, or received before it is known whether the
// caller gets it.
package frame

import (
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Frame is one encoded message. The caller of SendMsg may change its message
// as soon as SendMsg returns, so what is kept for a later attempt is the bytes.
type Frame struct {
	data mem.BufferSlice
	err  error // the message could not be encoded
}

// Codec is the call's own codec that takes frames as well, as they are.
type Codec struct {
	inner encoding.CodecV2
	name  string
}

// CodecOf is the codec that grpc-go would choose by opts, or nil when it would
// find none.
func CodecOf(opts []grpc.CallOption) *Codec {
	var c Codec
	var subtype string
	for _, opt := range opts {
		switch o := opt.(type) {
		case grpc.ForceCodecV2CallOption:
			c = Codec{inner: o.CodecV2, name: strings.ToLower(o.CodecV2.Name())}
		case grpc.ForceCodecCallOption:
			c = Codec{inner: bridge{o.Codec}, name: strings.ToLower(o.Codec.Name())}
		case grpc.CustomCodecCallOption:
			c = Codec{inner: bridge{unnamed{o.Codec}}}
		case grpc.ContentSubtypeCallOption:
			subtype = o.ContentSubtype
		}
	}
	if c.inner != nil {
		return &c
	}
	// A codec by content-subtype has no name of its own here: the subtype is
	// set by its option, and by default there is none on the wire.
	if subtype == "" {
		subtype = proto.Name
	}
	if c.inner = encoding.GetCodecV2(subtype); c.inner == nil {
		v1 := encoding.GetCodec(subtype)
		if v1 == nil {
			return nil
		}
		c.inner = bridge{v1}
	}
	return &c
}

// Encode makes a frame of m. An error is kept in the frame, to come out where
// grpc-go would have found it.
func (c *Codec) Encode(m any) *Frame {
	if m == nil {
		return &Frame{}
	}
	data, err := c.inner.Marshal(m)
	return &Frame{data: data, err: err}
}

// Decode reads a frame that was received into m. The error is a status, as
// grpc-go words it.
func (c *Codec) Decode(f *Frame, m any) error {
	if err := c.inner.Unmarshal(f.data, m); err != nil {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
	}
	return nil
}

// Err is why the message could not be encoded, as its codec says it.
func (f *Frame) Err() error { return f.err }

// Size is the bytes of the message.
func (f *Frame) Size() int { return f.data.Len() }

// Marshal gives grpc-go a reference of its own to a frame's buffers. Ours is
// never given up, so they cannot go back to their pool while an attempt may
// still send them; the garbage collector takes them.
func (c *Codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*Frame); ok {
		f.data.Ref()
		return f.data, f.err
	}
	return c.inner.Marshal(v)
}

// Unmarshal gives a frame the bytes as they are, and any other message what the
// call's own codec makes of them.
func (c *Codec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*Frame); ok {
		f.data = mem.BufferSlice{mem.SliceBuffer(data.Materialize())}
		return nil
	}
	return c.inner.Unmarshal(data, v)
}

// Name is the content-subtype on the wire: the one that would be there without
// retries, which for the default codec is none.
func (c *Codec) Name() string { return c.name }

// bridge makes a codec of grpc-go's first kind into one of the second.
type bridge struct{ encoding.Codec }

func (b bridge) Marshal(v any) (mem.BufferSlice, error) {
	data, err := b.Codec.Marshal(v)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

func (b bridge) Unmarshal(data mem.BufferSlice, v any) error {
	return b.Codec.Unmarshal(data.Materialize(), v)
}

// unnamed is a codec of grpc-go's deprecated kind.
type unnamed struct{ grpc.Codec }

func (unnamed) Name() string { return "" }
