package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Decode fills into, a pointer, from the tree n (nil: the whole document). It
// decodes over the values that are there, so put the defaults in first; a
// choice or a list that is written replaces its default whole. Where nothing
// is written the value stays, a nil pointer included.
//
// Then it calls into's Validate, if it has one, and gives each of its errors
// that has a Field() the position of that field or of what is nearest to it;
// errors about values that could not be decoded are left out. The error is
// Errors: every mistake, in the order of the document.
func Decode(d *Document, n *Node, into any) error { return DecodeAt(d, n, "", into) }

// DecodeAt is Decode of a part of a document: path is where that part hangs,
// for the messages.
func DecodeAt(d *Document, n *Node, path string, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("strict: Decode into %T, which is no pointer", into))
	}
	if n == nil && d != nil {
		n = d.Root
	}
	dec := &decoding{}
	if n != nil {
		dec.value(n, v.Elem(), path, field{})
	}
	dec.validate(n, path, into)
	return dec.errs.sorted()
}

// decoding collects what is wrong.
type decoding struct {
	errs  Errors
	meant []string // paths of values that are missing because of a mistake reported elsewhere
}

func (dec *decoding) fail(n *Node, path, format string, args ...any) {
	dec.errs = append(dec.errs, n.Errorf(path, format, args...))
}

// failKey is fail for a key that should not be there.
func (dec *decoding) failKey(e Entry, path, format string, args ...any) {
	dec.errs = append(dec.errs, e.Errorf(path, format, args...))
}

// value decodes n into v. f says how a number is written.
func (dec *decoding) value(n *Node, v reflect.Value, path string, f field) {
	t := v.Type()
	if t == nodeType {
		v.Set(reflect.ValueOf(n))
		return
	}
	if t.Kind() == reflect.Pointer {
		target := fresh(t.Elem())
		if !v.IsNil() {
			target.Elem().Set(v.Elem()) // a default, which others may share
		}
		dec.value(n, target.Elem(), path, f)
		v.Set(target)
		return
	}
	if n.broken {
		dec.meant = append(dec.meant, path)
		return
	}
	if n.Kind == Null {
		written := "has no value"
		if n.Text != "" {
			written = fmt.Sprintf("cannot be %s", clip(n.Text, 20))
		}
		dec.fail(n, path, "%s: it must be %s, or the key left out", written, want(t, f))
		return
	}
	if words := wordsOf(t); words != nil && (n.Kind == Scalar || t.Kind() != reflect.Struct) {
		dec.word(n, v, path, f, words)
		return
	}
	switch {
	case isChoice(t):
		dec.choice(n, v, path)
		return
	case t.Kind() == reflect.Struct:
		if inner, ok := valueField(t); ok {
			dec.value(n, v.FieldByIndex(inner.index), path, inner)
			return
		}
	}
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && wordsOf(t) == nil {
		if n.Kind != Scalar {
			dec.fail(n, path, "must be text (got %s)", got(n))
		} else if err := text.UnmarshalText([]byte(n.Text)); err != nil {
			dec.fail(n, path, "%s", err)
		}
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		dec.structure(n, v, path)
	case reflect.Slice:
		dec.list(n, v, path, f)
	case reflect.Map:
		dec.dictionary(n, v, path, f)
	default:
		if n.Kind != Scalar {
			dec.fail(n, path, "must be %s (got %s)", want(t, f), got(n))
			return
		}
		if m := scalarInto(n, v, f); m != "" {
			dec.fail(n, path, "%s", m)
		}
	}
}

// word decodes one of the words of a type.
func (dec *decoding) word(n *Node, v reflect.Value, path string, f field, words []string) {
	if n.Kind != Scalar || !slices.Contains(words, n.Text) {
		near := ""
		if n.Kind == Scalar {
			near = hint(n.Text, words)
		}
		dec.fail(n, path, "must be %s (got %s)%s", want(v.Type(), f), got(n), near)
		return
	}
	if err := v.Addr().Interface().(worded).UnmarshalText([]byte(n.Text)); err != nil {
		dec.fail(n, path, "%s", err)
	}
}

// choice decodes a name, or {name: {settings}}.
func (dec *decoding) choice(n *Node, v reflect.Value, path string) {
	kinds := fieldsOf(v.Type())
	names := namesOf(kinds)
	switch {
	case n.Kind == Scalar:
		f, ok := fieldNamed(kinds, n.Text)
		switch {
		case !ok:
			dec.fail(n, path, "must be %s (got %s)%s", oneOf(names), got(n), hint(n.Text, names))
		case !aloneFits(f.typ.Elem()):
			dec.fail(n, path, "%s needs a value, such as %s", f.name, f.example)
		default:
			dec.choose(v, f, fresh(f.typ.Elem()))
		}
	case n.Kind != Map:
		dec.fail(n, path, "must be %s (got %s)", oneOf(names), got(n))
	case len(n.Entries) == 0:
		dec.fail(n, path, "must be %s (got an empty map)", oneOf(names))
	default:
		if len(n.Entries) > 1 {
			second := n.Entries[1]
			dec.failKey(second, path, "must be only one of %s (got %s)", oneOf(names), strings.Join(keysOf(n), ", "))
		}
		first := n.Entries[0]
		below := join(path, first.Key)
		f, ok := fieldNamed(kinds, first.Key)
		if !ok {
			dec.failKey(first, path, "must be %s (got %s)%s", oneOf(names), clip(first.Key, 40), hint(first.Key, names))
			return
		}
		kind := fresh(f.typ.Elem())
		if f.typ.Elem().Kind() == reflect.Struct && f.typ.Elem().NumField() == 0 {
			if first.Value.Kind != Map || len(first.Value.Entries) > 0 {
				dec.fail(first.Value, below, "takes no settings: write %s alone", f.name)
			}
		} else {
			dec.value(first.Value, kind.Elem(), below, field{})
		}
		if len(n.Entries) == 1 {
			dec.choose(v, f, kind)
		}
	}
}

