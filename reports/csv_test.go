package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

func TestCSV(t *testing.T) {
	r := interrupted(t)
	rows := readCSV(t, render(t, formatNamed("csv").Render, r, Options{}))
	at := func(row map[string]string, keys ...string) string {
		var out []string
		for _, k := range keys {
			out = append(out, row[k])
		}
		return strings.Join(out, "|")
	}
	seen := map[string]string{}
	for _, row := range rows {
		key := at(row, "variant", "load", "trial", "metric")
		if _, twice := seen[key]; twice {
			t.Errorf("two rows of %s", key)
		}
		seen[key] = row["value"] + " " + row["unit"]
		if row["setting.backoff"] == "" || row["scenario"] != "backoffs" || row["run"] != "2026-03-01T12:00:00Z" {
			t.Fatalf("row %v", row)
		}
		if row["value"] != "" && row["value"] != "inf" {
			if _, err := strconv.ParseFloat(row["value"], 64); err != nil {
				t.Errorf("%s: value %q", key, row["value"])
			}
		}
	}
	s := &r.Variants[0].Trials[4].Series[0]
	for key, want := range map[string]string{
		"backoff=none|reads|4|planned":                   fmt.Sprint(s.Planned, " calls"),
		"backoff=none|reads|4|code.UNAVAILABLE":          fmt.Sprint(s.Codes["UNAVAILABLE"], " calls"),
		"backoff=none|reads|4|response.p50":              fmt.Sprint(float64(*s.Latency[result.Response].P50NS)/1e6, " ms"),
		"backoff=none|reads|4|response.p99":              "inf ms", // it lands on a failed call
		"backoff=immediate|reads|0|response.p50":         "inf ms", // every call failed
		"backoff=fixed|reads|3|response.p99.9":           " ms",    // 500 calls are too few
		"backoff=fixed|reads|3|response.count":           "500 values",
		"backoff=none||4|client.cpu":                     fmt.Sprint(float64(r.Variants[0].Trials[4].Client.CPUNS)/1e9, " s"),
		"backoff=none||4|measured":                       "20 s",
		"backoff=none|reads|0|failed":                    "0.0497 share",
		"backoff=none|reads|0|origin.transport":          "497 calls",
		"backoff=none|reads|0|response.min":              seen["backoff=none|reads|0|response.min"],
		"backoff=none||0|service_time.actual_over_asked": "1.01 ratio",
	} {
		if got, there := seen[key]; !there || got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	// Results of one scenario stand below one head; dimensions of another are
	// columns beside them.
	both := readCSV(t, render(t, func(w io.Writer, r *result.Result, o Options) error {
		return CSV(w, []*result.Result{r, kinds(t)}, o)
	}, r, Options{}))
	first, last := both[0], both[len(both)-1]
	if first["setting.client.pool.size"] != "" || last["setting.client.pool.size"] != "4" || last["setting.backoff"] != "" || last["scenario"] != "pool-sizes" {
		t.Errorf("two results: %v … %v", first, last)
	}
}

func readCSV(t *testing.T, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, head := range all[0] {
			row[head] = cells[i]
		}
		out = append(out, row)
	}
	return out
}

func formatNamed(name string) Format {
	for _, f := range quickFormats() {
		if f.Name == name {
			return f
		}
	}
	panic("no format " + name)
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)",
		"-3": "-3", "+1.5e3": "+1.5e3", "\t=1": "' =1", "  =1": "'  =1", "a=b": "a=b", "\r\n@x": "'  @x", "-": "'-", " x": " x",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}
