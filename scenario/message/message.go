// Package message is how the requests of an engineer's own service are written: JSON
// as protobuf maps it, or the same as a part of a YAML document, with templates in
// its texts that take values from a feed's rows or draw them. Everything that is wrong
// is found before the first call, with its place; what stays the same is encoded once,
// and of the rest a message is a pure function of an Env.
package message

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Types finds the types of extensions and of what is in an Any.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// Text is JSON and where it stands, for errors.
type Text struct {
	Name         string // the file
	Line, Column int    // of the first byte, from 1
	JSON         []byte
}

// Template makes the messages of one type: all the same, or one for each call. It is
// not changed once it is made: goroutines share it.
type Template struct {
	parts []part
	rows  []rowUse
}

// Compile reads a message as protojson does, but for templates in strings. A string
// that is one template takes the type of its field, others are text. The error is
// strict.Errors: every mistake that was found. types is nil where the program's own
// are meant.
func Compile(md protoreflect.MessageDescriptor, text Text, types Types) (*Template, error) {
	if err := tooLarge(text.Name, len(text.JSON)); err != nil {
		return nil, err
	}
	src := newSource(text)
	n, fault := parseJSON(src, 0, len(src.text))
	if fault != nil {
		return nil, strict.Errors{fault}
	}
	return compile(md, n, "", types)
}

// CompileNode is Compile for a message that is a part of a YAML document; path is
// where it hangs.
func CompileNode(md protoreflect.MessageDescriptor, n *strict.Node, path string, types Types) (*Template, error) {
	return compile(md, fromDocument(n), path, types)
}

// compile is compileNode with its mistakes as an error.
func compile(md protoreflect.MessageDescriptor, n *node, path string, types Types) (*Template, error) {
	t, faults := compileNode(md, n, path, types)
	if len(faults) > 0 {
		return nil, strict.Join(faults)
	}
	return t, nil
}

// compileNode finds all mistakes first; what has some is not built.
func compileNode(md protoreflect.MessageDescriptor, n *node, path string, types Types) (*Template, strict.Errors) {
	if types == nil {
		types = protoregistry.GlobalTypes
	}
	c := &compiler{types: types}
	if c.templates(n, path); !n.dynamic && len(c.errs) == 0 {
		// Most messages are right, and protojson knows at a fraction of the cost.
		if wire, err := convertWhole(md, n, types); err == nil {
			return &Template{parts: wire}, nil
		}
	}
	if c.message(md, n, path); len(c.errs) > 0 {
		return nil, c.errs
	}
	t := &Template{parts: c.build(md, n, path), rows: c.rows}
	return t, c.errs
}

// Static is the message where no template is in it, encoded: always the same bytes.
// The caller must not change them.
func (t *Template) Static() (wire []byte, ok bool) {
	switch len(t.parts) {
	case 0:
		return []byte{}, true
	case 1:
		wire, ok := t.parts[0].(static)
		return wire, ok
	}
	return nil, false
}

// Append appends the encoded message of one call. An error means that the message
// cannot be made: that a row's value does not fit, which Check finds before the first
// call.
func (t *Template) Append(dst []byte, e *Env) ([]byte, error) {
	var err error
	for _, p := range t.parts {
		if dst, err = p.append(dst, e); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// NeedsRow reports a template that takes values from a row.
func (t *Template) NeedsRow() bool { return len(t.rows) > 0 }

// Check finds what is wrong between the templates and a feed, which is nil where
// there is none: columns that the feed does not have, and in each row values that do
// not fit their fields. The error is strict.Errors.
func (t *Template) Check(feed *Feed) error {
	var p problems
	for _, use := range t.rows {
		whole := true
		for _, text := range use.texts {
			for _, row := range text.of.rows {
				if what := feed.lacks(row); what != "" {
					p.add(text.mark.inside(row.at, row.width).errorf(text.path, "%s", what))
					whole = false
				}
			}
		}
		if whole {
			use.check(feed, &p)
		}
	}
	return p.err()
}

// lacks is why a feed, or none, cannot serve a template; or "".
func (f *Feed) lacks(row *rowField) string {
	if f == nil {
		return fmt.Sprintf("%s needs a feed, and there is none", clip(rowName(row.key)))
	}
	return f.missing(row.key)
}

// maxRowProblems bounds what is said of the rows of one field.
const maxRowProblems = 5

// check makes the part from every row.
func (u rowUse) check(feed *Feed, p *problems) {
	e := &Env{}
	var wire []byte
	bad := 0
	var last *strict.Error
	for i := range feed.Len() {
		e.Row = Row{feed, i}
		var err error
		if wire, err = u.part.append(wire[:0], e); err == nil {
			continue
		}
		if bad++; bad <= maxRowProblems {
			last = feed.rowFault(i, u.path, err)
			p.add(last)
		}
	}
	if bad > maxRowProblems {
		last.Message += fmt.Sprintf("; the same field is wrong in %s", count(bad-maxRowProblems, "later row"))
	}
}
