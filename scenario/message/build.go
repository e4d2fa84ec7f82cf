package message

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// rowUse is a part that a row has a part in, and the templates in it.
type rowUse struct {
	part  part
	texts []placed
	path  string
}

// placed is a text and where it was written.
type placed struct {
	of   *text
	mark mark
	path string
}

// build makes the parts of a checked message. What has no template in it is encoded
// here, once.
func (c *compiler) build(md protoreflect.MessageDescriptor, n *node, path string) []part {
	if !n.dynamic {
		return c.static(md, n.mark, path, n)
	}
	if knownAs(md) == wrapper {
		p := c.rendered(md.Fields().ByNumber(1), n, path, true)
		p.tag = protowire.AppendTag(nil, 1, p.wire)
		return []part{p}
	}
	if n.template == nil && knownAs(md) == anAny {
		return c.wrapped(n, path)
	}
	if n.template != nil || custom(md) {
		return []part{c.converted(md, "", n, path)}
	}
	constant := &node{shape: anObject}
	var parts []part
	for _, m := range n.members {
		if !m.value.dynamic {
			constant.members = append(constant.members, m)
			continue
		}
		fd, _ := c.find(md, m.name)
		parts = append(parts, c.parts(md, fd, m, childPath(path, m.name))...)
	}
	return append(c.static(md, n.mark, path, constant), parts...)
}

// static encodes what has no template; nothing where nothing is sent.
func (c *compiler) static(md protoreflect.MessageDescriptor, at mark, path string, n *node) []part {
	if n.shape == anObject && len(n.members) == 0 && !custom(md) {
		return nil
	}
	json, _ := n.appendJSON(nil, nil) // has no template that could fail
	wire, err := convert(nil, md, json, c.types)
	if err != nil {
		c.add(at, path, "%s", said(err))
		return nil
	}
	if len(wire) == 0 {
		return nil
	}
	return []part{static(wire)}
}

// parts makes those of a field with templates in it.
func (c *compiler) parts(md protoreflect.MessageDescriptor, fd protoreflect.FieldDescriptor, m member, path string) []part {
	n := m.value
	switch {
	case n.template != nil && (fd.IsList() || fd.IsMap()):
		return []part{c.converted(md, m.name, n, path)}
	case fd.IsList() && fd.IsPacked():
		return []part{&nested{tag: protowire.AppendTag(nil, fd.Number(), protowire.BytesType), parts: c.packed(fd, n, path)}}
	case fd.IsList():
		return c.list(md, fd, m, path)
	case fd.IsMap():
		return c.entries(md, fd, m, path)
	default:
		return []part{c.one(fd, n, path, true)}
	}
}

// wrapped makes what is in an Any.
func (c *compiler) wrapped(n *node, path string) []part {
	rest := *n
	rest.members = nil
	var url string
	for _, m := range n.members {
		if m.name == "@type" {
			url = m.value.text
		} else {
			rest.members = append(rest.members, m)
		}
	}
	head := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), url)
	mt, _ := c.types.FindMessageByURL(url) // the check has found it
	body := &ordered{md: mt.Descriptor(), types: c.types, path: path}
	if custom(body.md) {
		body.parts = c.build(body.md, rest.members[0].value, childPath(path, "value"))
	} else {
		body.parts = c.build(body.md, &rest, path)
	}
	return []part{static(head), &nested{tag: protowire.AppendTag(nil, 2, protowire.BytesType), parts: []part{body}}}
}

// one makes one value of a field. single is that it is not in a list or a map, so that
// null leaves it out.
func (c *compiler) one(fd protoreflect.FieldDescriptor, n *node, path string, single bool) part {
	md := fd.Message()
	optional := single && fd.Cardinality() != protoreflect.Required
	if md == nil {
		p := c.rendered(fd, n, path, !fd.HasPresence() && single)
		p.optional = optional
		p.tag = protowire.AppendTag(nil, fd.Number(), p.wire)
		return p
	}
	p := &nested{tag: protowire.AppendTag(nil, fd.Number(), wireType(fd))}
	if fd.Kind() == protoreflect.GroupKind {
		p.end = protowire.AppendTag(nil, fd.Number(), protowire.EndGroupType)
	}
	p.parts = c.build(md, n, path)
	if n.template == nil || !optional || takesNull(fd) {
		return p
	}
	row, ok := n.template.alone.(*rowField)
	if !ok {
		return p
	}
	u := &unlessNull{of: row, part: p, path: path}
	c.rows[len(c.rows)-1].part = u // what build noted is for a row that is not null
	return u
}

