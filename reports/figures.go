package reports

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// significant writes v with three significant digits and thousands separated:
// 0.412, 41.2, 109, 12,300.
func significant(v float64) string { return digits(v, 3) }

// digits is significant with so many of them.
func digits(v float64, n int) string {
	if v == 0 {
		return "0"
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	// The exponent of the rounded figure: 9.996 is 10.0, not 10.00.
	text := strconv.FormatFloat(math.Abs(v), 'e', n-1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	rounded, _ := strconv.ParseFloat(text, 64)
	return sign(v) + separated(rounded, max(0, n-1-exponent))
}

func sign(v float64) string {
	if v < 0 {
		return "−"
	}
	return ""
}

// separated writes v ≥ 0 with that many decimals and commas between thousands.
func separated(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// count writes a number of things: 1,800,000.
func count(n int64) string {
	if n < 0 {
		return "−" + count(-n)
	}
	return separated(float64(n), 0)
}

// plural is "1 call", "2 calls".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(int64(n)) + " " + noun + "s"
}

// unit is a unit of time for a column.
type unit struct {
	name string
	ns   float64
}

// unitFor picks the unit in which all the times read well: ms, unless all are
// below one or all are a second or more.
func unitFor(ns []float64) unit {
	low, high := math.Inf(1), 0.0
	for _, v := range ns {
		if v > 0 && !math.IsInf(v, 0) && !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	switch {
	case high > 0 && high < float64(time.Millisecond):
		return unit{"µs", float64(time.Microsecond)}
	case high > 0 && low >= float64(time.Second):
		return unit{"s", float64(time.Second)}
	}
	return unit{"ms", float64(time.Millisecond)}
}

// duration writes one time with its own unit: 41.2 ms.
func duration(ns float64) string { return durationTo(ns, 3) }

// durationTo is duration with so many significant digits.
func durationTo(ns float64, n int) string {
	u := unitFor([]float64{ns})
	return digits(ns/u.ns, n) + " " + u.name
}

// setting writes a time as a document would say it: 200 ms, 1.5 s, 2 min.
func setting(ns int64) string {
	d := time.Duration(ns)
	switch {
	case d >= 2*time.Minute && d%time.Minute == 0:
		return count(int64(d/time.Minute)) + " min"
	case d >= time.Second:
		return trimmed(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return trimmed(float64(d)/1e6) + " ms"
	}
	return trimmed(float64(d)/1e3) + " µs"
}

// trimmed writes at most three decimals, and no more than are needed.
func trimmed(v float64) string { return trimmedTo(v, 3) }

// trimmedTo is trimmed with at most so many.
func trimmedTo(v float64, decimals int) string {
	text := separated(math.Abs(v), decimals)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	return sign(v) + text
}

// rate writes calls a second: 1,500/s, 0.25/s.
func rate(perS float64) string { return rateTo(perS, 0) }

// rateTo is rate with so many more digits.
func rateTo(perS float64, more int) string {
	text := separated(perS, more)
	switch {
	case perS < 10:
		text = digits(perS, 3+more)
	case perS < 100:
		text = separated(perS, 1+more)
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + "/s"
}

// tellingApart is how many more digits it takes, six at most, to write no value like
// nothing at all, or like a limit that it is not.
func tellingApart(write func(v float64, more int) string, limit float64, values ...float64) int {
	alike := func(more int) bool {
		for _, v := range append(values, limit) {
			for _, other := range []float64{0, limit} {
				if v != other && write(v, more) == write(other, more) {
					return true
				}
			}
		}
		return false
	}
	more := 0
	for more < 6 && alike(more) {
		more++
	}
	return more
}

// percent writes a share with two decimals, no sign: 99.95. What is not quite
// all, or not quite nothing, never looks like it.
func percent(share float64) string {
	p := share * 100
	switch {
	case p < 100 && p > 99.99:
		p = 99.99
	case p > 0 && p < 0.01:
		p = 0.01
	}
	return strconv.FormatFloat(p, 'f', 2, 64)
}

// points writes the difference of two shares: +2.64.
func points(difference float64) string {
	return signed(difference*100, 2)
}

// signed writes v with its sign and that many decimals; no sign on zero.
func signed(v float64, decimals int) string {
	text := separated(math.Abs(v), decimals)
	if strings.Trim(text, "0.,") == "" {
		return text
	}
	if v < 0 {
		return "−" + text
	}
	return "+" + text
}

// size writes bytes: 512 B, 1 KiB, 1.5 MiB.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return trimmed(float64(bytes)/(1<<20)) + " MiB"
	case bytes >= 1<<10:
		return trimmed(float64(bytes)/(1<<10)) + " KiB"
	}
	return count(bytes) + " B"
}

// span writes two figures of the same kind as one, or as a range.
func span(low, high string) string {
	if low == high {
		return low
	}
	return low + "–" + high
}
