package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// segment is one part of a dotted path.
type segment struct {
	text   string
	offset int // in bytes, in the path as written
}

// splitPath takes a.b[1].c apart: a, b, 1, c.
func splitPath(path string) []segment {
	if path == "" {
		return nil
	}
	var segs []segment
	start := 0
	add := func(end int) { segs = append(segs, segment{text: path[start:end], offset: start}) }
	afterIndex := false
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '.':
			if !afterIndex {
				add(i)
			}
			start, afterIndex = i+1, false
		case '[':
			end := strings.IndexByte(path[i:], ']')
			if end < 0 {
				continue
			}
			if !afterIndex && i > start {
				add(i)
			}
			start = i + 1
			add(i + end)
			i += end
			start, afterIndex = i+1, true
		}
	}
	if !afterIndex || start < len(path) {
		add(len(path))
	}
	return segs
}

func joinPath(segs []segment) string {
	texts := make([]string, len(segs))
	for i, s := range segs {
		texts[i] = s.text
	}
	return strings.Join(texts, ".")
}

// join is a path with one more part; an index needs no dot.
func join(path, below string) string {
	switch {
	case path == "":
		return below
	case below == "" || strings.HasPrefix(below, "["):
		return path + below
	default:
		return path + "." + below
	}
}

// within tells whether path is at or below another one.
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (above == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// fault is a path that does not exist.
type fault struct {
	seg     segment // the part that is wrong
	path    string  // up to and with it
	message string
}

// SetPath is base with value merged in at a dotted path (maps merge; scalars,
// choices and lists are replaced). Base stays as it was. The path is checked
// against t, the type that the tree is decoded into; it may name a list item
// by its `name` or index (load.reads.rate, faults[1].at), goes through choices
// (service_time.lognormal.p99 makes it lognormal), and maps that are missing
// are made. The error is Errors and stands where value was written.
func SetPath(base *Node, path string, value *Node, t reflect.Type) (*Node, error) {
	root, wrong := setPath(base, splitPath(path), value, t, "")
	if wrong != nil {
		return nil, Errors{value.src.errorAt(value.keyAt, wrong.path, "%s", wrong.message)}
	}
	return root, nil
}

// CheckPath tells whether a dotted path exists in t, as SetPath reads it. Base
// knows the names of list items. The error is Errors, without a position.
func CheckPath(path string, t reflect.Type, base *Node) error {
	if _, wrong := setPath(base, splitPath(path), NewScalar(""), t, ""); wrong != nil {
		return Errors{{Path: wrong.path, Message: wrong.message}}
	}
	return nil
}

func setPath(n *Node, segs []segment, value *Node, t reflect.Type, path string) (*Node, *fault) {
	if len(segs) == 0 {
		return Merge(n, value, t), nil
	}
	seg := segs[0]
	if seg.text == "" {
		return nil, &fault{seg, path, "a name is missing between the dots of the path"}
	}
	if t == nodeType {
		return setFree(n, segs, value), nil
	}
	t = deref(t)
	below := join(path, seg.text)
	switch {
	case isChoice(t):
		kinds := fieldsOf(t)
		f, ok := fieldNamed(kinds, seg.text)
		if !ok {
			names := namesOf(kinds)
			if near := hint(seg.text, names); near != "" {
				return nil, &fault{seg, below, "unknown kind" + near}
			}
			return nil, &fault{seg, below, "unknown kind: must be " + oneOf(names)}
		}
		child := n.Key(seg.text)
		kind, wrong := setPath(child, segs[1:], value, f.typ.Elem(), below)
		if wrong != nil {
			return nil, wrong
		}
		return withEntry(nil, seg.text, kind, value), nil
	case t.Kind() == reflect.Struct:
		if inner, ok := valueField(t); ok {
			return setPath(n, segs, value, inner.typ, path)
		}
		fields := fieldsOf(t)
		f, ok := fieldNamed(fields, seg.text)
		if !ok {
			return nil, &fault{seg, below, unknownKey(seg.text, namesOf(fields))}
		}
		inner, form, message := n.Key(seg.text), f.written(n.Key(seg.text)), ""
		if len(segs) > 1 {
			if inner, form, message = f.entered(inner, below); message != "" {
				return nil, &fault{seg, below, message}
			}
		}
		child, wrong := setPath(inner, segs[1:], value, form.typ, below)
		if wrong != nil {
			return nil, wrong
		}
		return withEntry(n, seg.text, child, value), nil
	case t.Kind() == reflect.Map:
		take := keyParts(n, segs, t.Elem())
		key := joinPath(segs[:take])
		child, wrong := setPath(n.Key(key), segs[take:], value, t.Elem(), join(path, key))
		if wrong != nil {
			return nil, wrong
		}
		return withEntry(n, key, child, value), nil
	case t.Kind() == reflect.Slice:
		i := n.item(seg.text)
		if i < 0 {
			return nil, &fault{seg, below, unknownItem(n, seg.text)}
		}
		child, wrong := setPath(n.Items[i], segs[1:], value, t.Elem(), below)
		if wrong != nil {
			return nil, wrong
		}
		out := *n
		out.Items = slices.Clone(n.Items)
		out.Items[i] = child
		return &out, nil
	}
	return nil, &fault{seg, below, "unknown key: " + path + " has no settings of its own, it is " + want(t, field{})}
}

// maxSpread bounds the list that a number becomes.
const maxSpread = 1000

// entered is what a path that goes on finds at n: the form that has settings of
// its own, where the field has one. A number that stands for a list of as many
// items becomes that list. path is the field's own.
func (f field) entered(n *Node, path string) (*Node, field, string) {
	if written := f.written(n); f.or == nil || written.or == nil {
		return n, written, ""
	}
	other := *f.or
	hasSettings := deref(other.typ).Kind() == reflect.Struct
	switch {
	case other.typ.Kind() != reflect.Slice && !hasSettings:
		return n, f, "" // another way to write a number
	case hasSettings && (n == nil || isChoice(deref(other.typ))):
		return n, other, ""
	case n == nil:
		return nil, field{}, fmt.Sprintf("%s is left out, and so has no items yet: write it, as %s", path, want(f.typ, f))
	case hasSettings:
		return nil, field{}, fmt.Sprintf("%s is written as %s here, and has no settings of its own: write it as a map of %s", path, got(n), oneOf(namesOf(fieldsOf(deref(other.typ)))))
	}
	count, err := strconv.Atoi(n.Text)
	if n.Kind != Scalar || err != nil || count < 1 || count > maxSpread {
		return nil, field{}, fmt.Sprintf("%s must be %s (got %s)", path, want(f.typ, f), got(n))
	}
	list := &Node{Kind: Sequence, Pos: n.Pos, at: n.at, keyAt: n.keyAt, src: n.src}
	for range count {
		list.Items = append(list.Items, &Node{Kind: Map, Pos: n.Pos, at: n.at, keyAt: n.keyAt, src: n.src})
	}
	return list, other, ""
}

// Canonical is a dotted path as there is but one for each setting: every part
// after a dot, and items of the list that base has by their number.
func Canonical(base *Node, path string) string {
	segs := splitPath(path)
	for i, at := 0, base; i < len(segs) && at != nil; i++ {
		if item := at.item(segs[i].text); item >= 0 {
			segs[i].text, at = strconv.Itoa(item), at.Items[item]
		} else {
			at = at.Key(segs[i].text)
		}
	}
	return joinPath(segs)
}

// keyParts is how many parts of a path make up the key of a map: keys may hold
// dots (user.v1.UserService/GetUser). A key that is there wins; then the
// shortest one after which the rest of the path exists.
func keyParts(n *Node, segs []segment, elem reflect.Type) int {
	for take := len(segs); take > 0; take-- {
		if n.Key(joinPath(segs[:take])) != nil {
			return take
		}
	}
	for take := 1; take <= len(segs); take++ {
		if take == len(segs) && len(segs) > 1 && deref(elem).Kind() == reflect.Struct && !strings.Contains(joinPath(segs), "/") {
			break // rather an unknown setting than a name with a dot, unless no setting is called so
		}
		if _, wrong := setPath(nil, segs[take:], NewScalar(""), elem, ""); wrong == nil {
			return take
		}
	}
	return 1
}

func unknownItem(n *Node, which string) string {
	var names []string
	if n != nil {
		for _, item := range n.Items {
			if name := item.Key("name"); name != nil && name.Kind == Scalar {
				names = append(names, name.Text)
			}
		}
	}
	switch near := hint(which, names); {
	case near != "":
		return "no item of that name" + near
	case len(names) > 0:
		return "no item of that name or number: the names are " + strings.Join(names, ", ")
	case n.Len() == 1:
		return "no such item: there is only 0"
	case n.Len() > 1:
		return fmt.Sprintf("no such item: name it by its number, from 0 to %d", n.Len()-1)
	default:
		return "no such item: the list is empty"
	}
}

// setFree sets a path in a tree that has no type. An existing key that fits is
// entered, the longest first; the rest becomes one key, dots and all.
func setFree(n *Node, segs []segment, value *Node) *Node {
	if len(segs) == 0 {
		return value
	}
	if i := n.item(segs[0].text); i >= 0 {
		out := *n
		out.Items = slices.Clone(n.Items)
		out.Items[i] = setFree(n.Items[i], segs[1:], value)
		return &out
	}
	for take := len(segs); take > 0; take-- {
		if child := n.Key(joinPath(segs[:take])); child != nil {
			return withEntry(n, joinPath(segs[:take]), setFree(child, segs[take:], value), value)
		}
	}
	return withEntry(n, joinPath(segs), value, value)
}

// withEntry is the map n with one key set; what is no map becomes one, placed
// where the new value was written.
func withEntry(n *Node, key string, child, value *Node) *Node {
	if n == nil || n.Kind != Map {
		n = &Node{Kind: Map, Pos: value.Pos, at: value.at, keyAt: value.keyAt, src: value.src}
	}
	out := *n
	out.Entries = slices.Clone(n.Entries)
	for i, e := range out.Entries {
		if e.Key == key {
			out.Entries[i] = newEntry(key, child)
			return &out
		}
	}
	out.Entries = append(out.Entries, newEntry(key, child))
	return &out
}
