package plot

import (
	"fmt"
	"image/color"
	"strconv"
	"strings"
)

// sheet is a style sheet, as far as Style and Theme use CSS: selectors of a tag,
// classes and their descendants, and custom properties of :root.
type sheet struct {
	rules []cssRule
	vars  map[string]string
}

// cssRule is one selector with its declarations.
type cssRule struct {
	steps  []compound // ancestors first
	weight int        // specificity: classes count more than tags
	set    map[string]string
}

type compound struct {
	tag     string // empty for any
	classes []string
}

// parseSheet reads the rules up to the first that is for some media only.
func parseSheet(text string) sheet {
	s := sheet{vars: map[string]string{}}
	for text != "" && !strings.HasPrefix(text, "@") {
		selectors, rest, _ := strings.Cut(text, "{")
		body, after, _ := strings.Cut(rest, "}")
		text = after
		set := map[string]string{}
		for declaration := range strings.SplitSeq(body, ";") {
			if name, value, ok := strings.Cut(declaration, ":"); ok {
				set[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
		for selector := range strings.SplitSeq(selectors, ",") {
			if selector == ":root" {
				for name, value := range set {
					s.vars[name] = value
				}
				continue
			}
			r := cssRule{set: set}
			for step := range strings.FieldsSeq(selector) {
				parts := strings.Split(step, ".")
				r.steps = append(r.steps, compound{parts[0], parts[1:]})
				r.weight += 100 * len(parts[1:])
				if parts[0] != "" {
					r.weight++
				}
			}
			s.rules = append(s.rules, r)
		}
	}
	return s
}

func (c compound) matches(e *element) bool {
	if c.tag != "" && c.tag != e.tag {
		return false
	}
	for _, class := range c.classes {
		if !e.classes[class] {
			return false
		}
	}
	return true
}

// matches says whether the rule is for the last of path, whose ancestors come
// before it.
func (r *cssRule) matches(path []*element) bool {
	last := len(r.steps) - 1
	if !r.steps[last].matches(path[len(path)-1]) {
		return false
	}
	at := len(path) - 2
	for i := last - 1; i >= 0; i-- {
		for at >= 0 && !r.steps[i].matches(path[at]) {
			at--
		}
		if at < 0 {
			return false
		}
		at--
	}
	return true
}

// resolve puts custom properties in: var(--x) may name another.
func (s *sheet) resolve(value string, own map[string]string) string {
	for range 4 {
		from := strings.Index(value, "var(")
		if from < 0 {
			break
		}
		length := strings.IndexByte(value[from:], ')')
		if length < 0 {
			break
		}
		name := value[from+4 : from+length]
		with, ok := own[name]
		if !ok {
			with = s.vars[name]
		}
		value = value[:from] + with + value[from+length+1:]
	}
	return value
}

// parseColor reads #rgb and #rrggbb; ok is false for none.
func parseColor(text string) (c color.NRGBA, ok bool, err error) {
	if text == "none" || text == "" {
		return c, false, nil
	}
	hex := strings.TrimPrefix(text, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 || !strings.HasPrefix(text, "#") {
		return c, false, fmt.Errorf("not a colour: %q", text)
	}
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}, true, nil
}
