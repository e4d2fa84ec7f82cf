package expect

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Checker is an Expect for one method. It serves several goroutines at once.
type Checker struct {
	output   protoreflect.MessageDescriptor
	code     codes.Code
	fields   []fieldCheck
	each     bool
	messages *count // nil is any
}

// fieldCheck is one path and what it must be.
type fieldCheck struct {
	path string
	way  []hop
	// last is the field that the path ends at: an item of it, where the path
	// ends with one.
	last protoreflect.FieldDescriptor
	item bool
	// whole is that the path ends at a list or a map as a whole.
	whole bool
	tests []test
}

// hop leads from a message to the next value.
type hop struct {
	field protoreflect.FieldDescriptor
	index int                 // of a list; -1 is none
	key   protoreflect.MapKey // of a map, where it is valid
}

// test is one condition: it says what is wanted, and whether it is so.
type test struct {
	want  string
	holds func(found) bool
}

// found is where a path leads to in a message.
type found struct {
	value protoreflect.Value
	// read is whether there is a value. A field that is not set has one where it
	// cannot tell that from its zero: set is then false.
	read, set bool
	short     string // why there is none
}

// Compile makes a checker for the responses of a method.
func (e *Expect) Compile(method protoreflect.MethodDescriptor) (*Checker, []Problem) {
	problems := e.Check(method.IsStreamingServer())
	if len(problems) > 0 {
		return nil, problems
	}
	c := &Checker{output: method.Output(), code: e.Code, each: e.Each}
	if e.Messages != nil {
		n, _ := countOf(e.Messages)
		c.messages = &n
	}
	for _, path := range e.paths() {
		f, wrong := compileField(method.Output(), path, e.Fields[path])
		problems = append(problems, wrong...)
		c.fields = append(c.fields, f)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

func compileField(message protoreflect.MessageDescriptor, path string, n *strict.Node) (fieldCheck, []Problem) {
	f := fieldCheck{path: path}
	steps, err := parsePath(path)
	if err == nil {
		err = f.find(message, steps)
	}
	if err != nil {
		return f, []Problem{{"fields." + path, n, err.Error()}}
	}
	written, problems := readCondition(n)
	if len(problems) == 0 {
		problems = f.compile(written)
	}
	for i := range problems {
		if problems[i].Node == nil {
			problems[i].Node = n
		}
		problems[i].Path = join("fields."+path, problems[i].Path)
		if n.Kind == strict.Scalar {
			problems[i].Path = "fields." + path
		}
	}
	return f, problems
}

// find follows the path through the descriptors.
func (f *fieldCheck) find(message protoreflect.MessageDescriptor, steps []step) error {
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if s.name == "" {
			return fmt.Errorf("%s is neither a list nor a map", spell(steps[:i]))
		}
		if message == nil {
			return fmt.Errorf("%s is %s: it has no field %q", spell(steps[:i]), kindName(f.last), s.name)
		}
		field := fieldOf(message, s.name)
		if field == nil {
			return fmt.Errorf("no field %q in %s%s", s.name, message.FullName(), among(s.name, fieldNames(message)))
		}
		h := hop{field: field, index: -1}
		f.last, f.item, f.whole = field, false, false
		switch {
		case field.IsList():
			f.whole = true
			if i+1 < len(steps) {
				i++
				index, err := strconv.Atoi(steps[i].key)
				if steps[i].name != "" || steps[i].quoted || err != nil || index < 0 {
					return fmt.Errorf("%s is a list: which item? Write %s[0]", spell(steps[:i]), spell(steps[:i]))
				}
				h.index, f.item, f.whole = index, true, false
			}
			message = field.Message()
		case field.IsMap():
			f.whole = true
			if i+1 < len(steps) {
				i++
				key, err := keyOf(field.MapKey(), steps[i])
				if err != nil {
					return fmt.Errorf("%s is a map with keys of %s: %w", spell(steps[:i]), field.MapKey().Kind(), err)
				}
				h.key, f.item, f.whole = key, true, false
			}
			f.last = field
			if f.item {
				f.last = field.MapValue()
			}
			message = field.MapValue().Message()
		default:
			message = field.Message()
		}
		f.way = append(f.way, h)
	}
	return nil
}

// fieldOf finds a field by its name in the .proto file, or that in JSON.
func fieldOf(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if f := message.Fields().ByName(protoreflect.Name(name)); f != nil {
		return f
	}
	return message.Fields().ByJSONName(name)
}

func fieldNames(message protoreflect.MessageDescriptor) []string {
	var names []string
	for i := range message.Fields().Len() {
		names = append(names, string(message.Fields().Get(i).Name()))
	}
	return names
}

// keyOf is a key of a map: labels.env, labels["a.b"], counts[7].
func keyOf(key protoreflect.FieldDescriptor, s step) (protoreflect.MapKey, error) {
	text := s.key
	if s.name != "" {
		text = s.name
	}
	v, wrong := valueOf(key, &strict.Node{Kind: strict.Scalar, Text: text})
	if wrong != "" {
		return protoreflect.MapKey{}, fmt.Errorf("the key %s", wrong)
	}
	return v.MapKey(), nil
}

// compile makes tests of the conditions.
func (f *fieldCheck) compile(c Condition) []Problem {
	var problems []Problem
	wrong := func(key string, n *strict.Node, format string, args ...any) {
		problems = append(problems, Problem{key, n, fmt.Sprintf(format, args...)})
	}
	if c.Exists != nil {
		want := *c.Exists
		f.test(map[bool]string{true: "it set", false: "it not set"}[want], func(got found) bool { return got.set == want })
	}
	if c.Count != nil {
		if !f.whole {
			wrong("count", c.Count, "is for a list or a map, and %s is none", f.path)
		} else {
			n, _ := countOf(c.Count)
			f.test(n.text+" of them", func(got found) bool { return n.holds(f.size(got)) })
		}
	}
	if f.whole {
		what := "a list: name one of its items (" + f.path + "[0])"
		if f.last.IsMap() {
			what = "a map: name one of its entries (" + f.path + "[\"key\"])"
		}
		for _, given := range f.given(c) {
			wrong(given.key, given.node, "%s is %s, or write {count: 1}", f.path, what)
		}
		return problems
	}
	read := func(key string, n *strict.Node) (protoreflect.Value, bool) {
		v, mistake := valueOf(f.last, n)
		if mistake != "" {
			wrong(key, n, "%s", mistake)
		}
		return v, mistake == ""
	}
	if c.Equals != nil {
		if v, ok := read("equals", c.Equals); ok {
			f.test(spelled(f.last, v), func(got found) bool { return got.read && same(f.last, got.value, v) })
		}
	}
	if c.Not != nil {
		if v, ok := read("not", c.Not); ok {
			f.test("other than "+spelled(f.last, v), func(got found) bool { return !got.read || !same(f.last, got.value, v) })
		}
	}
	f.oneOf(c.In, read)
	for _, bound := range []struct {
		key  string
		node *strict.Node
		sign string
		bad  int
	}{{"min", c.Min, ">= ", -1}, {"max", c.Max, "<= ", 1}} {
		switch {
		case bound.node == nil:
		case !numeric(f.last):
			wrong(bound.key, bound.node, "is for numbers, and %s is %s", f.path, kindName(f.last))
		default:
			if v, ok := read(bound.key, bound.node); ok {
				f.test(bound.sign+spelled(f.last, v), func(got found) bool {
					if !got.read {
						return false
					}
					sign, ordered := order(f.last, got.value, v)
					return ordered && sign != bound.bad
				})
			}
		}
	}
	if c.Matches != nil {
		pattern, err := regexp.Compile(*c.Matches)
		switch {
		case f.last.Kind() != protoreflect.StringKind:
			wrong("matches", nil, "is for text, and %s is %s", f.path, kindName(f.last))
		case err != nil:
			wrong("matches", nil, "must be a regular expression: %v", err)
		default:
			f.test("what matches "+quoted(*c.Matches), func(got found) bool { return got.read && pattern.MatchString(got.value.String()) })
		}
	}
	return problems
}

// oneOf adds the test for one of several values.
func (f *fieldCheck) oneOf(nodes []*strict.Node, read func(string, *strict.Node) (protoreflect.Value, bool)) {
	if nodes == nil {
		return
	}
	var values []protoreflect.Value
	var words []string
	for i, n := range nodes {
		v, ok := read(fmt.Sprintf("in[%d]", i), n)
		if !ok {
			continue
		}
		values, words = append(values, v), append(words, spelled(f.last, v))
	}
	f.test("one of "+strings.Join(words, ", "), func(got found) bool {
		for _, v := range values {
			if got.read && same(f.last, got.value, v) {
				return true
			}
		}
		return false
	})
}

// keyed is a condition that needs a single value.
type keyed struct {
	key  string
	node *strict.Node
}

// given are those that are written.
func (f *fieldCheck) given(c Condition) []keyed {
	var all []keyed
	for _, k := range []keyed{{"equals", c.Equals}, {"not", c.Not}, {"min", c.Min}, {"max", c.Max}} {
		if k.node != nil {
			all = append(all, k)
		}
	}
	if c.In != nil {
		all = append(all, keyed{"in", nil})
	}
	if c.Matches != nil {
		all = append(all, keyed{"matches", nil})
	}
	return all
}

func (f *fieldCheck) test(want string, holds func(found) bool) {
	f.tests = append(f.tests, test{want, holds})
}

// size is how many items a list or a map has.
func (f *fieldCheck) size(got found) int {
	switch {
	case !got.read:
		return 0
	case f.last.IsMap():
		return got.value.Map().Len()
	}
	return got.value.List().Len()
}

// at follows the path through a message.
func (f *fieldCheck) at(m protoreflect.Message) found {
	var v protoreflect.Value
	for i, h := range f.way {
		end := i == len(f.way)-1
		switch {
		case h.index >= 0:
			list := m.Get(h.field).List()
			if h.index >= list.Len() {
				return found{short: fmt.Sprintf("a list of %d", list.Len())}
			}
			v = list.Get(h.index)
		case h.key.IsValid():
			entries := m.Get(h.field).Map()
			if !entries.Has(h.key) {
				return found{short: "no such key"}
			}
			v = entries.Get(h.key)
		case !m.Has(h.field) && h.field.HasPresence():
			return found{short: "nothing"}
		default:
			v = m.Get(h.field)
			if end {
				return found{value: v, read: true, set: m.Has(h.field)}
			}
		}
		if !end {
			m = v.Message()
		}
	}
	return found{value: v, read: true, set: true}
}

// miss is what is wrong with a message; "" is nothing.
func (f *fieldCheck) miss(m protoreflect.Message) string {
	got := f.at(m)
	for _, t := range f.tests {
		if !t.holds(got) {
			return fmt.Sprintf("%s: want %s, got %s", f.path, t.want, f.spelled(got))
		}
	}
	return ""
}

// spelled is what was found, for people.
func (f *fieldCheck) spelled(got found) string {
	switch {
	case !got.read:
		return got.short
	case f.whole:
		return strconv.Itoa(f.size(got))
	}
	return spelled(f.last, got.value)
}
