package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/secret"
)

func TestReference(t *testing.T) {
	t.Setenv("GRPCBENCH_TEST_SECRET", "hunter2")
	t.Setenv("GRPCBENCH_TEST_EMPTY", "")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("filed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"${GRPCBENCH_TEST_SECRET}": "hunter2", "${file:" + file + "}": "filed"} {
		var r secret.Reference
		if err := r.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if value, err := r.Reveal(); value != want || err != nil {
			t.Errorf("%q, %v", value, err)
		}
		if printed, _ := r.MarshalText(); string(printed) != text {
			t.Errorf("printed as %s", printed)
		}
	}
	for text, want := range map[secret.Reference]string{
		"${GRPCBENCH_TEST_NONE}":  "GRPCBENCH_TEST_NONE is not set",
		"${GRPCBENCH_TEST_EMPTY}": "${GRPCBENCH_TEST_EMPTY}: is empty",
		"${file:/no/such}":        "no such file",
	} {
		if _, err := text.Reveal(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, bad := range []string{"", "x", "$X", "${}", "${1X}", "${X", "${X} ", "${A-B}", "${A}${B}"} {
		var r secret.Reference
		if err := r.UnmarshalText([]byte(bad)); err == nil || bad != "" && strings.Contains(err.Error(), "1X") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Files are named from a folder, and nothing else changes.
func TestFrom(t *testing.T) {
	for text, want := range map[string]string{
		"a ${file:b/c} $5": "a ${file:/etc/b/c} $5",
		"${file:/b}${X}":   "${file:/b}${X}",
		"":                 "",
	} {
		if got := secret.From("/etc", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
