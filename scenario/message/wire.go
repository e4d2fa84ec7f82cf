package message

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// part is a stretch of an encoded message.
type part interface {
	append(dst []byte, e *Env) ([]byte, error)
}

// static is a part that is the same in every message.
type static []byte

func (s static) append(dst []byte, _ *Env) ([]byte, error) { return append(dst, s...), nil }

// rendered is a scalar field whose value is a text.
type rendered struct {
	tag  []byte // none inside a packed list
	wire protowire.Type
	fd   protoreflect.FieldDescriptor
	of   *text
	path string
	// optional is that null leaves the field out; implicit that zero does.
	optional, implicit bool
}

func (p *rendered) append(dst []byte, e *Env) ([]byte, error) {
	begin := len(dst)
	dst = append(dst, p.tag...)
	if out, ok, err := p.direct(dst, e); ok {
		switch empty := len(out) == len(dst)+1; { // nothing but a length of 0
		case err != nil:
			return out, p.fault(err, e)
		case empty && p.implicit:
			return out[:begin], nil
		}
		return out, nil
	}
	v, err := p.of.value(e)
	if err != nil {
		return dst, p.fault(err, e)
	}
	if v.shape == aNull && p.optional && !takesNull(p.fd) {
		return dst[:begin], nil
	}
	s, fault := scalarOf(p.fd, v, true, e.scratch[:0])
	if fault != "" {
		return dst, p.fault(errors.New(fault), e)
	}
	if s.data != nil {
		e.scratch = s.data
	}
	if p.implicit && s.zero() {
		return dst[:begin], nil
	}
	return s.append(dst, p.wire), nil
}

// direct renders into the message itself where the value is bytes and cannot be
// null: nothing is copied. It is not ok where it does not serve.
func (p *rendered) direct(dst []byte, e *Env) (out []byte, ok bool, err error) {
	_, row := p.of.alone.(*rowField)
	begin := len(dst)
	switch bytes, ok := p.of.alone.(randBytes); {
	case p.fd.Kind() == protoreflect.BytesKind && ok:
		dst = bytes.appendBytes(dst, e)
	case p.fd.Kind() == protoreflect.StringKind && !row:
		dst, err = p.of.appendText(dst, e)
	default:
		return dst, false, nil
	}
	return insertLength(dst, begin), true, err
}

func (p *rendered) fault(err error, e *Env) error { return &renderError{p.path, err, e.Row} }

// renderError is why a message could not be made.
type renderError struct {
	path string // of the field
	why  error
	row  Row
}

func (r *renderError) Error() string {
	text := r.why.Error()
	if r.path != "" {
		text = r.path + ": " + text
	}
	if r.row.feed != nil {
		text += " (" + r.row.place() + ")"
	}
	return text
}

func (r *renderError) Unwrap() error { return r.why }

// insertLength puts the length of what was appended since begin before it.
func insertLength(dst []byte, begin int) []byte {
	n := len(dst) - begin
	size := protowire.SizeVarint(uint64(n))
	var room [10]byte
	dst = append(dst, room[:size]...)
	copy(dst[begin+size:], dst[begin:begin+n])
	protowire.AppendVarint(dst[:begin], uint64(n))
	return dst
}

// nested is a message, a map's entry or a packed list.
type nested struct {
	tag   []byte
	end   []byte // of a group, which has no length
	parts []part
}

func (p *nested) append(dst []byte, e *Env) ([]byte, error) {
	dst = append(dst, p.tag...)
	begin := len(dst)
	var err error
	for _, part := range p.parts {
		if dst, err = part.append(dst, e); err != nil {
			return dst, err
		}
	}
	if p.end != nil {
		return append(dst, p.end...), nil
	}
	return insertLength(dst, begin), nil
}

// ordered is a message within an Any, which is bytes and compared as such: its fields
// come in the order in which proto.Marshal has them.
type ordered struct {
	md    protoreflect.MessageDescriptor
	parts []part
	types Types
	path  string
}

func (p *ordered) append(dst []byte, e *Env) ([]byte, error) {
	begin := len(dst)
	var err error
	for _, part := range p.parts {
		if dst, err = part.append(dst, e); err != nil {
			return dst, err
		}
	}
	m := dynamicpb.NewMessage(p.md)
	if err = (proto.UnmarshalOptions{AllowPartial: true, Resolver: p.types}).Unmarshal(dst[begin:], m); err == nil {
		dst, err = proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst[:begin], m)
	}
	if err != nil {
		return dst, &renderError{p.path, err, e.Row}
	}
	return dst, nil
}

