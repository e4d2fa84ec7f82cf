package engine

import (
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
)

// TestSecondLog: what comes out is what went in, in every field.
func TestSecondLog(t *testing.T) {
	entries := []Entry{{Name: "reads"}, {Name: "lists"}}
	full := result.IntervalSeries{Name: "reads", Codes: map[string]int64{"OK": 7, "UNAVAILABLE": 1 << 40}, Spread: &result.Spread{First: 3, Counts: []int64{1, 0, 9}}}
	v := reflect.ValueOf(&full).Elem()
	for i := 0; i < v.NumField(); i++ {
		if f := v.Field(i); f.Kind() == reflect.Int64 {
			f.SetInt(int64(1000 + i))
		} else if f.IsZero() && v.Type().Field(i).Name != "Responses" { // which is nil ever after
			t.Fatalf("%s is not set: nothing is tested of it", v.Type().Field(i).Name)
		}
	}
	none := result.IntervalSeries{Name: "lists", Codes: map[string]int64{}}
	most := result.IntervalSeries{Name: "lists", Codes: map[string]int64{"": -1}, Planned: math.MaxInt64, InFlight: math.MinInt64}
	want := []result.Interval{
		{Second: 0, Series: []result.IntervalSeries{full, none}},
		{Second: 1, Series: []result.IntervalSeries{full, most}},
		{Second: 100_000, Series: []result.IntervalSeries{full, none}},
	}
	log := secondLog{entries: entries}
	for _, i := range want {
		log.add(i)
	}
	if diff := cmp.Diff(want, log.list(), cmp.AllowUnexported(result.IntervalSeries{})); diff != "" {
		t.Error(diff)
	}
}

// TestSecondLogIsSmall: hours of seconds are no burden.
func TestSecondLogIsSmall(t *testing.T) {
	counts := make([]int64, 30)
	for i := range counts {
		counts[i] = int64(i * 50)
	}
	log := secondLog{entries: []Entry{{Name: "reads"}}}
	for second := range 3600 {
		log.add(result.Interval{Second: second, Series: []result.IntervalSeries{{
			Name: "reads", Planned: 20_000, Dispatched: 20_000, OK: 20_000, InSLO: 20_000, Attempts: 20_000, InFlight: 50,
			P50NS: 2_123_456, P99NS: 9_876_543, Codes: map[string]int64{"OK": 20_000}, Spread: &result.Spread{First: 40, Counts: counts},
		}}})
	}
	if per := len(log.packed) / 3600; per > 150 {
		t.Errorf("%d bytes a second", per)
	}
}
