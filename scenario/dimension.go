package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// maxVariants bounds the product of the dimensions.
const maxVariants = 256

// dimension is one line of `compare`.
type dimension struct {
	// name is how tables and variants call it: the path without a leading
	// client., or the name of a set of overlays.
	name   string
	key    string // as the document has it
	at     string // its path in the document
	node   *strict.Node
	values []choice
}

// choice is one value of a dimension.
type choice struct {
	text  string
	node  *strict.Node
	edits []edit
}

// edit puts one value at one dotted path.
type edit struct {
	path string
	node *strict.Node
}

// dimensions reads `compare`. base is the document without it.
func dimensions(p *problems, base *strict.Node) []dimension {
	compare := p.root.Get("compare")
	if compare == nil {
		return nil
	}
	if compare.Kind != strict.Map || compare.Len() == 0 {
		p.add("compare", "must be a map: dotted paths with a list of values (client.pool.size: [1, 4]), or names with a map of overlays")
		return nil
	}
	var dims []dimension
	for _, e := range compare.Entries {
		d := dimension{name: e.Key, key: e.Key, at: "compare." + e.Key, node: e.Value}
		switch e.Value.Kind {
		case strict.Sequence:
			d.name = strings.TrimPrefix(e.Key, "client.")
			d.values = listed(p, base, d)
		case strict.Map:
			d.values = overlaid(p, base, d)
		default:
			p.failAt(e.Value, d.at, "must be a list of values (client.pool.size: [1, 4]) or a map of named overlays")
		}
		if twin := slices.IndexFunc(dims, func(o dimension) bool { return o.name == d.name }); twin >= 0 {
			p.failAt(e.Value, d.at, "two dimensions are named %s: rename one", d.name)
		}
		dims = append(dims, d)
	}
	overlaps(p, base, dims)
	product := 1
	for _, d := range dims {
		if product *= len(d.values); product > maxVariants {
			p.failAt(compare, "compare", "makes more than %d variants: compare less at once", maxVariants)
			break
		}
	}
	return dims
}

// listed is the values of a dimension that is a dotted path.
func listed(p *problems, base *strict.Node, d dimension) []choice {
	if !checkPath(p, base, d.node, d.at, d.key) {
		return nil
	}
	if d.node.Len() == 0 {
		p.failAt(d.node, d.at, "needs at least one value")
	}
	var values []choice
	for i, n := range d.node.Items {
		at := fmt.Sprintf("%s[%d]", d.at, i)
		text := n.String()
		switch twin := slices.IndexFunc(values, func(c choice) bool { return c.text == text }); {
		case n.Kind == strict.Null:
			p.failAt(n, at, "must not be empty")
			continue
		case twin >= 0:
			p.failAt(n, at, "the value %s is compared already", text)
			continue
		}
		values = append(values, choice{text: text, node: n, edits: []edit{{resolve(base, d.key), n}}})
	}
	return values
}

// overlaid is the values of a dimension that has overlays.
func overlaid(p *problems, base *strict.Node, d dimension) []choice {
	if !isName(d.key) {
		p.failAt(d.node, d.at, "a name must be %s (got %q)", nameRule, d.key)
	}
	if d.node.Len() == 0 {
		p.failAt(d.node, d.at, "needs at least one overlay")
	}
	var values []choice
	for _, e := range d.node.Entries {
		at := d.at + "." + e.Key
		if !isName(e.Key) {
			p.failAt(e.Value, at, "a name must be %s (got %q)", nameRule, e.Key)
		}
		if e.Value.Kind != strict.Map {
			hint := ""
			if typeAt(scenarioType(), d.key) != nil {
				hint = fmt.Sprintf("; a list compares values of %s: [a, b]", d.key)
			}
			p.failAt(e.Value, at, "an overlay must be a map of settings, or {} to change nothing%s", hint)
			continue
		}
		c := choice{text: e.Key, node: e.Value}
		for _, s := range e.Value.Entries {
			for _, leaf := range leaves(s.Key, s.Value) {
				if checkPath(p, base, leaf.node, at+"."+leaf.path, leaf.path) {
					c.edits = append(c.edits, edit{resolve(base, leaf.path), leaf.node})
				}
			}
		}
		values = append(values, c)
	}
	return values
}

// leaves takes an overlay's map apart, down to what replaces as a whole: a
// choice, a list, a scalar.
func leaves(path string, n *strict.Node) []edit {
	if n.Kind != strict.Map || n.Len() == 0 || !opens(typeAt(scenarioType(), path)) {
		return []edit{{path, n}}
	}
	var all []edit
	for _, e := range n.Entries {
		all = append(all, leaves(path+"."+e.Key, e.Value)...)
	}
	return all
}

// roots are the keys that can be compared, or begin a path that can.
func roots() []string { return []string{"client", "fleet", "load", "target"} }

// checkPath reports a path that cannot be compared, at the node n.
func checkPath(p *problems, base, n *strict.Node, at, path string) bool {
	first, _, _ := strings.Cut(path, ".")
	if !slices.Contains(roots(), first) {
		hint := didYouMean(first, roots())
		for _, root := range []string{"client", "fleet"} {
			if hint == "" && typeAt(scenarioType(), root+"."+path) != nil {
				hint = fmt.Sprintf(", did you mean %s?", root+"."+path)
			}
		}
		p.failAt(n, at, "a compared setting must be target, or begin with client., fleet. or load. (got %s)%s", path, hint)
		return false
	}
	if err := strict.CheckPath(resolve(base, path), scenarioType(), base); err != nil {
		for _, e := range asErrors(p.doc, n, err) {
			if e.Path == path {
				p.failAt(n, at, "%s", e.Message)
			} else {
				p.failAt(n, at, "%s: %s", e.Path, e.Message)
			}
		}
		return false
	}
	return true
}

// resolve makes load.getuser.rate name the entry that has its name by default.
func resolve(base *strict.Node, path string) string {
	segments := strings.Split(path, ".")
	entries := base.Get("load")
	if len(segments) < 2 || segments[0] != "load" || entries == nil || base.Get("load."+segments[1]) != nil {
		return path
	}
	for i, entry := range entries.Items {
		if entry.Get("name") == nil && (Load{Call: entry.Get("call").String()}).defaultName() == segments[1] {
			segments[1] = fmt.Sprint(i)
			return strings.Join(segments, ".")
		}
	}
	return path
}

// overlaps reports dimensions that set the same thing, or a part of it: the
// order of the document would decide which of them is measured.
func overlaps(p *problems, base *strict.Node, dims []dimension) {
	for i, d := range dims {
		for _, earlier := range dims[:i] {
			if mine, theirs, ok := clash(base, d, earlier); ok {
				p.failAt(d.node, d.at, "sets %s, and dimension %s sets %s: two dimensions must not set the same thing", mine, earlier.name, theirs)
			}
		}
	}
}

func clash(base *strict.Node, a, b dimension) (string, string, bool) {
	for _, x := range a.paths() {
		for _, y := range b.paths() {
			m, n := strict.Canonical(base, x), strict.Canonical(base, y)
			if within(m, n) || within(n, m) {
				return x, y, true
			}
		}
	}
	return "", "", false
}

// paths is every path that a value of the dimension sets.
func (d dimension) paths() []string {
	var all []string
	for _, c := range d.values {
		for _, e := range c.edits {
			if !slices.Contains(all, e.path) {
				all = append(all, e.path)
			}
		}
	}
	return all
}

func (d dimension) texts() []string {
	var all []string
	for _, c := range d.values {
		all = append(all, c.text)
	}
	return all
}
