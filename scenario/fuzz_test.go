package scenario

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Whatever is read, it ends in a plan that can be explained or in errors with
// messages.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/mistakes/*.yaml", "../scenarios/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, "client.pool.size=4", "fixed")
		}
	}
	f.Add(document("compare: {load.reads.rate: [1/s, 2/s], client.timeout: [1s]}"), "load.reads.slo=1s", "load.reads.rate=1/s")
	f.Add(document("compare: {client.pool.size: [1, 2]}"), "compare.client.pool.size=[3, 4]", "pool.size=3")
	f.Fuzz(func(t *testing.T, text []byte, set, only string) {
		for _, opts := range []Options{{}, {Set: []string{set}}, {Only: []string{only}}} {
			plan, err := Read("fuzz.yaml", text, opts)
			if err != nil {
				var all strict.Errors
				if !errors.As(err, &all) || len(all) == 0 {
					t.Fatalf("the error is %T: %v", err, err)
				}
				for _, e := range all {
					if e.Message == "" {
						t.Fatalf("no message: %+v", e)
					}
				}
				continue
			}
			if len(plan.Variants) == 0 || plan.Trials < 1 || plan.Base == nil {
				t.Fatalf("an empty plan: %+v", plan)
			}
			if err := Explain(io.Discard, plan, 80); err != nil {
				t.Fatal(err)
			}
			if plan.Trials <= 100 && len(plan.Blocks()) != plan.Trials {
				t.Fatal("a trial is missing")
			}
		}
	})
}
