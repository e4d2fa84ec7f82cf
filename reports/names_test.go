package reports

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/history"
	"github.com/grpcbench/grpcbench/reports/result"
)

// sixteen compares 16 variants of four settings with long names, of which any two
// differ at one end, or in the middle only.
func sixteen(t testing.TB) *result.Result {
	r := base()
	r.Scenario.Name, r.Scenario.File = "long", "long.yaml"
	dimensions := []struct {
		name   string
		values [2]string
	}{
		{"retry.backoff", [2]string{"exponential_full_jitter", "exponential_equal_jitter"}},
		{"balance", [2]string{"outlier_detection_round_robin", "outlier_detection_least_request"}},
		{"pool.pick_channel_by", [2]string{"least_in_flight_exact_counts", "least_in_flight_two_choices"}},
		{"deadlines", [2]string{"the_team_s_own_deadlines_50ms", "the_team_s_own_deadlines_80ms"}},
	}
	for _, d := range dimensions {
		r.Scenario.Dimensions = append(r.Scenario.Dimensions, result.Dimension{Name: d.name, Values: d.values[:], Baseline: d.values[0]})
	}
	for i := range 16 {
		v := result.Variant{Settings: map[string]string{}, Loads: []result.Load{{
			Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, Arrivals: "poisson", RatePerS: 100, SLONS: 200e6,
		}}}
		var parts []string
		for j, d := range dimensions {
			value := d.values[i>>(3-j)&1]
			v.Settings[d.name] = value
			parts = append(parts, d.name+"="+value)
		}
		v.Name = strings.Join(parts, ",")
		s := shape{rate: 100, seconds: 10, p50: 2 * time.Millisecond, p99: time.Duration(10+i) * time.Millisecond, attempts: 1}
		v.Trials = s.trials(t, 11, getUser)
		r.Variants = append(r.Variants, v)
	}
	return r
}

// However narrow the terminal and however long the names, no two rows look alike.
func TestRowsCanBeToldApart(t *testing.T) {
	more := sixteen(t)
	// A fifth setting, for which there is no column of its own any more.
	more.Scenario.Dimensions = append(more.Scenario.Dimensions, result.Dimension{Name: "tls", Values: []string{"no"}, Baseline: "no"})
	for i := range more.Variants {
		more.Variants[i].Settings["tls"] = "no"
		if i == 15 {
			more.Variants[i].Settings["tls"] = "yes"
		}
	}
	figures := regexp.MustCompile(`  +[0-9.,]+( .*)?$`)
	for name, r := range map[string]*result.Result{"four settings": sixteen(t), "five settings": more} {
		for _, columns := range []int{80, 100, 120} {
			text := render(t, Table, r, Options{Columns: columns})
			rules := strings.Split(text, "──\n")
			seen := map[string]bool{}
			for line := range strings.Lines(rules[2]) {
				if strings.HasPrefix(line, "──") {
					break
				}
				settings := figures.ReplaceAllString(strings.TrimRight(line, "\n"), "")
				if seen[settings] {
					t.Errorf("%s at %d columns: two rows are %q:\n%s", name, columns, settings, text)
					break
				}
				seen[settings] = true
			}
			if len(seen) != 16 {
				t.Errorf("%s at %d columns: %d rows are told apart:\n%s", name, columns, len(seen), text)
			}
		}
		labels := map[string]bool{}
		for _, row := range tablesOf(r)[0].rows {
			if labels[row.label] || width(row.label) > longestName {
				t.Errorf("%s: two rows are called %q", name, row.label)
			}
			labels[row.label] = true
		}
	}
}

