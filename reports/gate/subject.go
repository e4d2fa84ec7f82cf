package gate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// Subject is what gates can be about: a plan, or a result.
type Subject struct {
	Dimensions []result.Dimension
	Variants   []SubjectVariant
}

// SubjectVariant is one variant of a Subject.
type SubjectVariant struct {
	Name     string
	Settings map[string]string
	Loads    []SubjectLoad
	Faults   []string
}

// SubjectLoad is one load entry.
type SubjectLoad struct {
	Name string
	Kind result.Kind
}

// SubjectOf is a result as what gates are about.
func SubjectOf(r *result.Result) Subject {
	s := Subject{Dimensions: r.Scenario.Dimensions}
	for i := range r.Variants {
		v := &r.Variants[i]
		one := SubjectVariant{Name: v.Name, Settings: v.Settings}
		for _, l := range v.Loads {
			one.Loads = append(one.Loads, SubjectLoad{l.Name, l.Kind})
		}
		for _, f := range v.Faults {
			one.Faults = append(one.Faults, f.Name)
		}
		s.Variants = append(s.Variants, one)
	}
	return s
}

// NameError is a selector's word that names nothing.
type NameError struct {
	// At is the byte of the gate's text at which the word stands, from 0.
	At int
	// Key is what the word should have named: variant, load, dimension, …
	Key  string
	Got  string
	Them []string // what there is
}

func (e *NameError) Error() string {
	if len(e.Them) == 0 {
		return fmt.Sprintf("there is no %s %q, and no other", e.Key, e.Got)
	}
	return fmt.Sprintf("there is no %s %q; there are %s", e.Key, e.Got, strings.Join(e.Them, ", "))
}

// pick is one case of a gate: a variant by its number, and a load entry, which
// is empty for a figure of the whole trial.
type pick struct {
	variant int
	load    string
}

// Check finds what in the gate's selector names nothing, and what cannot be
// judged at all. The error is a *NameError or an *Error.
func (g Gate) Check(s Subject) error {
	_, err := g.picks(s)
	return err
}

// Case is one variant and load entry that a gate is judged for; Load is empty for
// a figure of the whole trial.
type Case struct{ Variant, Load string }

// Cases is what the gate is judged for. The errors are those of Check.
func (g Gate) Cases(s Subject) ([]Case, error) {
	picks, err := g.picks(s)
	if err != nil {
		return nil, err
	}
	var out []Case
	for _, p := range picks {
		out = append(out, Case{s.Variants[p.variant].Name, p.load})
	}
	return out, nil
}

// picks is the cases of the gate. A comparison with the baseline leaves the
// baselines out.
func (g Gate) picks(s Subject) ([]pick, error) {
	if err := g.names(s); err != nil {
		return nil, err
	}
	var out []pick
	baselines := 0
	for i, v := range s.Variants {
		if !g.Select.takes(s, v) {
			continue
		}
		if g.Bound.Reference == BaselineReference {
			switch base := s.baseline(i); {
			case base == i:
				baselines++
				continue
			case base < 0:
				continue
			}
		}
		if kindOf(g.Metric.Kind).whole {
			out = append(out, pick{variant: i})
			continue
		}
		for _, l := range v.Loads {
			if (g.Select.Load == "" || g.Select.Load == l.Name) && (g.Select.Kind == "" || g.Select.Kind == string(l.Kind)) {
				out = append(out, pick{i, l.Name})
			}
		}
	}
	switch {
	case len(out) > 0:
		return out, nil
	case baselines > 0:
		return nil, &Error{At: 0, Message: "compares the baseline with itself: it is about no other variant"}
	case g.Bound.Reference == BaselineReference:
		return nil, &Error{At: 0, Message: "has no baseline to compare with: nothing is compared"}
	}
	return nil, &Error{At: 0, Message: "is about nothing: no variant and load entry is all that it selects"}
}

