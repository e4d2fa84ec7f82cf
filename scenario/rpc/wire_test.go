package rpc

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// bytesCodec is a server's that sees the bytes on the wire.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }
func (bytesCodec) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(nil)}, nil
}
func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// randomFile is a service whose method takes a message of many fields: of every
// type, alone and repeated, in maps, in a oneof, and of messages, itself among
// them. Which they are is drawn.
func randomFile(t *testing.T, r *rand.Rand) protoreflect.FileDescriptor {
	t.Helper()
	types := []descriptorpb.FieldDescriptorProto_Type{}
	for n := range descriptorpb.FieldDescriptorProto_Type_name {
		if k := descriptorpb.FieldDescriptorProto_Type(n); k != descriptorpb.FieldDescriptorProto_TYPE_GROUP {
			types = append(types, k)
		}
	}
	message := func(name string) *descriptorpb.DescriptorProto {
		m := &descriptorpb.DescriptorProto{Name: &name}
		of := r.IntN(4) // so many of the first are of the oneof
		for i := range 2 + r.IntN(14) {
			kind := types[r.IntN(len(types))]
			f := &descriptorpb.FieldDescriptorProto{
				Name: proto.String(fmt.Sprintf("field_%d", i)), Number: proto.Int32(int32(1 + i*7 + r.IntN(7))), Type: &kind,
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}
			switch kind {
			case descriptorpb.FieldDescriptorProto_TYPE_MESSAGE:
				f.TypeName = proto.String([]string{".any.A", ".any.B"}[r.IntN(2)])
			case descriptorpb.FieldDescriptorProto_TYPE_ENUM:
				f.TypeName = proto.String(".any.E")
			}
			form := r.IntN(4)
			if i < of {
				form = 1
			}
			switch form {
			case 0:
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			case 1:
				if i >= of {
					break
				}
				f.OneofIndex = proto.Int32(0)
				if len(m.OneofDecl) == 0 {
					m.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: proto.String("one")}}
				}
			case 2: // a map
				entry := fmt.Sprintf("Field%dEntry", i)
				key := []descriptorpb.FieldDescriptorProto_Type{descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64, descriptorpb.FieldDescriptorProto_TYPE_BOOL}[r.IntN(3)]
				value := proto.Clone(f).(*descriptorpb.FieldDescriptorProto)
				value.Name, value.Number = proto.String("value"), proto.Int32(2)
				m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{
					Name: &entry, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
					Field: []*descriptorpb.FieldDescriptorProto{
						{Name: proto.String("key"), Number: proto.Int32(1), Type: &key, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}, value},
				})
				f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), proto.String(".any."+name+"."+entry)
				f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
			}
			m.Field = append(m.Field, f)
		}
		return m
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("any.proto"), Package: proto.String("any"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{message("A"), message("B")},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("E"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("ZERO"), Number: proto.Int32(0)}, {Name: proto.String("FAR"), Number: proto.Int32(1000)}, {Name: proto.String("BELOW"), Number: proto.Int32(-1)}}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("M"), InputType: proto.String(".any.A"), OutputType: proto.String(".any.B")}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// fill sets fields of a message at random.
func fill(r *rand.Rand, m protoreflect.Message, depth int) {
	value := func(f protoreflect.FieldDescriptor, fresh func() protoreflect.Value) protoreflect.Value {
		bits := r.Uint64() >> r.IntN(64)
		switch f.Kind() {
		case protoreflect.BoolKind:
			return protoreflect.ValueOfBool(bits&1 == 1)
		case protoreflect.EnumKind:
			return protoreflect.ValueOfEnum(f.Enum().Values().Get(r.IntN(3)).Number())
		case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
			return protoreflect.ValueOfInt32(int32(bits))
		case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			return protoreflect.ValueOfUint32(uint32(bits))
		case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
			return protoreflect.ValueOfInt64(int64(bits))
		case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
			return protoreflect.ValueOfUint64(bits)
		case protoreflect.FloatKind:
			return protoreflect.ValueOfFloat32(float32(math.Ldexp(r.Float64(), r.IntN(60)-30)))
		case protoreflect.DoubleKind:
			return protoreflect.ValueOfFloat64([]float64{r.NormFloat64(), math.Inf(-1), 0, 1e300}[r.IntN(4)])
		case protoreflect.StringKind:
			return protoreflect.ValueOfString([]string{"", "plain", "\"quoted\\\n", "äöü €", "{ { no template", "\U0001f600"}[r.IntN(6)])
		case protoreflect.BytesKind:
			return protoreflect.ValueOfBytes([]byte{byte(bits), 0, 255}[:r.IntN(4)])
		}
		v := fresh()
		fill(r, v.Message(), depth+1)
		return v
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if r.IntN(3) == 0 || depth > 3 {
			continue
		}
		switch {
		case f.IsMap():
			entries := m.Mutable(f).Map()
			for range r.IntN(3) {
				key := value(f.MapKey(), nil).MapKey()
				entries.Set(key, value(f.MapValue(), entries.NewValue))
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range r.IntN(4) {
				list.Append(value(f, list.NewElement))
			}
		default:
			m.Set(f, value(f, func() protoreflect.Value { return m.NewField(f) }))
		}
	}
}

// For random types and random messages of them, what is on the wire is what
// protojson and proto make of the message's JSON, to the byte.
func TestRequestOnTheWireIsProtojsons(t *testing.T) {
	var came []byte
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.ForceServerCodecV2(bytesCodec{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&came); err != nil {
			return err
		}
		return stream.SendMsg(nil)
	}))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	full := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 0))
		method := randomFile(t, r).Services().Get(0).Methods().Get(0)
		for range 10 {
			m := dynamicpb.NewMessage(method.Input())
			fill(r, m, 0)
			text, err := protojson.MarshalOptions{UseProtoNames: r.IntN(2) == 0, EmitUnpopulated: r.IntN(3) == 0}.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			again := dynamicpb.NewMessage(method.Input())
			if err := protojson.Unmarshal(text, again); err != nil {
				t.Fatal(err)
			}
			want, err := proto.MarshalOptions{Deterministic: true}.Marshal(again)
			if err != nil {
				t.Fatal(err)
			}
			spec := Spec{Own: &Own{Method: method}}
			spec.Own.Messages = append(spec.Own.Messages, template(t, method.Input(), string(text)))
			if err := driver(t, spec).Do(t.Context(), conn, &Call{}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(came, want) {
				t.Fatalf("seed %d: of %s\nthe wire has %x\nwant         %x", seed, text, came, want)
			}
			if len(want) > 20 {
				full++
			}
		}
	}
	if full < 300 {
		t.Errorf("only %d of 600 messages have more than 20 bytes", full)
	}
}
