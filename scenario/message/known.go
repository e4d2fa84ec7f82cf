package message

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// known is how JSON writes a message of google.protobuf that has a form of its own.
type known uint8

const (
	noKnown known = iota
	anAny
	textual // Timestamp, Duration, FieldMask
	wrapper
	aStruct
	aListValue
	aValue
)

// knownAs tells which it is.
func knownAs(md protoreflect.MessageDescriptor) known {
	if md.FullName().Parent() != "google.protobuf" {
		return noKnown
	}
	switch md.Name() {
	case "Any":
		return anAny
	case "Timestamp", "Duration", "FieldMask":
		return textual
	case "BoolValue", "Int32Value", "Int64Value", "UInt32Value", "UInt64Value", "FloatValue", "DoubleValue", "StringValue", "BytesValue":
		return wrapper
	case "Struct":
		return aStruct
	case "ListValue":
		return aListValue
	case "Value":
		return aValue
	}
	return noKnown
}

// custom reports a message that JSON does not write as an object of its fields.
func custom(md protoreflect.MessageDescriptor) bool {
	return knownAs(md) != noKnown || md.FullName() == "google.protobuf.Empty"
}

// textualForm is what a textual message must be.
func textualForm(md protoreflect.MessageDescriptor) string {
	switch md.Name() {
	case "Timestamp":
		return `a time such as "2026-03-01T12:00:00Z", of the years 1 to 9999`
	case "Duration":
		return `seconds with an s, such as "1.5s"`
	default:
		return `names of fields in camelCase with commas between them, such as "id,displayName"`
	}
}

func (c *compiler) textual(md protoreflect.MessageDescriptor, n *node, path string) {
	if n.shape == aString {
		m := dynamicpb.NewMessage(md)
		if protojson.Unmarshal(appendQuoted(nil, n.text), m) == nil {
			return
		}
	}
	c.add(n.mark, path, "must be %s: it is a %s (got %s)", textualForm(md), md.FullName(), got(n))
}

// structure checks a google.protobuf.Struct.
func (c *compiler) structure(md protoreflect.MessageDescriptor, n *node, path string) {
	if n.shape != anObject {
		c.add(n.mark, path, "must be an object: it is a %s (got %s)", md.FullName(), got(n))
		return
	}
	c.free(n, path)
}

// free checks the members of an object that may have any.
func (c *compiler) free(n *node, path string) {
	seen := map[string]bool{}
	for _, m := range n.members {
		below := childPath(path, m.name)
		if seen[m.name] {
			c.add(m.mark, below, "is there twice")
		}
		seen[m.name] = true
		c.anything(m.value, below)
	}
}

// anything checks a google.protobuf.Value.
func (c *compiler) anything(n *node, path string) {
	if c.sampled(n, func(sample *node) { c.anything(sample, path) }) {
		return
	}
	switch n.shape {
	case aNumber:
		if _, fault := float(valueOf(n), 64); fault != "" {
			c.add(n.mark, path, "%s", fault)
		}
	case anArray:
		for i, item := range n.items {
			c.anything(item, itemPath(path, i))
		}
	case anObject:
		c.free(n, path)
	}
}

// any checks a google.protobuf.Any: an object with its type and the fields of that.
func (c *compiler) any(md protoreflect.MessageDescriptor, n *node, path string) {
	if n.shape != anObject {
		c.add(n.mark, path, "must be an object with \"@type\": it is a %s (got %s)", md.FullName(), got(n))
		return
	}
	var url *node
	for _, m := range n.members {
		if m.name != "@type" {
			continue
		}
		if url != nil {
			c.add(m.mark, childPath(path, m.name), "is there twice")
			return
		}
		url = m.value
	}
	switch {
	case url == nil && len(n.members) == 0:
		return
	case url == nil:
		c.add(n.mark, path, `must have "@type", such as "type.googleapis.com/%s": it is a %s`, "google.protobuf.Duration", md.FullName())
		return
	case url.template != nil:
		c.add(url.mark, childPath(path, "@type"), "cannot hold a template: the type decides what the other keys are")
		return
	case url.shape != aString || url.text == "":
		c.add(url.mark, childPath(path, "@type"), `must be the name of a type, such as "type.googleapis.com/google.protobuf.Duration" (got %s)`, got(url))
		return
	}
	mt, err := c.types.FindMessageByURL(url.text)
	if err != nil {
		c.add(url.mark, childPath(path, "@type"), "names a type that is not among the descriptors (got %s)", quoted(url.text))
		return
	}
	c.partial++ // protojson never asks for the required fields of an Any
	defer func() { c.partial-- }()
	if !custom(mt.Descriptor()) {
		c.fields(mt.Descriptor(), n, path, true)
		return
	}
	var seen bool
	for _, m := range n.members {
		switch below := childPath(path, m.name); {
		case m.name == "@type":
		case m.name != "value":
			c.add(m.mark, below, "unknown field: a %s in an Any has only \"value\"", mt.Descriptor().FullName())
		case seen:
			c.add(m.mark, below, "is there twice")
		default:
			seen = true
			c.message(mt.Descriptor(), m.value, below)
		}
	}
	if !seen && mt.Descriptor().FullName() != "google.protobuf.Empty" {
		c.add(n.mark, path, `must have "value": that is how an Any holds a %s`, mt.Descriptor().FullName())
	}
}
