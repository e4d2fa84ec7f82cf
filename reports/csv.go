package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// CSV writes tidy data: a row for each trial, load entry and metric, with the
// metric's unit beside it and a column for each compared dimension. Figures of
// a trial that belong to no load entry have an empty load. A value is empty
// where it is not known and inf where a quantile lands on a call that failed.
// Gates follow, of no trial: each case has a row with the unit passed, which is 1,
// 0, or empty where it cannot be told, and one with the figure that was judged.
// Text that a spreadsheet would take for a formula gets an apostrophe in front.
func CSV(w io.Writer, results []*result.Result, _ Options) error {
	out := csv.NewWriter(w)
	head := []string{"scenario", "run", "variant"}
	dimensions := dimensionNames(results)
	for _, d := range dimensions {
		head = append(head, cell("setting."+d))
	}
	head = append(head, "load", "trial", "block", "partial", "verdict", "state", "metric", "unit", "value")
	if err := out.Write(head); err != nil {
		return fmt.Errorf("writing the CSV: %w", err)
	}
	for _, r := range results {
		settings := map[string]map[string]string{}
		for i := range r.Variants {
			v := &r.Variants[i]
			settings[v.Name] = v.Settings
			begin := []string{cell(scenarioName(r)), r.Started.UTC().Format(time.RFC3339), cell(v.Name)}
			for _, d := range dimensions {
				begin = append(begin, cell(v.Settings[d]))
			}
			for j := range v.Trials {
				if err := csvTrial(out, begin, &v.Trials[j]); err != nil {
					return fmt.Errorf("writing the CSV: %w", err)
				}
			}
		}
		for _, g := range gateRows(r) {
			row := []string{cell(scenarioName(r)), r.Started.UTC().Format(time.RFC3339), cell(g.variant)}
			for _, d := range dimensions {
				row = append(row, cell(settings[g.variant][d]))
			}
			row = append(row, cell(g.load), "", "", strconv.FormatBool(r.Partial), cell(string(r.Validity.Verdict)), "")
			err := out.Write(append(row[:len(row):len(row)], cell("gate "+g.text), "passed", number(g.passed())))
			if err == nil && g.unit != "" {
				err = out.Write(append(row[:len(row):len(row)], cell("gate "+g.text), g.unit, number(g.figure)))
			}
			if err != nil {
				return fmt.Errorf("writing the CSV: %w", err)
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing the CSV: %w", err)
	}
	return nil
}

func csvTrial(out *csv.Writer, begin []string, t *result.Trial) error {
	rows := func(load string, metrics []metric) error {
		row := append(begin[:len(begin):len(begin)], cell(load), strconv.Itoa(t.Index), strconv.Itoa(t.Block),
			strconv.FormatBool(t.Partial), cell(string(t.Validity.Verdict)), cell(string(t.State)))
		for _, m := range metrics {
			if err := out.Write(append(row[:len(row):len(row)], cell(m.name), m.unit, number(m.value))); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range t.Series {
		s := &t.Series[i]
		if err := rows(s.Name, seriesMetrics(s)); err != nil {
			return err
		}
	}
	return rows("", trialMetrics(t))
}

// number writes a figure for machines: nothing where it is not known.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return ""
	case math.IsInf(v, 1):
		return "inf"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// cell makes text safe for a spreadsheet: on one line, and never a formula. A
// plain number is none, whatever its sign.
func cell(s string) string {
	s = clean(s)
	if s == "" || !strings.ContainsRune("=+-@", rune(s[0])) && strings.TrimLeft(s, " ") == s {
		return s
	}
	if trimmed := strings.TrimLeft(s, " "); trimmed == "" || !strings.ContainsRune("=+-@", rune(trimmed[0])) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s
	}
	return "'" + s
}
