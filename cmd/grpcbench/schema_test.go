package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result/schematest"
)

// TestRunsAreAsTheSchemaSays: what the commands leave is as the schema says that
// they print, and that the documentation has.
func TestRunsAreAsTheSchemaSays(t *testing.T) {
	code, stdout, stderr := command(t, "schema", "--result")
	published, err := os.ReadFile("../../docs/result.schema.json")
	if code != exitOK || stderr != "" || err != nil || stdout != string(published) {
		t.Errorf("code %d, stderr %q, %v: it is not docs/result.schema.json", code, stderr, err)
	}
	schema := schematest.Schema(t)
	for name, args := range map[string][]string{
		"run": {"run", smallScenario(t), "--gate", "p99{variant=immediate} < 1s", "--gate", "errors <= baseline + 1pp", "--inconclusive=pass"},
		"faults": {"run", "../../scenarios/outage.yaml", "--set", "fleet.isolation=inprocess", "--set", "trials=1", "--set", "warmup=200ms",
			"--set", "measure=1500ms", "--set", "fleet.faults.outage.at=300ms", "--set", "fleet.faults.outage.for=400ms"},
		"capacity": {"capacity", smallScenario(t), "--only", "immediate", "--slo", "p99 < 50ms", "--measure", "2s", "--max-rate", "1000/s"},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			if code, _, stderr := inVirtualTime(t, append(args, "--out", out)...); code != exitOK {
				t.Fatalf("code %d: %s", code, stderr)
			}
			text, err := os.ReadFile(filepath.Join(out, resultName))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte(`"`+map[string]string{"run": "gates", "faults": "at_ns", "capacity": "capacity"}[name]+`"`)) {
				t.Error("it has not what the test is about")
			}
			schematest.Check(t, schema, text)
		})
	}
}
