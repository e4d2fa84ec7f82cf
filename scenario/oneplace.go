package scenario

import (
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// checkOnePlace finds variants whose backends are in different places. A run has one
// fleet, which it starts or joins once and configures anew for each trial: what was
// compared would be the first variant's.
func checkOnePlace(p *problems, dims []dimension, variants []Variant) {
	first := variants[0]
	for _, v := range variants[1:] {
		a, b := first.Scenario.Fleet, v.Scenario.Fleet
		if a == nil && b == nil {
			continue
		}
		if a == nil || b == nil {
			n, at := settingDimension(p, dims, "fleet", "target")
			p.failAt(n, at, "gives variant %s a %s and variant %s a %s: a run has either a fleet or targets", first.Name, backendsWord(a), v.Name, backendsWord(b))
			return
		}
		for _, same := range []struct{ key, first, other string }{
			{"fleet.remote", strings.Join(a.Remote, ", "), strings.Join(b.Remote, ", ")},
			{"fleet.isolation", a.Isolation, b.Isolation},
			{"fleet.token", string(a.Token), string(b.Token)},
		} {
			if same.first == same.other {
				continue
			}
			n, at := settingDimension(p, dims, same.key)
			p.failAt(n, at, "sets %s, which cannot be compared: a run has one fleet for all variants, in one place", same.key)
			return
		}
	}
}

// settingDimension is the first dimension that sets one of the keys, or something
// below or above it, and its path; compare itself where none does.
func settingDimension(p *problems, dims []dimension, keys ...string) (*strict.Node, string) {
	for _, d := range dims {
		for _, path := range d.paths() {
			if slices.ContainsFunc(keys, func(key string) bool { return within(path, key) || within(key, path) }) {
				return d.node, d.at
			}
		}
	}
	return p.root.Get("compare"), "compare"
}

func backendsWord(f *Fleet) string {
	if f == nil {
		return "target"
	}
	return "fleet"
}
