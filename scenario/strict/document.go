package strict

import (
	"fmt"
	"reflect"
	"unicode/utf8"
)

// Document is one parsed text and what --set put into it.
type Document struct {
	Root *Node // a map
	src  *source
}

// Parse reads a YAML document strictly: exactly one document, a map; no
// duplicate, complex or non-text keys, no merge keys, tags, directives or tabs
// for indentation; anchors and aliases are resolved, nesting and size are
// bounded.
//
// The error is Errors. Where it names only mistakes that leave the tree whole
// (a duplicate key, a merge key, an unknown alias), the Document is returned
// besides, so that a caller can Decode it and Join the errors of both.
func Parse(file string, text []byte) (*Document, error) {
	p := &parsing{}
	root := p.parse(file, "", text)
	if root == nil {
		return nil, p.errs.sorted()
	}
	if root.Kind != Map {
		what := fmt.Sprintf("the document must be a map of settings (got %s)", got(root))
		if root.Kind == Null {
			what = "the document is empty"
		}
		p.fail(root.at, "%s", what)
		return nil, p.errs.sorted()
	}
	return &Document{Root: root, src: p.src}, p.errs.sorted()
}

// File is the name that Parse was given.
func (d *Document) File() string { return d.src.name }

// Set puts value, which is YAML, at a dotted path of the document, as if it
// were written there: see SetPath. target is the type that Root is decoded
// into. Mistakes in the value show up when the document is decoded, with the
// text "--set path=value" as their source; a path that does not exist and a
// value that is no YAML are errors here, and leave the document as it was.
func (d *Document) Set(path, value string, target reflect.Type) error {
	p := &parsing{}
	lead := setPrefix + path + "="
	node := p.parse(lead+value, lead, []byte(value))
	if node == nil || len(p.errs) > 0 {
		return p.errs.sorted()
	}
	start := span{pos: p.src.place(1, len(setPrefix)+1), width: utf8.RuneCountInString(path)}
	node.keyAt = start
	node.at = start
	if node.Kind == Scalar && node.Pos.Line == 1 || node.Kind == Null {
		node.at.width = utf8.RuneCountInString(p.src.lines[0]) - len(setPrefix)
	}
	root, fault := setPath(d.Root, splitPath(path), node, target, "")
	if fault != nil {
		at := start
		if fault.seg.text != "" {
			before := utf8.RuneCountInString(path[:fault.seg.offset])
			at = span{pos: p.src.place(1, len(setPrefix)+1+before), width: utf8.RuneCountInString(fault.seg.text)}
		}
		return Errors{p.src.errorAt(at, fault.path, "%s", fault.message)}
	}
	d.Root = root
	return nil
}

// Errorf is a mistake in the value n at a path, for rules that this package
// does not know. A nil n stands for the document itself.
func (d *Document) Errorf(n *Node, path, format string, args ...any) *Error {
	if n == nil {
		n = d.Root
	}
	return n.Errorf(path, format, args...)
}