// Variants with long names are told apart in gates, in the table of the capacity and
// in the trend.
func TestLongNamesAreToldApart(t *testing.T) {
	r := sixteen(t)
	g := result.Gate{Text: "p99 < 1ms", Outcome: result.GateFailed, Metric: "p99", Unit: "ns", Op: "<", Limit: 1e6}
	var entry history.Entry
	for i := range r.Variants {
		name := r.Variants[i].Name
		figure := float64(20e6)
		g.Cases = append(g.Cases, result.GateCase{Variant: name, Load: "reads", Outcome: result.GateFailed, Figure: &figure})
		entry.Figures = append(entry.Figures, history.Figure{Variant: name, Load: "reads", Metric: "p99", Unit: "ns", Value: &figure})
	}
	different := func(what string, lines []string) {
		t.Helper()
		seen := map[string]bool{}
		for _, line := range lines {
			if seen[line] {
				t.Errorf("%s: %q stands for two variants", what, line)
			}
			seen[line] = true
		}
	}
	r.Gates = []result.Gate{g}
	different("the gate", gateTexts(r)[0].cases)

	r.Capacity = &result.Capacity{SLO: []string{"p99 < 20ms"}, Trials: 3}
	var labels []string
	for i := range r.Variants {
		r.Capacity.Variants = append(r.Capacity.Variants, result.CapacityVariant{Variant: r.Variants[i].Name})
	}
	for _, row := range newCapacity(r).rows {
		labels = append(labels, row.label)
	}
	different("the capacity", labels)

	var out bytes.Buffer
	if err := Trend(&out, history.Groups([]history.Entry{entry}), Options{Columns: 80}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out.String()) {
		if name, _, ok := strings.Cut(line, "  "); ok && strings.Contains(line, "p99") {
			names = append(names, name)
		}
	}
	if len(names) != 16 {
		t.Errorf("%d series in the trend:\n%s", len(names), &out)
	}
	different("the trend", names)
}

// The names of files are no longer than file systems allow, and differ.
func TestPartsHaveNamesOfFiles(t *testing.T) {
	r := sixteen(t)
	more := strings.Repeat("a_long_name_of_something.", 10)
	r.Scenario.Dimensions = append(r.Scenario.Dimensions, result.Dimension{Name: "condition", Values: []string{more}})
	for i := range r.Variants {
		v := &r.Variants[i]
		v.Name = more + v.Name + "," + more
		v.Settings["condition"] = more
		v.Loads = append(v.Loads, result.Load{Name: more})
		v.Trials = evenly(t, v.Trials[:2])
	}
	for _, f := range Formats() {
		if f.Parts == nil {
			continue
		}
		parts, err := f.Parts(r, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == "svg" && !slices.ContainsFunc(parts, func(p Part) bool { return strings.Contains(p.Name, "heatmap.") }) {
			t.Error("there are no heatmaps")
		}
		seen := map[string]bool{}
		for _, part := range parts {
			if len(part.Name)+len(f.Extension) > 255 || seen[part.Name] {
				t.Errorf("%s: %d bytes, again %v: %s", f.Name, len(part.Name), seen[part.Name], part.Name)
			}
			seen[part.Name] = true
		}
	}
}

// Values of a condition that differ beyond the width of a heading have a table each:
// rows of one would be compared with the baseline of the other.
func TestConditionsWithLongValues(t *testing.T) {
	r := base()
	r.Scenario.Dimensions = []result.Dimension{
		{Name: "fleet.service_time", Values: []string{"{lognormal: {p50: 2ms, p99: 12ms}}", "{lognormal: {p50: 2ms, p99: 40ms}}"}},
		{Name: "policy", Values: []string{"a", "b"}, Baseline: "a"},
	}
	p99 := map[string]time.Duration{"00": 10, "01": 20, "10": 100, "11": 50} // ms
	for i, work := range r.Scenario.Dimensions[0].Values {
		for j, policy := range r.Scenario.Dimensions[1].Values {
			s := shape{rate: 100, seconds: 10, p50: 2 * time.Millisecond, p99: p99[fmt.Sprint(i)+fmt.Sprint(j)] * time.Millisecond, attempts: 1}
			r.Variants = append(r.Variants, result.Variant{
				Name: "fleet.service_time=" + work + ",policy=" + policy, Settings: map[string]string{"fleet.service_time": work, "policy": policy},
				Loads:  []result.Load{{Name: "reads", Method: getUser.Method, Kind: result.Unary, Loop: result.Open, RatePerS: 100, SLONS: 1e9}},
				Trials: s.trials(t, 7, getUser),
			})
		}
	}
	tables := tablesOf(r)
	if len(tables) != 2 {
		t.Fatalf("%d tables, want one for each service time", len(tables))
	}
	for i, want := range []float64{2, 0.5} {
		table := &tables[i]
		if len(table.rows) != 2 || table.rows[1].change == nil {
			t.Fatalf("table %d has %d rows", i, len(table.rows))
		}
		if got := table.rows[1].change.Estimate; got < want*0.95 || got > want*1.05 {
			t.Errorf("table %d: b is %.2f times a, want %v", i, got, want)
		}
	}
	if a, b := tables[0].conditions[0], tables[1].conditions[0]; a == b || width(a) > longestName || width(b) > longestName {
		t.Errorf("the tables are at %q and at %q", a, b)
	}
}
