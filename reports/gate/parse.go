package gate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Error is a mistake in a condition.
type Error struct {
	// At is the byte of the text at which it was seen, from 0.
	At      int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Parse reads a condition. The error is an *Error.
func Parse(text string) (Gate, error) {
	p := &parser{text: text}
	g := Gate{Text: strings.TrimSpace(text)}
	err := p.gate(&g)
	if err != nil {
		return Gate{}, err
	}
	return g, nil
}

// parser reads a text from its front.
type parser struct {
	text string
	at   int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &Error{At: at, Message: fmt.Sprintf(format, args...)}
}

// form is what a condition looks like, for messages.
const form = "METRIC < VALUE, such as p99 < 20ms, in_slo{load=reads} > 99% or p99 <= baseline + 5%"

func (p *parser) gate(g *Gate) error {
	p.space()
	if p.at == len(p.text) {
		return p.fail(p.at, "must be %s", form)
	}
	if err := p.metric(&g.Metric); err != nil {
		return err
	}
	if err := p.selector(g); err != nil {
		return err
	}
	p.space()
	op := p.take(`^(<=|>=|<|>)`)
	if op == "" {
		return p.fail(p.at, "must have one of < <= > >= after %s (got %s)", g.Metric, p.rest())
	}
	g.Op = Op(op)
	if err := p.bound(g); err != nil {
		return err
	}
	p.space()
	if p.at < len(p.text) {
		return p.fail(p.at, "must end after the value (got %s)", p.rest())
	}
	return p.meaning(g)
}

// meaning finds what can be written and says nothing.
func (p *parser) meaning(g *Gate) error {
	k := kindOf(g.Metric.Kind)
	switch {
	case g.Select.Code != "" && g.Metric.Kind != Errors:
		return p.fail(0, "code is for errors: errors{code=%s}", g.Select.Code)
	case k.whole && (g.Select.Load != "" || g.Select.Kind != "" || g.Select.During != ""):
		return p.fail(0, "%s is a figure of the whole trial: it takes no load, kind or during", g.Metric)
	case g.Select.During != "" && g.Metric.Measure != "" && g.Metric.Measure != result.Response:
		return p.fail(0, "during is known of response only, not of %s", g.Metric.Measure)
	case g.Select.During != "" && (g.Metric.Kind == Max || g.Metric.Kind == Mean):
		return p.fail(0, "%s is not known second by second: quantiles, in_slo, errors, goodput, rate, attempts and recovery are", g.Metric)
	case g.Select.During != "" && g.Select.Code == codeUnfinished:
		return p.fail(0, "code=unfinished is known at a trial's end only: during takes a code of gRPC or dropped")
	case g.Bound.Reference == "" && g.Metric.Unit() == Share && (g.Bound.Value < 0 || g.Bound.Value > 1):
		return p.fail(0, "a share is between 0%% and 100%% (got %v%%)", 100*g.Bound.Value)
	}
	return nil
}

func (p *parser) space() { p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t")) }

// take consumes what a pattern, anchored at the front, matches.
func (p *parser) take(pattern string) string {
	found := regexp.MustCompile(pattern).FindString(p.text[p.at:])
	p.at += len(found)
	return found
}

// rest is what was found instead, for messages.
func (p *parser) rest() string {
	rest := strings.TrimSpace(p.text[p.at:])
	switch {
	case rest == "":
		return "nothing"
	case len(rest) > 20:
		return strconv.Quote(strings.ToValidUTF8(rest[:20], "") + "…")
	}
	return strconv.Quote(rest)
}

var quantileForm = regexp.MustCompile(`^p([0-9]{1,2}(\.[0-9]{1,4})?)$`)

func (p *parser) metric(m *Metric) error {
	start := p.at
	name := p.take(`^[A-Za-z_]+[A-Za-z0-9_]*(\.[A-Za-z0-9_.]+)?`)
	if before, after, ok := strings.Cut(name, "."); ok && isMeasure(before) {
		m.Measure, name = result.Measure(before), after
	}
	switch q := quantileForm.FindStringSubmatch(name); {
	case q != nil:
		percent, err := strconv.ParseFloat(q[1], 64)
		if err != nil || percent <= 0 {
			return p.fail(start, "must be a quantile between p1 and p99.9999 (got %s)", name)
		}
		m.Kind, m.Quantile = Quantile, quantile(percent)
	case slices.ContainsFunc(kinds(), func(k kind) bool { return string(k.kind) == name && k.kind != Quantile }):
		m.Kind = Kind(name)
	default:
		return p.fail(start, "must begin with a metric: p50 … p99.99, %s (got %s)", strings.Join(names(), ", "), p.word(start))
	}
	if m.Measure != "" && !kindOf(m.Kind).latency {
		return p.fail(start, "%s has no %s: quantiles, max and mean are of a measure", m.Measure, m.Kind)
	}
	if m.Measure == "" && kindOf(m.Kind).latency {
		m.Measure = result.Response
	}
	return nil
}

// quantile is a percentage as a share, without the noise of the division: 99.9
// gives the same number as 0.999.
func quantile(percent float64) float64 {
	q, _ := strconv.ParseFloat(strconv.FormatFloat(percent/100, 'f', 6, 64), 64) // cannot fail
	return q
}

func quantileName(q float64) string {
	return "p" + strconv.FormatFloat(math.Round(q*1e6)/1e4, 'f', -1, 64)
}

func isMeasure(name string) bool { return slices.Contains(result.Measures(), result.Measure(name)) }

func names() []string {
	var all []string
	for _, k := range kinds() {
		if k.kind != Quantile {
			all = append(all, string(k.kind))
		}
	}
	return all
}

// word is the word that was read from start, or what stands there.
func (p *parser) word(start int) string {
	if p.at > start {
		return strconv.Quote(p.text[start:p.at])
	}
	return p.rest()
}

// selector reads {key=value, …}. A value may be quoted, and must be where it has
// a comma or a brace.
func (p *parser) selector(g *Gate) error {
	p.space()
	if p.take(`^\{`) == "" {
		return nil
	}
	seen := map[string]bool{}
	for {
		p.space()
		start := p.at
		key := p.take(`^[A-Za-z_][A-Za-z0-9_.-]*`)
		if key == "" {
			return p.fail(start, "must name what to select, such as {load=reads} (got %s)", p.rest())
		}
		p.space()
		if p.take(`^=`) == "" {
			return p.fail(p.at, "must have a = after %s (got %s)", key, p.rest())
		}
		p.space()
		value, err := p.value(key)
		if err != nil {
			return err
		}
		if seen[key] {
			return p.fail(start, "names %s twice", key)
		}
		seen[key] = true
		g.Select.set(key, value)
		p.space()
		if p.take(`^,`) != "" {
			continue
		}
		if p.take(`^\}`) == "" {
			return p.fail(p.at, "must have a , or } after %s=%s (got %s)", key, value, p.rest())
		}
		return nil
	}
}

func (p *parser) value(key string) (string, error) {
	start := p.at
	if p.at < len(p.text) && p.text[p.at] == '"' {
		quoted, err := strconv.QuotedPrefix(p.text[p.at:])
		if err != nil {
			return "", p.fail(start, "must have a closing quote after %s (got %s)", key, p.rest())
		}
		p.at += len(quoted)
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return "", p.fail(start, "must be text in quotes (got %s)", quoted)
		}
		return value, nil
	}
	value := strings.TrimRight(p.take(`^[^,}"]+`), " \t")
	if value == "" {
		return "", p.fail(start, "must have a value for %s (got %s)", key, p.rest())
	}
	return value, nil
}

// set sets the field of a key; any other key is a compared dimension.
func (s *Selector) set(key, value string) {
	switch key {
	case "variant":
		s.Variant = value
	case "load":
		s.Load = value
	case "kind":
		s.Kind = value
	case "code":
		s.Code = value
	case "during":
		s.During = value
	default:
		if s.Settings == nil {
			s.Settings = map[string]string{}
		}
		s.Settings[key] = value
	}
}

func (p *parser) bound(g *Gate) error {
	p.space()
	start := p.at
	switch {
	case p.take(`^baseline\b`) != "":
		g.Bound.Reference = BaselineReference
	case p.take(`^@`) != "":
		if g.Bound.Reference = p.take(`^[A-Za-z0-9][A-Za-z0-9_./-]*`); g.Bound.Reference == "" {
			return p.fail(start, "must name a stored result after @, such as @main (got %s)", p.rest())
		}
	default:
		value, err := p.quantity(g.Metric, false)
		g.Bound.Value = value.number
		return err
	}
	p.space()
	sign := 1.0
	switch p.take(`^[-+]`) {
	case "":
		return nil
	case "-":
		sign = -1
	}
	p.space()
	delta, err := p.quantity(g.Metric, true)
	g.Bound.Value, g.Bound.Relative = sign*delta.number, delta.relative
	return err
}

// quantity is a number with its unit.
type quantity struct {
	number   float64
	relative bool
}

const numberForm = `([0-9]+(?:\.[0-9]*)?|\.[0-9]+)`

var (
	percentForm  = regexp.MustCompile(`^` + numberForm + `\s*%$`)
	pointsForm   = regexp.MustCompile(`^` + numberForm + `\s*(?:pp|points?)$`)
	rateForm     = regexp.MustCompile(`^` + numberForm + `\s*/(ms|s|m)$`)
	plainForm    = regexp.MustCompile(`^` + numberForm + `$`)
	durationForm = regexp.MustCompile(`^[0-9.]+(ns|us|µs|ms|s|m|h)`)
)

// quantity reads a value in the metric's unit. A delta to a reference may be a
// percentage of it as well; of a share, a delta is in points.
func (p *parser) quantity(m Metric, delta bool) (quantity, error) {
	p.space()
	start := p.at
	text := strings.TrimRight(p.take(`^[0-9.][^,{}]*`), " \t")
	unit := m.Unit()
	wrong := func() (quantity, error) {
		want := map[Unit]string{
			Duration: "a duration, such as 20ms", Share: "a share, such as 99%", PerSecond: "a rate, such as 900/s", Number: "a number, such as 1.5",
		}[unit]
		if delta {
			want = map[Unit]string{
				Duration: "a percentage or a duration, such as 5% or 2ms", Share: "points, such as 0.1pp",
				PerSecond: "a percentage or a rate, such as 5% or 10/s", Number: "a percentage or a number, such as 5% or 0.1",
			}[unit]
		}
		return quantity{}, p.fail(start, "must be %s for %s (got %s)", want, m, p.word(start))
	}
	number := func(form *regexp.Regexp) (float64, bool) {
		found := form.FindStringSubmatch(text)
		if found == nil {
			return 0, false
		}
		x, err := strconv.ParseFloat(found[1], 64)
		return x, err == nil && !math.IsInf(x, 0)
	}
	if x, ok := number(percentForm); ok {
		switch {
		case delta && unit != Share:
			return quantity{number: x / 100, relative: true}, nil
		case !delta && unit == Share:
			return quantity{number: x / 100}, nil
		}
		return wrong()
	}
	switch unit {
	case Share:
		if x, ok := number(pointsForm); ok && delta {
			return quantity{number: x / 100}, nil
		}
		if x, ok := number(plainForm); ok && !delta && x <= 1 {
			return quantity{number: x}, nil
		}
	case Duration:
		if durationForm.MatchString(text) {
			if d, err := time.ParseDuration(text); err == nil {
				return quantity{number: float64(d)}, nil
			}
		}
	case PerSecond:
		if x, ok := number(rateForm); ok {
			per := map[string]float64{"ms": 1000, "s": 1, "m": 1.0 / 60}[rateForm.FindStringSubmatch(text)[2]]
			return quantity{number: x * per}, nil
		}
	case Number:
		if x, ok := number(plainForm); ok {
			return quantity{number: x}, nil
		}
	}
	return wrong()
}
