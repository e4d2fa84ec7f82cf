package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Our own gates let a machine be that is too busy to measure, and nothing else.
func TestOwnGates(t *testing.T) {
	gates, err := filepath.Abs("../../.ci/gates")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		run  int    // what grpcbench run ends with
		code string // of what makes the result INVALID or SUSPECT
		want int
	}{
		"passed":                {exitOK, "lag_p99", exitOK},
		"a gate failed":         {exitGate, "lag_p99", exitGate},
		"too busy":              {exitInvalid, "lag_p99", exitOK},
		"too busy to tell":      {exitInconclusive, "lag_p99", exitOK},
		"books do not add up":   {exitInvalid, "books_attempts", exitInvalid},
		"the fleet dies":        {exitInvalid, "fleet_died", exitInvalid},
		"the command is broken": {exitInternal, "lag_p99", exitInternal},
	} {
		// A `go build -o FILE` that makes a grpcbench which ends so.
		bin := t.TempDir()
		fake := fmt.Sprintf(`#!/bin/sh
cat >"$3" <<'END'
#!/bin/sh
while [ "$1" != --out ]; do shift; done
mkdir -p "$2"
echo '{"validity": {"reasons": [{"code": "%s"}]}}' | sed 's/{"code/\n"code/' >"$2/result.json"
exit %d
END
chmod +x "$3"
`, test.code, test.run)
		if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fake), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", gates)
		cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		got := exitOK
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got != test.want {
			t.Errorf("%s: ended with %d, want %d\n%s", name, got, test.want, out)
		}
	}
}

// make fuzz has every fuzz test, by its name and package.
func TestMakeFuzzesAll(t *testing.T) {
	const root = "../.."
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	fuzz := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	found := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		for _, m := range fuzz.FindAllStringSubmatch(string(text), -1) {
			found++
			line := regexp.MustCompile(fmt.Sprintf(`(?m)-fuzz '\^%s\$\$' .* \./%s$`, m[1], regexp.QuoteMeta(filepath.ToSlash(dir))))
			if !line.Match(makefile) {
				t.Errorf("make fuzz lacks %s of ./%s", m[1], filepath.ToSlash(dir))
			}
		}
		return err
	})
	if err != nil || found < 10 {
		t.Errorf("%d fuzz tests: %v", found, err)
	}
}
