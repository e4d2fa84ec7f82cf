package exposition

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// TextType is the media type of Text.
const TextType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

// Text writes OpenMetrics 1.0 text, which is Prometheus text as well. It has
// classic histograms only: there is no text form of native ones. With times each
// sample has that of its At; who scrapes what is under way wants none. Families
// without samples are left out.
func Text(w io.Writer, families []Family, times bool) error {
	var b strings.Builder
	for _, f := range families {
		if len(f.Samples) == 0 {
			continue
		}
		kind := f.Kind
		if kind == Count {
			kind = Gauge
		}
		b.WriteString("# HELP " + f.Name + " " + f.Help + "\n# TYPE " + f.Name + " " + string(kind) + "\n")
		if f.Unit != "" {
			b.WriteString("# UNIT " + f.Name + " " + f.Unit + "\n")
		}
		for i := range f.Samples {
			f.text(&b, &f.Samples[i], times)
		}
	}
	b.WriteString("# EOF\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the metrics: %w", err)
	}
	return nil
}

func (f *Family) text(b *strings.Builder, s *Sample, times bool) {
	var labels strings.Builder
	for i, l := range s.Labels {
		if i > 0 {
			labels.WriteByte(',')
		}
		labels.WriteString(label(l.Name, l.Value))
	}
	line := func(suffix, more string, value float64) {
		text := labels.String()
		if more != "" {
			if text != "" {
				text += ","
			}
			text += more
		}
		b.WriteString(f.Name + suffix)
		if text != "" {
			b.WriteString("{" + text + "}")
		}
		b.WriteString(" " + number(value))
		if times {
			// Whole seconds: there are readers that take a fraction for an error.
			b.WriteString(" " + strconv.FormatInt(max(0, s.At.Unix()), 10))
		}
		b.WriteByte('\n')
	}
	h := s.Histogram
	if h == nil {
		line("", "", s.Value)
		return
	}
	for i, edge := range Edges() {
		line("_bucket", label("le", number(edge)), float64(h.Below[i]))
	}
	line("_bucket", label("le", "+Inf"), float64(h.Count))
	line("_sum", "", h.Sum)
	line("_count", "", float64(h.Count))
}

func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func label(name, value string) string { return name + `="` + escapes.Replace(value) + `"` }