// unlessNull is a message that a row may leave out.
type unlessNull struct {
	of   *rowField
	part part
	path string
}

func (p *unlessNull) append(dst []byte, e *Env) ([]byte, error) {
	v, err := p.of.value(e)
	if err != nil {
		return dst, &renderError{p.path, err, e.Row}
	}
	if v.shape == aNull {
		return dst, nil
	}
	return p.part.append(dst, e)
}

// converted is what protojson converts anew for each message: one whose JSON is not
// that of its fields, or a list, a map or a message out of a row.
type converted struct {
	md    protoreflect.MessageDescriptor
	name  string // of the field in md; "" is md itself
	of    *node
	types Types
	path  string
}

func (p *converted) append(dst []byte, e *Env) ([]byte, error) {
	json := e.json[:0]
	if p.name != "" {
		json = append(appendQuoted(append(json, '{'), p.name), ':')
	}
	json, err := p.of.appendJSON(json, e)
	if err != nil {
		return dst, &renderError{p.path, err, e.Row}
	}
	if p.name != "" {
		json = append(json, '}')
	}
	e.json = json
	m := dynamicpb.NewMessage(p.md)
	err = (protojson.UnmarshalOptions{AllowPartial: true, Resolver: p.types}).Unmarshal(json, m)
	if err == nil {
		err = p.initialized(m)
	}
	if err != nil {
		return dst, p.explain(json, err, e.Row)
	}
	return proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
}

// initialized finds required fields that a row's objects lack. Of a message that is
// there for one field only, those of that field are asked for.
func (p *converted) initialized(m proto.Message) (err error) {
	if p.name == "" {
		return proto.CheckInitialized(m)
	}
	check := func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Message() != nil && err == nil {
			err = proto.CheckInitialized(v.Message().Interface())
		}
		return err == nil
	}
	m.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.IsMap() {
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool { return check(fd.MapValue(), v) })
		} else if fd.IsList() {
			for i := range v.List().Len() {
				check(fd, v.List().Get(i))
			}
		}
		return err == nil
	})
	return err
}

// explain says what is wrong with JSON that protojson did not take.
func (p *converted) explain(json []byte, err error, row Row) error {
	n, fault := parseJSON(newSource(Text{JSON: json}), 0, len(json))
	if fault != nil {
		return &renderError{p.path, errors.New(fault.Message), row}
	}
	c := &compiler{types: p.types}
	if p.name == "" {
		c.message(p.md, n, p.path)
	} else if fd, _ := c.find(p.md, p.name); fd != nil {
		c.field(fd, n.members[0].value, p.path)
	}
	if len(c.errs) == 0 {
		return &renderError{p.path, errors.New(said(err)), row}
	}
	return &renderError{c.errs[0].Path, errors.New(c.errs[0].Message), row}
}

// convert appends the encoding of a message that JSON stands for. Required fields
// may be missing: the check finds that.
func convert(dst []byte, md protoreflect.MessageDescriptor, json []byte, types Types) ([]byte, error) {
	m := dynamicpb.NewMessage(md)
	if err := (protojson.UnmarshalOptions{AllowPartial: true, Resolver: types}).Unmarshal(json, m); err != nil {
		return dst, err
	}
	return proto.MarshalOptions{AllowPartial: true, Deterministic: true}.MarshalAppend(dst, m)
}

// convertWhole is convert for a message without templates, whose required fields must
// be there.
func convertWhole(md protoreflect.MessageDescriptor, n *node, types Types) ([]part, error) {
	json, _ := n.appendJSON(nil, nil)
	m := dynamicpb.NewMessage(md)
	if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal(json, m); err != nil {
		return nil, err
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil || len(wire) == 0 {
		return nil, err
	}
	return []part{static(wire)}, nil
}

// said is what protojson says, without its place in JSON that nobody wrote.
func said(err error) string {
	text := err.Error()
	if i := strings.Index(text, "): "); i >= 0 {
		text = text[i+len("): "):]
	}
	return strings.TrimSpace(strings.TrimPrefix(text, "proto:"))
}
