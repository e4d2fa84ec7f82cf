package strict

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// twoWays has fields that are written in one of two ways.
type twoWays struct {
	Inner twoWaysInner `yaml:",inline"`
	Rate  float64      `yaml:"rate" unit:"rate" or:"Part" doc:"how often"`
	Part  float64      `yaml:"-" unit:"percent"`
	Speed float64      `yaml:"speed" unit:"bandwidth"`
}

type twoWaysInner struct {
	Count int          `yaml:"count" or:"Each"`
	Each  []twoWaysOne `yaml:"-"`
}

type twoWaysOne struct {
	Size int64 `yaml:"size" unit:"bytes"`
}

func TestFieldsWrittenInTwoWays(t *testing.T) {
	for text, want := range map[string]string{
		"count: 3":                      "3 [] 0 0 0",
		"count: [{size: 1KiB}, {}]":     "2 [{1024} {0}] 0 0 0",
		"count: []":                     "0 [] 0 0 0",
		"rate: 90/s":                    "0 [] 90 0 0",
		"rate: 60%":                     "0 [] 0 0.6 0",
		"rate: 150 %":                   "0 [] 0 1.5 0",
		"rate: -5%":                     "rate: must be >= 0% (got -5%)",
		"rate: half%":                   "rate: must be a share such as 60% (got half%)",
		"rate: 60":                      "rate: must be a rate such as 900/s, 2/ms or 60/m, or a share such as 60% (got 60), did you mean 60/s?",
		"count: many":                   "count: must be a whole number, or a list, in [ ] or with a - before each item (got many)",
		"count: [{sise: 1}]":            "count[0].sise: unknown key, did you mean size?",
		"speed: 1MiB/s":                 "0 [] 0 0 1.048576e+06",
		"speed: 100Mbit/s":              "0 [] 0 0 1.25e+07",
		"speed: 56 kbit/s":              "0 [] 0 0 7000",
		"speed: 500/s":                  "0 [] 0 0 500",
		"speed: 1.5kB/s":                "0 [] 0 0 1500",
		"speed: 100Mb/s":                "speed: must be bytes a second such as 1MiB/s, or bits such as 100Mbit/s (got 100Mb/s)",
		"speed: 5Tbit/s":                "speed: must be bytes a second such as 1MiB/s, or bits such as 100Mbit/s (got 5Tbit/s)",
		"speed: 1MiB":                   "speed: must be bytes a second such as 1MiB/s, or bits such as 100Mbit/s (got 1MiB), did you mean 1MiB/s?",
		"count: [{}]\nrate: 5%":         "1 [{0}] 0 0.05 0",
		"count: [{size: 3}, {size: 4}]": "2 [{3} {4}] 0 0 0",
	} {
		doc, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var v twoWays
		got := ""
		if err := Decode(doc, nil, &v); err != nil {
			_, got, _ = strings.Cut(strings.Split(err.Error(), "\n")[0], ": ")
		} else {
			got = fmt.Sprint(v.Inner.Count, v.Inner.Each, v.Rate, v.Part, v.Speed)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	schema, err := json.Marshal(Schema(twoWays{})["properties"].(map[string]any)["rate"])
	if err != nil || !strings.Contains(string(schema), "anyOf") || !strings.Contains(string(schema), "how often") {
		t.Errorf("the schema of rate: %s, %v", schema, err)
	}
}