// choose makes kind the only one that is set.
func (dec *decoding) choose(v reflect.Value, f field, kind reflect.Value) {
	v.SetZero()
	v.FieldByIndex(f.index).Set(kind)
}

func (dec *decoding) structure(n *Node, v reflect.Value, path string) {
	if n.Kind != Map {
		dec.fail(n, path, "must be %s (got %s)", want(v.Type(), field{}), got(n))
		return
	}
	fields := fieldsOf(v.Type())
	for _, e := range n.Entries {
		below := join(path, e.Key)
		f, ok := fieldNamed(fields, e.Key)
		if !ok {
			dec.failKey(e, below, "%s", unknownKey(e.Key, namesOf(fields)))
			if near := Suggest(e.Key, namesOf(fields)); near != "" {
				dec.meant = append(dec.meant, join(path, near))
			}
			continue
		}
		holder := f.written(e.Value)
		into := v.FieldByIndex(holder.index)
		dec.value(e.Value, into, below, holder)
		if counter := v.FieldByIndex(f.index); into.Kind() == reflect.Slice && counter.CanInt() {
			counter.SetInt(int64(into.Len())) // a list in place of a number
		}
	}
}

// unknownKey is the message about a key that a type does not have.
func unknownKey(key string, allowed []string) string {
	if near := hint(key, allowed); near != "" {
		return "unknown key" + near
	}
	if len(allowed) == 0 {
		return "unknown key: no settings are allowed here"
	}
	return "unknown key: allowed here are " + strings.Join(allowed, ", ")
}

