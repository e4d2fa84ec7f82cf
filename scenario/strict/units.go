package strict

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The ways that numbers are written. Leading zeros are refused everywhere:
// other YAML readers take 010 for 8.
const (
	wholeDigits   = `(0|[1-9][0-9]*)`
	decimalDigits = `((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)`
	durationForm  = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`
)

var (
	wholeNumber   = regexp.MustCompile(`^[-+]?` + wholeDigits + `$`)
	decimalNumber = regexp.MustCompile(`^[-+]?` + decimalDigits + `([eE][-+]?[0-9]+)?$`)
	durationText  = regexp.MustCompile(durationForm)
	measured      = regexp.MustCompile(`^([-+]?` + decimalDigits + `) ?([A-Za-z%/]*)$`)
	leadingZero   = regexp.MustCompile(`^[-+]?0[0-9]`)
)

// sizeUnit is a unit of unit:"bytes".
type sizeUnit struct {
	name  string
	bytes int64
}

func sizeUnits() []sizeUnit {
	return []sizeUnit{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
}

const (
	wantDuration = "a duration such as 250ms"
	wantBytes    = "a size such as 512B, 1KiB or 4MiB"
	wantShare    = "a share such as 10% or 0.1"
	wantRate     = "a rate such as 900/s, 2/ms or 60/m"
	wantPercent  = "a share such as 60%"
	wantWhole    = "a whole number"
	wantNumber   = "a number"

	wantBandwidth = "bytes a second such as 1MiB/s, or bits such as 100Mbit/s"
)

// mistake is what is wrong with a text; "" is nothing.
type mistake string

func wrong(format string, args ...any) mistake { return mistake(fmt.Sprintf(format, args...)) }

func parseDuration(text, got string) (time.Duration, mistake) {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return d, ""
	case durationText.MatchString(text):
		return 0, wrong("is out of range: a duration is at most 2562047h (got %s)", got)
	default:
		return 0, wrong("must be %s (got %s)", wantDuration, got)
	}
}

// parseBytes reads 4MiB, 1.5KiB, 512B or 512.
func parseBytes(text, got string) (int64, mistake) {
	m := measured.FindStringSubmatch(text)
	if m == nil {
		return 0, wrong("must be %s (got %s)%s", wantBytes, got, zeroHint(text))
	}
	number, unit := m[1], m[len(m)-1]
	factor, near := int64(0), ""
	for _, u := range sizeUnits() {
		if u.name == unit {
			factor = u.bytes
		}
		// 4mib, or 4m as some tools have it.
		if near == "" && unit != "" && (strings.EqualFold(u.name, unit) || strings.EqualFold(u.name, unit+"iB")) {
			near = ", did you mean " + number + u.name + "?"
		}
	}
	if factor == 0 {
		return 0, wrong("must be %s (got %s)%s", wantBytes, got, near)
	}
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, wrong("must be %s (got %s)", wantBytes, got)
	}
	exact.Mul(exact, new(big.Rat).SetInt64(factor))
	switch {
	case exact.Sign() < 0:
		return 0, wrong("must be >= 0 (got %s)", got)
	case !exact.IsInt():
		return 0, wrong("must be a whole number of bytes (got %s)", got)
	case !exact.Num().IsInt64():
		return 0, wrong("is out of range: at most %d bytes (got %s)", int64(math.MaxInt64), got)
	}
	return exact.Num().Int64(), ""
}

// parseShare reads 10% or 0.1 as 0.1.
func parseShare(text, got string) (float64, mistake) {
	number, percent := strings.CutSuffix(text, "%")
	number = strings.TrimRight(number, " ")
	if !decimalNumber.MatchString(number) {
		return 0, wrong("must be %s (got %s)%s", wantShare, got, zeroHint(text))
	}
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err == nil && percent && f >= 0 && f <= 100:
		return f / 100, ""
	case err == nil && !percent && f >= 0 && f <= 1:
		return f, ""
	case err == nil && !percent && f > 1 && f <= 100:
		return 0, wrong("must be between 0%% and 100%%, or 0 and 1 (got %s), did you mean %s%%?", got, number)
	default:
		return 0, wrong("must be between 0%% and 100%%, or 0 and 1 (got %s)", got)
	}
}

// parseRate reads 900/s, 1/ms or 60/m as a number per second.
func parseRate(text, got, want string) (float64, mistake) {
	number, per, _ := strings.Cut(text, "/")
	number = strings.TrimSpace(number)
	factor, known := map[string]float64{"s": 1, "ms": 1000, "m": 1.0 / 60}[strings.TrimSpace(per)]
	if !known || !decimalNumber.MatchString(number) {
		near := ""
		if per == "" && decimalNumber.MatchString(number) {
			near = ", did you mean " + number + "/s?"
		}
		return 0, wrong("must be %s (got %s)%s%s", want, got, near, zeroHint(text))
	}
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || math.IsInf(f*factor, 0):
		return 0, wrong("is out of range (got %s)", got)
	case f < 0:
		return 0, wrong("must be >= 0 (got %s)", got)
	}
	return f * factor, ""
}

// parsePercent reads 60% as 0.6. There may be more than 100%.
func parsePercent(text, got string) (float64, mistake) {
	number, percent := strings.CutSuffix(text, "%")
	number = strings.TrimRight(number, " ")
	if !percent || !decimalNumber.MatchString(number) {
		return 0, wrong("must be %s (got %s)%s", wantPercent, got, zeroHint(text))
	}
	f, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil:
		return 0, wrong("is out of range (got %s)", got)
	case f < 0:
		return 0, wrong("must be >= 0%% (got %s)", got)
	}
	return f / 100, ""
}

// parseBandwidth reads 1MiB/s or 100Mbit/s as bytes per second.
func parseBandwidth(text, got string) (float64, mistake) {
	size, perSecond := strings.CutSuffix(text, "/s")
	if !perSecond {
		near := ""
		if _, m := parseBytes(text, got); m == "" && strings.ContainsAny(text, "Bb") {
			near = ", did you mean " + text + "/s?"
		}
		return 0, wrong("must be %s (got %s)%s", wantBandwidth, got, near)
	}
	if number, bits := strings.CutSuffix(size, "bit"); bits {
		m := measured.FindStringSubmatch(number)
		if m != nil {
			factor, known := map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[m[len(m)-1]]
			if f, err := strconv.ParseFloat(m[1], 64); known && err == nil && f >= 0 {
				return f * factor / 8, ""
			}
		}
		return 0, wrong("must be %s (got %s)", wantBandwidth, got)
	}
	b, m := parseBytes(size, got)
	if m != "" {
		return 0, wrong("must be %s (got %s)", wantBandwidth, got)
	}
	return float64(b), ""
}

func parseInt(text, got, want string, bits int) (int64, mistake) {
	if !wholeNumber.MatchString(text) {
		return 0, wrong("must be %s (got %s)%s", want, got, zeroHint(text))
	}
	i, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, wrong("is out of range: must be from %d to %d (got %s)", int64(-1)<<(bits-1), int64(1)<<(bits-1)-1, got)
	}
	return i, ""
}

func parseUint(text, got string, bits int) (uint64, mistake) {
	if !wholeNumber.MatchString(text) {
		return 0, wrong("must be %s (got %s)%s", wantWhole, got, zeroHint(text))
	}
	u, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, bits)
	switch {
	case err == nil || text == "-0":
		return u, ""
	case strings.HasPrefix(text, "-"):
		return 0, wrong("must be >= 0 (got %s)", got)
	default:
		return 0, wrong("is out of range: must be from 0 to %d (got %s)", uint64(math.MaxUint64)>>(64-bits), got)
	}
}

func parseFloat(text, got string, bits int) (float64, mistake) {
	if !decimalNumber.MatchString(text) {
		return 0, wrong("must be %s (got %s)%s", wantNumber, got, zeroHint(text))
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return 0, wrong("is out of range (got %s)", got)
	}
	return f, ""
}

// zeroHint explains why 010 is refused.
func zeroHint(text string) string {
	if !leadingZero.MatchString(text) {
		return ""
	}
	return ": leave out leading zeros, other YAML readers take such numbers for octal"
}

// parseCode reads a gRPC status code as gRPC writes it.
func parseCode(text, got string) (int, mistake) {
	names := codeNames()
	for i, name := range names {
		if name == text {
			return i, ""
		}
	}
	return 0, wrong("must be a status code such as UNAVAILABLE (got %s)%s", got, hint(text, names))
}

// codeNames are the status codes in the order of their numbers.
func codeNames() []string {
	return []string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
}

// Rate reads a rate as documents write it, 900/s, 1/ms or 60/m, as a number per
// second.
func Rate(text string) (float64, error) {
	f, m := parseRate(text, strconv.Quote(text), wantRate)
	if m != "" {
		return 0, errors.New(string(m))
	}
	return f, nil
}
