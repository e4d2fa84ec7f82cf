package strict

import "reflect"

// Merge lays overlay over base: maps merge key by key; scalars, choices, lists
// and whatever has changed its shape are replaced. t, the type that the tree
// is decoded into, tells a choice from a map; nil takes every map for a map.
// Neither tree is changed; every value keeps the position of where it was
// written.
func Merge(base, overlay *Node, t reflect.Type) *Node {
	if overlay == nil {
		return base
	}
	if base == nil || base.Kind != Map || overlay.Kind != Map || t == nodeType {
		return overlay
	}
	var fields []field
	var elem reflect.Type
	if t != nil {
		t = deref(t)
		inner, isValue := valueField(t)
		switch {
		case isChoice(t):
			return overlay
		case isValue:
			return Merge(base, overlay, inner.typ)
		case t.Kind() == reflect.Struct:
			fields = fieldsOf(t)
		case t.Kind() == reflect.Map:
			elem = t.Elem()
		}
	}
	out := *base
	out.Entries = make([]Entry, 0, len(base.Entries)+len(overlay.Entries))
	for _, e := range base.Entries {
		if over := overlay.entry(e.Key); over != nil {
			below := elem
			if f, ok := fieldNamed(fields, e.Key); ok {
				below = f.typ
			}
			e = newEntry(e.Key, Merge(e.Value, over.Value, below))
		}
		out.Entries = append(out.Entries, e)
	}
	for _, e := range overlay.Entries {
		if base.entry(e.Key) == nil {
			out.Entries = append(out.Entries, e)
		}
	}
	return &out
}

// newEntry stands where its value says that it does.
func newEntry(key string, value *Node) Entry {
	return Entry{Key: key, Pos: value.keyAt.pos, Value: value}
}

func (n *Node) entry(key string) *Entry {
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return &n.Entries[i]
		}
	}
	return nil
}
