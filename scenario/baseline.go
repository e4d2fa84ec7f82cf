package scenario

import (
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// baselineOf reads `baseline`: the value, by dimension, that the others are
// compared with. A dimension without one is a condition. Left out, it is the
// first value of every dimension.
func baselineOf(p *problems, dims []dimension) map[string]string {
	values := make(map[string]string)
	n := p.root.Get("baseline")
	if n == nil {
		for _, d := range dims {
			if len(d.values) > 0 {
				values[d.name] = d.values[0].text
			}
		}
		return values
	}
	switch {
	case p.root.Get("compare") == nil:
		p.failAt(n, "baseline", "nothing is compared: it needs compare")
		return nil
	case n.Kind != strict.Map || n.Len() == 0:
		p.failAt(n, "baseline", "must be a map of dimensions and values, such as {%s}", baselineExample(dims))
		return nil
	}
	for _, e := range n.Entries {
		at := "baseline." + e.Key
		i := slices.IndexFunc(dims, func(d dimension) bool { return e.Key == d.key || e.Key == d.name })
		if i < 0 {
			var keys, names []string
			for _, d := range dims {
				keys, names = append(keys, d.key), append(names, d.name)
			}
			hint := didYouMean(e.Key, names)
			if hint == "" {
				hint = allowed(e.Key, keys)
			}
			p.failAt(e.Value, at, "unknown dimension %q%s", e.Key, hint)
			continue
		}
		d := dims[i]
		text := e.Value.String()
		_, twice := values[d.name]
		switch {
		case twice:
			p.failAt(e.Value, at, "dimension %s has a baseline already", d.name)
		case len(d.values) == 0: // reported where it is compared
		case !slices.Contains(d.texts(), text):
			p.failAt(e.Value, at, "%s has no value %q%s", d.name, text, allowed(text, d.texts()))
		default:
			values[d.name] = text
		}
	}
	return values
}

func baselineExample(dims []dimension) string {
	for _, d := range dims {
		if len(d.values) > 0 {
			return d.key + ": " + d.values[0].text
		}
	}
	return "client.pool.size: 1"
}

// variantName is pool.size=4,backoff=fixed.
func variantName(dims []dimension, chosen []choice) string {
	if len(dims) == 0 {
		return "default"
	}
	var parts []string
	for i, d := range dims {
		parts = append(parts, d.name+"="+chosen[i].text)
	}
	return strings.Join(parts, ",")
}
