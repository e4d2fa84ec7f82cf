//go:build e2e

package reports

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// Prometheus reads the text of any result: hostile names, figures that failed,
// two results at once.
func TestPromtool(t *testing.T) {
	for name, results := range map[string][]*result.Result{
		"charted": {charted(t)}, "hostile": {hostileEverywhere(t)}, "interrupted": {interrupted(t)}, "never": {never(t)},
		"two": {kinds(t), outage(t)},
	} {
		var text strings.Builder
		if err := OpenMetrics(&text, results, Options{}); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("promtool", "check", "metrics")
		cmd.Stdin = strings.NewReader(text.String())
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: promtool check metrics: %v\n%.2000s", name, err, out)
		}
		file := filepath.Join(t.TempDir(), "metrics.txt")
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("promtool", "tsdb", "create-blocks-from", "openmetrics", file, t.TempDir()).CombinedOutput(); err != nil && name != "never" {
			t.Errorf("%s: promtool tsdb create-blocks-from: %v\n%.2000s", name, err, out)
		}
	}
}
