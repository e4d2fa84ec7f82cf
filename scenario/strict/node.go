// Package strict reads the scenario document: YAML without its surprises, into
// a tree that knows where every value was written, and from there by
// reflection into plain configuration structs. Whatever is wrong is reported
// at once, each mistake with its line, a caret and what is allowed instead.
//
// The conventions of configuration structs: `yaml:"name"` names a key,
// `yaml:"-"` and untagged fields are hidden, `yaml:",inline"` splices a struct
// in, `doc:"…"` describes. A struct all of whose fields are pointers with an
// `example:"…"` is a choice: a name, or {name: {settings}}. `yaml:",value"` on
// the only field of a struct takes the value without a key. `unit:"bytes"`,
// `unit:"share"` and `unit:"rate"` say how a number is written.
package strict

import (
	"slices"
	"strconv"
	"strings"
)

// NodeKind is the shape of a Node.
type NodeKind uint8

// The shapes.
const (
	Null     NodeKind = iota // nothing written, or null
	Scalar                   // text, a number, a boolean
	Map                      // ordered entries
	Sequence                 // a list
)

// Node is one value of a document and the place where it was written. Trees
// share nodes: treat a Node as immutable, or Clone it first.
type Node struct {
	Kind    NodeKind
	Text    string  // Scalar: its text, without quotes
	Quoted  bool    // Scalar: written in quotes or as a block, so always text
	Entries []Entry // Map: in the order of the document
	Items   []*Node // Sequence
	Pos     Position

	// at is where a mistake in this value is shown: its key and the value
	// itself. keyAt is the key alone. For a list item both are the item.
	at, keyAt span
	src       *source
	broken    bool // stands for something that was reported already
}

// Entry is one key of a Map with its value.
type Entry struct {
	Key   string
	Pos   Position
	Value *Node
}

// span is a stretch of one source line, in characters.
type span struct {
	pos   Position
	width int
}

// NewScalar is a scalar that no document holds, plain as if it were written
// without quotes.
func NewScalar(text string) *Node { return &Node{Kind: Scalar, Text: text} }

// NewMap is a map that no document holds.
func NewMap(entries ...Entry) *Node { return &Node{Kind: Map, Entries: entries} }

// NewSequence is a list that no document holds.
func NewSequence(items ...*Node) *Node { return &Node{Kind: Sequence, Items: items} }

// Key returns the value of a key of a map, or nil.
func (n *Node) Key(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Get returns the node at a dotted path, or nil. A list item is named by its
// index (faults[1] or faults.1) or by its `name`.
func (n *Node) Get(path string) *Node {
	found, exact := n.nearest(path)
	if !exact {
		return nil
	}
	return found
}

// Len is the number of entries of a map or items of a list, else 0.
func (n *Node) Len() int {
	switch {
	case n == nil:
		return 0
	case n.Kind == Map:
		return len(n.Entries)
	default:
		return len(n.Items)
	}
}

// Clone copies a tree, positions included.
func (n *Node) Clone() *Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Entries = slices.Clone(n.Entries)
	for i := range c.Entries {
		c.Entries[i].Value = c.Entries[i].Value.Clone()
	}
	c.Items = slices.Clone(n.Items)
	for i := range c.Items {
		c.Items[i] = c.Items[i].Clone()
	}
	return &c
}

// String is the value on one line: the text of a scalar without its quotes,
// a map or list in braces.
func (n *Node) String() string {
	if n == nil {
		return ""
	}
	if n.Kind == Scalar {
		return n.Text
	}
	var b strings.Builder
	writeFlow(&b, n)
	return b.String()
}

// IsNumber reports a number that is written without quotes.
func (n *Node) IsNumber() bool {
	return n.Kind == Scalar && !n.Quoted && plainMeaning(n.Text) == isNumber
}

// IsBool reports true or false, written without quotes.
func (n *Node) IsBool() bool { return n.Kind == Scalar && !n.Quoted && plainMeaning(n.Text) == isBool }

// Errorf is a mistake in the value at a path, for rules that this package does
// not know.
func (n *Node) Errorf(path, format string, args ...any) *Error {
	return n.src.errorAt(n.at, path, format, args...)
}

// Errorf is a mistake in the key: one that should not be there.
func (e Entry) Errorf(path, format string, args ...any) *Error {
	return e.Value.src.errorAt(e.Value.keyAt, path, format, args...)
}

// size counts the nodes of a tree.
func (n *Node) size() int {
	total := 1
	for _, e := range n.Entries {
		total += e.Value.size()
	}
	for _, item := range n.Items {
		total += item.size()
	}
	return total
}

// item finds a list item by index or by its `name`; -1 is none.
func (n *Node) item(which string) int {
	if n == nil || n.Kind != Sequence {
		return -1
	}
	for i, item := range n.Items {
		if name := item.Key("name"); name != nil && name.Kind == Scalar && name.Text == which {
			return i
		}
	}
	if i, err := strconv.Atoi(which); err == nil && i >= 0 && i < len(n.Items) {
		return i
	}
	return -1
}

// nearest walks a dotted path as far as the tree goes. Keys may hold dots
// themselves: the longest key that fits is taken.
func (n *Node) nearest(path string) (found *Node, exact bool) {
	if n == nil {
		return nil, false
	}
	return n.walk(splitPath(path))
}

func (n *Node) walk(segs []segment) (*Node, bool) {
	if len(segs) == 0 {
		return n, true
	}
	switch n.Kind {
	case Map:
		for take := len(segs); take > 0; take-- {
			if child := n.Key(joinPath(segs[:take])); child != nil {
				return child.walk(segs[take:])
			}
		}
	case Sequence:
		if i := n.item(segs[0].text); i >= 0 {
			return n.Items[i].walk(segs[1:])
		}
	}
	return n, false
}
