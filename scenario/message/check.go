package message

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// compiler checks one message and makes what encodes it.
type compiler struct {
	types Types
	problems
	expressions uint64 // so far
	partial     int    // > 0: required fields may be missing

	rows []rowUse
}

func (c *compiler) add(at mark, path, format string, args ...any) {
	if !c.full {
		c.problems.add(at.errorf(path, format, args...))
	}
}

// templates finds the templates of a value and of what is below it.
func (c *compiler) templates(n *node, path string) {
	switch n.shape {
	case aString:
		if !strings.Contains(n.text, opening) {
			return
		}
		plain, t, faults := parseText(n.text, &c.expressions)
		for _, f := range faults {
			c.add(n.mark.inside(f.at, f.width), path, "%s", f.text)
		}
		n.text, n.template, n.dynamic, n.broken = plain, t, t != nil, len(faults) > 0
	case anArray:
		for i, item := range n.items {
			c.templates(item, itemPath(path, i))
			n.dynamic = n.dynamic || item.dynamic
		}
	case anObject:
		for _, m := range n.members {
			below := childPath(path, m.name)
			if strings.Contains(m.name, opening) {
				c.add(m.mark, below, "a key cannot hold a template: only values can")
			}
			c.templates(m.value, below)
			n.dynamic = n.dynamic || m.value.dynamic
		}
	}
}

// sampled checks a template in place of the value that it gives, by samples of that.
// What only a row tells is not checked here, but with the feed.
func (c *compiler) sampled(n *node, check func(*node)) bool {
	if n.broken || n.template == nil {
		return n.broken
	}
	before := len(c.errs)
	for _, v := range n.template.samples() {
		check(&node{shape: v.shape, text: string(v.appendText(nil)), mark: n.mark, free: true})
		if len(c.errs) > before { // the other samples are no different
			e := c.errs[before]
			e.Message = strings.Replace(e.Message, "(got ", "(the template gives ", 1)
			break
		}
	}
	return true
}

// message checks a value for a message of type md.
func (c *compiler) message(md protoreflect.MessageDescriptor, n *node, path string) {
	kind := knownAs(md)
	if t := n.template; t != nil && t.alone == nil && len(t.rows) > 0 && kind != textual && kind != wrapper && kind != aValue {
		c.add(n.mark, path, "must be an object, or one template of a row that holds one: it is a %s (got %s)", md.FullName(), got(n))
		return
	}
	if c.sampled(n, func(sample *node) { c.message(md, sample, path) }) {
		return
	}
	switch kind {
	case anAny:
		c.any(md, n, path)
	case textual:
		c.textual(md, n, path)
	case wrapper:
		c.scalar(md.Fields().ByNumber(1), n, path)
	case aStruct:
		c.structure(md, n, path)
	case aListValue:
		if n.shape != anArray {
			c.add(n.mark, path, "must be a list: it is a %s (got %s)", md.FullName(), got(n))
			return
		}
		c.anything(n, path)
	case aValue:
		c.anything(n, path)
	default:
		if messageSet(md) {
			c.add(n.mark, path, "%s is a message set, which has no JSON", md.FullName())
			return
		}
		if n.shape != anObject {
			c.add(n.mark, path, "must be an object: it is a %s (got %s)", md.FullName(), got(n))
			return
		}
		c.fields(md, n, path, false)
	}
}

// messageSet reports an encoding of proto1, which JSON has no mapping for.
func messageSet(md protoreflect.MessageDescriptor) bool {
	options, ok := md.Options().(*descriptorpb.MessageOptions)
	return ok && options.GetMessageSetWireFormat()
}

// fields checks the members of an object that is a message. inAny is that "@type"
// is none of them.
func (c *compiler) fields(md protoreflect.MessageDescriptor, n *node, path string, inAny bool) {
	given := map[protowire.Number]string{}
	oneofs := map[protoreflect.FullName]string{}
	for _, m := range n.members {
		if inAny && m.name == "@type" {
			continue
		}
		below := childPath(path, m.name)
		fd, fault := c.find(md, m.name)
		if fd == nil {
			c.add(m.mark, below, "%s", fault)
			continue
		}
		if first, ok := given[fd.Number()]; ok {
			if first == m.name {
				c.add(m.mark, below, "is there twice")
			} else {
				c.add(m.mark, below, "is there twice: as %s, too", quoted(first))
			}
			continue
		}
		given[fd.Number()] = m.name
		if m.value.shape == aNull && !takesNull(fd) {
			if fd.Cardinality() == protoreflect.Required && c.partial == 0 {
				c.add(m.value.mark, below, "is required: it cannot be null")
			}
			continue
		}
		if oneof := fd.ContainingOneof(); oneof != nil && !fd.IsList() && !fd.IsMap() {
			if first, ok := oneofs[oneof.FullName()]; ok {
				c.add(m.mark, below, "cannot be set beside %s: only one of %s can", first, oneofNames(oneof))
				continue
			}
			oneofs[oneof.FullName()] = m.name
		}
		c.field(fd, m.value, below)
	}
	if c.partial > 0 {
		return
	}
	for i := range md.RequiredNumbers().Len() {
		if number := md.RequiredNumbers().Get(i); given[number] == "" {
			c.add(n.mark, path, "the required field %s is missing", md.Fields().ByNumber(number).JSONName())
		}
	}
}