// names checks each word of the selector on its own, so that a mistake is told
// by what there is instead.
func (g Gate) names(s Subject) error {
	sel := g.Select
	var variants, loads, kinds, faults, dimensions []string
	add := func(list *[]string, name string) {
		if !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, d := range s.Dimensions {
		add(&dimensions, d.Name)
	}
	for _, v := range s.Variants {
		add(&variants, v.Name)
		for _, l := range v.Loads {
			add(&loads, l.Name)
			add(&kinds, string(l.Kind))
		}
		for _, f := range v.Faults {
			add(&faults, f)
		}
	}
	for _, one := range []struct {
		key, word, got string
		them           []string
	}{
		{"load entry", "load", sel.Load, loads}, {"kind of RPC", "kind", sel.Kind, kinds}, {"fault", "during", sel.During, faults},
	} {
		if one.got != "" && !slices.Contains(one.them, one.got) {
			return &NameError{At: g.at(one.word, one.got), Key: one.key, Got: one.got, Them: one.them}
		}
	}
	if sel.Variant != "" && !slices.ContainsFunc(s.Variants, func(v SubjectVariant) bool { return s.matches(v, sel.Variant) }) {
		for _, d := range s.Dimensions {
			for _, value := range d.Values {
				if s.holders(value) == 1 {
					add(&variants, value)
				}
			}
		}
		return &NameError{At: g.at("variant", sel.Variant), Key: "variant", Got: sel.Variant, Them: variants}
	}
	for _, key := range sortedKeys(sel.Settings) {
		d, ok := s.dimension(key)
		if !ok {
			return &NameError{At: g.at(key, ""), Key: "dimension", Got: key, Them: append(dimensions, "variant", "load", "kind", "code", "during")}
		}
		if value := sel.Settings[key]; !slices.Contains(d.Values, value) {
			return &NameError{At: g.at(key, value), Key: "value of " + d.Name, Got: value, Them: d.Values}
		}
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// at is where the selector's key=value stands in the text: the value, or the key
// where that is at fault.
func (g Gate) at(key, value string) int {
	form := regexp.MustCompile(`[{,]\s*(` + regexp.QuoteMeta(key) + `)\s*=\s*"?(` + regexp.QuoteMeta(value) + `)`)
	found := form.FindStringSubmatchIndex(g.Text)
	switch {
	case found == nil:
		return 0
	case value == "":
		return found[2]
	}
	return found[4]
}

// dimension finds one by its name, or by its path with a leading client.
func (s Subject) dimension(key string) (result.Dimension, bool) {
	for _, name := range []string{key, strings.TrimPrefix(key, "client.")} {
		for _, d := range s.Dimensions {
			if d.Name == name {
				return d, true
			}
		}
	}
	return result.Dimension{}, false
}

// takes says whether the selector is about the variant.
func (sel Selector) takes(s Subject, v SubjectVariant) bool {
	if sel.Variant != "" && !s.matches(v, sel.Variant) {
		return false
	}
	for key, value := range sel.Settings {
		if d, _ := s.dimension(key); v.Settings[d.Name] != value {
			return false
		}
	}
	return sel.During == "" || slices.Contains(v.Faults, sel.During)
}

// matches is how --only names variants, too: by name, by some settings
// (backoff=fixed), or by a value alone where one dimension has it. Values may
// hold commas, so settings are taken off the front until nothing is left.
func (s Subject) matches(v SubjectVariant, selector string) bool {
	if selector == v.Name {
		return true
	}
	var rest func(string) bool
	rest = func(text string) bool {
		for _, d := range s.Dimensions {
			value := v.Settings[d.Name]
			forms := []string{d.Name + "=" + value}
			if s.holders(value) == 1 {
				forms = append(forms, value)
			}
			for _, form := range forms {
				after, ok := strings.CutPrefix(text, form)
				if ok && form != "" && (after == "" || after[0] == ',' && rest(after[1:])) {
					return true
				}
			}
		}
		return false
	}
	return rest(selector)
}

// holders counts the dimensions that have a value.
func (s Subject) holders(value string) int {
	n := 0
	for _, d := range s.Dimensions {
		if slices.Contains(d.Values, value) {
			n++
		}
	}
	return n
}

// baseline is the number of the variant that the i-th is compared with: it has
// every dimension's baseline and, of dimensions without one, the i-th's value.
// It is −1 where there is none.
func (s Subject) baseline(i int) int {
	compared := slices.ContainsFunc(s.Dimensions, func(d result.Dimension) bool { return d.Baseline != "" })
	if !compared {
		return -1
	}
	return slices.IndexFunc(s.Variants, func(v SubjectVariant) bool {
		for _, d := range s.Dimensions {
			want := d.Baseline
			if want == "" {
				want = s.Variants[i].Settings[d.Name]
			}
			if v.Settings[d.Name] != want {
				return false
			}
		}
		return true
	})
}

// TrialsNeeded is the fewest trials with which the gate can be decided by an
// interval; 1 where a count is judged as it was observed.
func (g Gate) TrialsNeeded(s Subject) int {
	picks, err := g.picks(s)
	switch {
	case err != nil:
		return 1
	case g.Bound.Reference != "":
		return stats.TrialsNeeded(len(picks))
	case g.varies():
		return stats.TrialsNeeded(1)
	}
	return 1
}