// rendered makes a scalar's part, without a tag.
func (c *compiler) rendered(fd protoreflect.FieldDescriptor, n *node, path string, implicit bool) *rendered {
	p := &rendered{wire: wireType(fd), fd: fd, of: n.template, path: path, implicit: implicit}
	c.uses(p, n, path)
	return p
}

func (c *compiler) converted(md protoreflect.MessageDescriptor, name string, n *node, path string) part {
	p := &converted{md: md, name: name, of: n, types: c.types, path: path}
	c.uses(p, n, path)
	return p
}

// uses notes what rows a part needs.
func (c *compiler) uses(p part, n *node, path string) {
	var texts []placed
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		if n.template != nil && len(n.template.rows) > 0 {
			texts = append(texts, placed{n.template, n.mark, path})
		}
		for i, item := range n.items {
			walk(item, itemPath(path, i))
		}
		for _, m := range n.members {
			walk(m.value, childPath(path, m.name))
		}
	}
	if walk(n, path); len(texts) > 0 {
		c.rows = append(c.rows, rowUse{part: p, texts: texts, path: path})
	}
}

// packed makes the values of a packed list.
func (c *compiler) packed(fd protoreflect.FieldDescriptor, n *node, path string) []part {
	var parts []part
	var wire []byte
	flush := func() {
		if len(wire) > 0 {
			parts = append(parts, static(wire))
			wire = nil
		}
	}
	for i, item := range n.items {
		if item.dynamic {
			flush()
			parts = append(parts, c.rendered(fd, item, itemPath(path, i), false))
			continue
		}
		s, _ := scalarOf(fd, valueOf(item), false, nil)
		wire = s.append(wire, wireType(fd))
	}
	flush()
	return parts
}

// list makes the elements of a list that is not packed, in their order.
func (c *compiler) list(md protoreflect.MessageDescriptor, fd protoreflect.FieldDescriptor, m member, path string) []part {
	var parts []part
	var same []*node
	flush := func() {
		if len(same) > 0 {
			some := &node{shape: anObject, members: []member{{name: m.name, value: &node{shape: anArray, items: same}}}}
			parts = append(parts, c.static(md, m.mark, path, some)...)
			same = nil
		}
	}
	for i, item := range m.value.items {
		if !item.dynamic {
			same = append(same, item)
			continue
		}
		flush()
		parts = append(parts, c.one(fd, item, itemPath(path, i), false))
	}
	flush()
	return parts
}

// entries makes those of a map.
func (c *compiler) entries(md protoreflect.MessageDescriptor, fd protoreflect.FieldDescriptor, m member, path string) []part {
	same := &node{shape: anObject}
	var parts []part
	for _, entry := range m.value.members {
		if !entry.value.dynamic {
			same.members = append(same.members, entry)
			continue
		}
		key, _ := mapKey(fd.MapKey().Kind(), entry.name)
		v := textValue(key)
		if fd.MapKey().Kind() == protoreflect.BoolKind {
			v = value{shape: aBool, text: key}
		}
		s, _ := scalarOf(fd.MapKey(), v, false, nil)
		keyWire := protowire.AppendTag(nil, 1, wireType(fd.MapKey()))
		keyWire = s.append(keyWire, wireType(fd.MapKey()))
		parts = append(parts, &nested{
			tag:   protowire.AppendTag(nil, fd.Number(), protowire.BytesType),
			parts: []part{static(keyWire), c.one(fd.MapValue(), entry.value, childPath(path, entry.name), false)},
		})
	}
	if len(same.members) == 0 {
		return parts
	}
	return append(c.static(md, m.mark, path, &node{shape: anObject, members: []member{{name: m.name, value: same}}}), parts...)
}
