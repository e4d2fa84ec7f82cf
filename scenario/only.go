package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// only keeps the variants that a selector names: a variant's name, or some of
// its settings (backoff=fixed), or a value alone where one dimension has it.
func (p *Plan) only(selectors []string) error {
	if len(selectors) == 0 {
		return nil
	}
	keep := make([]bool, len(p.Variants))
	for _, selector := range selectors {
		matched := false
		for i, v := range p.Variants {
			if p.matches(v, selector) {
				keep[i], matched = true, true
			}
		}
		if !matched {
			var names []string
			for _, v := range p.Variants {
				names = append(names, v.Name)
			}
			return fmt.Errorf("--only %s: no variant is named so%s", selector, p.selectable(selector, names))
		}
	}
	var kept []Variant
	for i, v := range p.Variants {
		if keep[i] {
			kept = append(kept, v)
		}
	}
	p.Variants = kept
	p.Base = kept[0].Scenario
	p.narrow()
	return nil
}

// Variant is the one variant that a selector names: a variant's name, some of its
// settings (backoff=fixed), or a value alone where one dimension has it. An empty
// selector names the only variant there is.
func (p *Plan) Variant(selector string) (*Variant, error) {
	var found []int
	var names []string
	for i, v := range p.Variants {
		if selector == "" || p.matches(v, selector) {
			found = append(found, i)
		}
		names = append(names, v.Name)
	}
	switch {
	case len(found) == 1:
		return &p.Variants[found[0]], nil
	case selector == "":
		return nil, fmt.Errorf("which variant? There are %s", strings.Join(names, ", "))
	case len(found) == 0:
		return nil, fmt.Errorf("no variant is named %s%s", selector, p.selectable(selector, names))
	}
	var several []string
	for _, i := range found {
		several = append(several, names[i])
	}
	return nil, fmt.Errorf("%s names several variants: %s", selector, strings.Join(several, ", "))
}

// selectable says what a selector could have been.
func (p *Plan) selectable(selector string, names []string) string {
	among := slices.Clone(names)
	for _, d := range p.Dimensions {
		for _, value := range d.Values {
			among = append(among, d.Name+"="+value, value)
		}
	}
	if hint := didYouMean(selector, among); hint != "" {
		return hint
	}
	const most = 6
	if len(names) > most {
		return fmt.Sprintf(": there are %s, … (grpcbench explain lists all)", strings.Join(names[:most], ", "))
	}
	return ": there are " + strings.Join(names, ", ")
}

// matches takes settings off the front of the selector until nothing is left.
// Values may hold commas, so it does not split.
func (p *Plan) matches(v Variant, selector string) bool {
	if selector == v.Name {
		return true
	}
	var rest func(string) bool
	rest = func(s string) bool {
		for _, d := range p.Dimensions {
			value := v.Settings[d.Name]
			forms := []string{d.Name + "=" + value}
			if p.holders(value) == 1 {
				forms = append(forms, value)
			}
			for _, form := range forms {
				after, ok := strings.CutPrefix(s, form)
				if ok && (after == "" || after[0] == ',' && rest(after[1:])) {
					return true
				}
			}
		}
		return false
	}
	return rest(selector)
}

// holders counts the dimensions that have a value.
func (p *Plan) holders(value string) int {
	n := 0
	for _, d := range p.Dimensions {
		if slices.Contains(d.Values, value) {
			n++
		}
	}
	return n
}

// narrow leaves the dimensions only the values that are still there, and finds
// a baseline among them.
func (p *Plan) narrow() {
	for i := range p.Dimensions {
		d := &p.Dimensions[i]
		d.Values = slices.DeleteFunc(slices.Clone(d.Values), func(value string) bool {
			return !slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Settings[d.Name] == value })
		})
		if d.Baseline != "" && !slices.Contains(d.Values, d.Baseline) {
			if len(p.Variants) > 1 {
				p.Warnings = append(p.Warnings, fmt.Sprintf("--only leaves out the baseline %s=%s: %s takes its place",
					d.Name, d.Baseline, d.Values[0]))
			}
			d.Baseline = d.Values[0]
		}
	}
}