func oneofNames(od protoreflect.OneofDescriptor) string {
	var names []string
	for i := range od.Fields().Len() {
		names = append(names, od.Fields().Get(i).JSONName())
	}
	return and(names)
}

// takesNull reports a field for which null is a value, and does not leave it out.
func takesNull(fd protoreflect.FieldDescriptor) bool {
	if md := fd.Message(); md != nil {
		return md.FullName() == "google.protobuf.Value"
	}
	return fd.Enum() != nil && fd.Enum().FullName() == "google.protobuf.NullValue"
}

// find is the field of a name as JSON or as the .proto file has it, or an extension
// in brackets.
func (c *compiler) find(md protoreflect.MessageDescriptor, name string) (fd protoreflect.FieldDescriptor, fault string) {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		xt, err := c.types.FindExtensionByName(protoreflect.FullName(name[1 : len(name)-1]))
		if err != nil || xt == nil {
			return nil, "unknown extension: it is not among the descriptors"
		}
		xd := xt.TypeDescriptor()
		if !md.ExtensionRanges().Has(xd.Number()) || xd.ContainingMessage().FullName() != md.FullName() {
			return nil, fmt.Sprintf("is an extension of %s, not of %s", xd.ContainingMessage().FullName(), md.FullName())
		}
		return xd, ""
	}
	all := md.Fields()
	if fd := all.ByJSONName(name); fd != nil {
		return fd, ""
	}
	if fd := all.ByTextName(name); fd != nil {
		return fd, ""
	}
	if all.Len() == 0 {
		return nil, fmt.Sprintf("unknown field: a %s has none", md.FullName())
	}
	var names []string
	for i := range all.Len() {
		names = append(names, all.Get(i).JSONName())
	}
	if hint := near(name, names); hint != "" {
		return nil, "unknown field" + hint
	}
	return nil, fmt.Sprintf("unknown field: a %s has %s", md.FullName(), and(names))
}

// field checks what a message gives for a field.
func (c *compiler) field(fd protoreflect.FieldDescriptor, n *node, path string) {
	if fd.IsList() || fd.IsMap() {
		if t := n.template; t != nil && t.alone == nil && len(t.rows) > 0 {
			c.add(n.mark, path, "must be %s, or one template of a row that holds one (got %s)", plural(fd), got(n))
			return
		}
		if c.sampled(n, func(sample *node) { c.field(fd, sample, path) }) {
			return
		}
	}
	switch {
	case fd.IsList():
		if n.shape != anArray {
			c.add(n.mark, path, "must be %s (got %s)", plural(fd), got(n))
			return
		}
		for i, item := range n.items {
			c.element(fd, item, itemPath(path, i))
		}
	case fd.IsMap():
		c.mapping(fd, n, path)
	default:
		c.element(fd, n, path)
	}
}

// plural is what a repeated field or a map takes.
func plural(fd protoreflect.FieldDescriptor) string {
	if fd.IsMap() {
		return fmt.Sprintf("an object: it is a map from %s to %s", fd.MapKey().Kind(), kindName(fd.MapValue()))
	}
	return fmt.Sprintf("a list: it is a repeated %s", kindName(fd))
}

// kindName is the type of one element.
func kindName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	default:
		return fd.Kind().String()
	}
}

func (c *compiler) mapping(fd protoreflect.FieldDescriptor, n *node, path string) {
	if n.shape != anObject {
		c.add(n.mark, path, "must be %s (got %s)", plural(fd), got(n))
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		below := childPath(path, m.name)
		key, fault := mapKey(fd.MapKey().Kind(), m.name)
		switch {
		case fault != "":
			c.add(m.mark, below, "%s", fault)
		case seen[key]:
			c.add(m.mark, below, "is there twice")
		}
		seen[key] = true
		c.element(fd.MapValue(), m.value, below)
	}
}

// mapKey is a key as a value of JSON's for its kind, in one spelling.
func mapKey(kind protoreflect.Kind, name string) (key, fault string) {
	size := 64
	switch kind {
	case protoreflect.StringKind:
		return name, ""
	case protoreflect.BoolKind:
		if name == "true" || name == "false" {
			return name, ""
		}
		return "", fmt.Sprintf("as a key must be true or false: the map's keys are bool (got %s)", quoted(name))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		size = 32
		fallthrough
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		if i, err := strconv.ParseInt(name, 10, size); err == nil {
			return strconv.FormatInt(i, 10), ""
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		size = 32
		fallthrough
	default:
		if i, err := strconv.ParseUint(name, 10, size); err == nil {
			return strconv.FormatUint(i, 10), ""
		}
	}
	return "", fmt.Sprintf("as a key must be %s (got %s)", article(kind), quoted(name))
}

// element checks one value of a field.
func (c *compiler) element(fd protoreflect.FieldDescriptor, n *node, path string) {
	if fd.Message() != nil {
		c.message(fd.Message(), n, path)
		return
	}
	c.scalar(fd, n, path)
}

func (c *compiler) scalar(fd protoreflect.FieldDescriptor, n *node, path string) {
	if c.sampled(n, func(sample *node) { c.scalar(fd, sample, path) }) {
		return
	}
	if _, fault := scalarOf(fd, valueOf(n), n.free, nil); fault != "" {
		c.add(n.mark, path, "%s", fault)
	}
}