// list decodes into a new slice. An element that fails stays as far as it
// came, so that the index of the others is right.
func (dec *decoding) list(n *Node, v reflect.Value, path string, f field) {
	if n.Kind != Sequence {
		dec.fail(n, path, "must be %s (got %s)", want(v.Type(), f), got(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), 0, len(n.Items))
	for i, item := range n.Items {
		element := fresh(v.Type().Elem())
		dec.value(item, element.Elem(), path+"["+strconv.Itoa(i)+"]", field{unit: f.unit})
		list = reflect.Append(list, element.Elem())
	}
	v.Set(list)
}

// dictionary decodes over a copy of the map: keys that are not written stay.
func (dec *decoding) dictionary(n *Node, v reflect.Value, path string, f field) {
	t := v.Type()
	if n.Kind != Map || t.Key().Kind() != reflect.String {
		dec.fail(n, path, "must be %s (got %s)", want(t, f), got(n))
		return
	}
	out := reflect.MakeMapWithSize(t, len(n.Entries))
	for _, key := range v.MapKeys() {
		out.SetMapIndex(key, v.MapIndex(key))
	}
	for _, e := range n.Entries {
		key := reflect.ValueOf(e.Key).Convert(t.Key())
		element := fresh(t.Elem())
		if old := out.MapIndex(key); old.IsValid() {
			element.Elem().Set(old)
		}
		if t.Elem().Kind() == reflect.String && e.Value.Kind == Scalar && wordsOf(t.Elem()) == nil {
			element.Elem().SetString(e.Value.Text) // any scalar, such as the 4 of {client.pool.size: 4}
		} else {
			dec.value(e.Value, element.Elem(), join(path, e.Key), field{unit: f.unit})
		}
		out.SetMapIndex(key, element.Elem())
	}
	v.Set(out)
}

// scalarInto decodes a scalar into a number, text or boolean.
func scalarInto(n *Node, v reflect.Value, f field) mistake {
	text, seen := n.Text, got(n)
	t := v.Type()
	switch {
	case t == durationType:
		d, m := parseDuration(text, seen)
		return set(m, func() { v.SetInt(int64(d)) })
	case t == codeType:
		c, m := parseCode(text, seen)
		return set(m, func() { v.SetUint(uint64(c)) })
	case f.unit == "bytes":
		b, m := parseBytes(text, seen)
		switch {
		case m != "":
			return m
		case v.CanFloat():
			v.SetFloat(float64(b))
		case v.CanInt() && !v.OverflowInt(b):
			v.SetInt(b)
		case v.CanUint() && !v.OverflowUint(uint64(b)):
			v.SetUint(uint64(b))
		default:
			return wrong("is out of range (got %s)", seen)
		}
		return ""
	case f.unit == "share":
		s, m := parseShare(text, seen)
		return set(m, func() { v.SetFloat(s) })
	case f.unit == "rate":
		r, m := parseRate(text, seen, want(t, f))
		return set(m, func() { v.SetFloat(r) })
	case f.unit == "percent":
		p, m := parsePercent(text, seen)
		return set(m, func() { v.SetFloat(p) })
	case f.unit == "bandwidth":
		b, m := parseBandwidth(text, seen)
		return set(m, func() { v.SetFloat(b) })
	}
	switch t.Kind() {
	case reflect.String:
		if !n.Quoted && plainMeaning(text) != isText {
			return wrong("must be text: put it in quotes, %q (got the %s %s)", text,
				map[meaning]string{isBool: "boolean", isNumber: "number"}[plainMeaning(text)], seen)
		}
		v.SetString(text)
		return ""
	case reflect.Bool:
		if n.Quoted || text != "true" && text != "false" {
			return wrong("must be true or false (got %s)%s", seen, boolHint(n))
		}
		v.SetBool(text == "true")
		return ""
	}
	if n.Quoted {
		return wrong("must be %s, without quotes (got %s)", want(t, f), seen)
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, m := parseInt(text, seen, want(t, f), t.Bits())
		return set(m, func() { v.SetInt(i) })
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, m := parseUint(text, seen, t.Bits())
		return set(m, func() { v.SetUint(u) })
	case reflect.Float32, reflect.Float64:
		x, m := parseFloat(text, seen, t.Bits())
		return set(m, func() { v.SetFloat(x) })
	}
	panic(fmt.Sprintf("strict: no way to decode into %s", t))
}

func set(m mistake, do func()) mistake {
	if m == "" {
		do()
	}
	return m
}

func boolHint(n *Node) string {
	switch strings.ToLower(n.Text) {
	case "yes", "y", "on", "true", "1":
		return ", did you mean true?"
	case "no", "n", "off", "false", "0":
		return ", did you mean false?"
	}
	return ""
}

// want says what a type may be, for messages: "must be …".
func want(t reflect.Type, f field) string {
	if f.or != nil {
		other := *f.or
		f.or = nil
		return want(t, f) + ", or " + want(other.typ, other)
	}
	t = deref(t)
	words := wordsOf(t)
	switch {
	case isChoice(t):
		return oneOf(namesOf(fieldsOf(t)))
	case words != nil && t.Kind() != reflect.Struct:
		return oneOf(words)
	case words != nil:
		return oneOf(append(slices.Clone(words), "a map of settings"))
	case t == durationType:
		return wantDuration
	case t == codeType:
		return "a status code such as UNAVAILABLE"
	case f.unit == "bytes" && t.Kind() != reflect.Slice && t.Kind() != reflect.Map:
		return wantBytes
	case f.unit == "share" && t.Kind() != reflect.Slice && t.Kind() != reflect.Map:
		return wantShare
	case f.unit == "rate" && t.Kind() != reflect.Slice && t.Kind() != reflect.Map:
		return wantRate
	case f.unit == "percent":
		return wantPercent
	case f.unit == "bandwidth":
		return wantBandwidth
	}
	switch t.Kind() {
	case reflect.Struct:
		if inner, ok := valueField(t); ok {
			return want(inner.typ, inner)
		}
		return "a map of settings"
	case reflect.Map:
		return "a map of names"
	case reflect.Slice:
		return "a list, in [ ] or with a - before each item"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return wantNumber
	default:
		return wantWhole
	}
}

func keysOf(n *Node) []string {
	keys := make([]string, len(n.Entries))
	for i, e := range n.Entries {
		keys[i] = e.Key
	}
	return keys
}

// validate calls Validate and gives its errors positions.
func (dec *decoding) validate(n *Node, path string, into any) {
	v, ok := into.(interface{ Validate() error })
	if !ok {
		return
	}
	undecoded := dec.meant
	for _, e := range dec.errs {
		undecoded = append(undecoded, e.Path)
	}
	for _, err := range flatten(v.Validate()) {
		where := path
		if f, ok := err.(interface{ Field() string }); ok {
			where = join(path, f.Field())
		}
		if slices.ContainsFunc(undecoded, func(p string) bool { return within(p, where) || within(where, p) }) {
			continue // the value is not the one that was written
		}
		e := &Error{Path: where, Message: err.Error()}
		if n != nil {
			at, exact := n.nearest(strings.TrimPrefix(strings.TrimPrefix(where, path), "."))
			mark := at.keyAt
			if exact && at.Kind == Scalar {
				mark = at.at
			}
			e = at.src.errorAt(mark, where, "%s", err)
		}
		dec.errs = append(dec.errs, e)
	}
}

// flatten takes errors.Join apart, and looks through wrapping for a Field.
func flatten(err error) []error {
	switch e := err.(type) {
	case nil:
		return nil
	case interface{ Field() string }:
		return []error{err}
	case interface{ Unwrap() []error }:
		var list []error
		for _, inner := range e.Unwrap() {
			list = append(list, flatten(inner)...)
		}
		return list
	}
	return []error{err}
}
