package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

// TestImportRules keeps the house's import rules: which of our packages may
// import which. Tests' imports are free.
func TestImportRules(t *testing.T) {
	const module = "github.com/grpcbench/grpcbench/"
	rules := []struct {
		from string   // package, or folder with /...
		may  []string // our packages that it may import, beside those below itself
	}{
		{"clientcore/...", []string{"clientcore/..."}},
		{"fakeserver/...", []string{"fakeserver/..."}},
		{"reports/result", nil},
		{"reports/result/schematest", []string{"reports/result"}},
		{"reports/stats", []string{"reports/result"}},
		{"reports/plot", nil},
		{"reports/shorten", nil},
		{"reports", []string{"reports/..."}},
		{"reports/live", []string{"reports", "reports/result", "reports/exposition", "reports/otlp"}},
		{"reports/otlp", []string{"reports/exposition"}},
		{"reports/exposition", []string{"reports/result"}},
		{"reports/history", []string{"reports/result", "reports/stats"}},
		{"reports/gate", []string{"reports/result", "reports/stats"}},
		{"reports/plot", []string{"reports/result", "reports/stats"}},
		{"scenario/strict", []string{"scenario/secret"}},
		{"scenario/secret", nil},
		{"scenario/clientyaml", []string{"clientcore/...", "scenario/strict", "scenario/secret"}},
		{"scenario/export", []string{"clientcore/...", "scenario/clientyaml", "scenario/secret"}},
		{"scenario/load", nil},
		{"scenario/message", []string{"scenario/strict", "scenario/load"}},
		{"scenario/capacity", nil},
		{"scenario/engine", []string{"scenario/load", "reports/result"}},
		{"scenario/descriptor", []string{"scenario/strict", "scenario/plain"}},
		{"scenario/expect", []string{"scenario/strict"}},
		{"scenario/dial", []string{"clientcore/...", "scenario/plain"}},
		{"scenario/plain", nil},
		{"scenario/heap", nil},
		{"scenario/rpc", []string{"fakeserver/userpb", "scenario/message"}},
		{"scenario", []string{"scenario/strict", "scenario/load", "scenario/descriptor", "scenario/message", "scenario/secret", "scenario/expect", "scenario/clientyaml", "scenario/export", "clientcore/...", "fakeserver/...", "reports/result", "reports/stats", "reports/gate", "reports/shorten"}},
		{"scenario/run", []string{"scenario/...", "clientcore/...", "fakeserver/...", "reports/result", "reports/stats", "reports/gate"}},
		{"cmd/...", []string{"scenario/...", "fakeserver", "reports/...", "clientcore/..."}},
	}
	matches := func(pattern, pkg string) bool {
		if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
			return pkg == folder || strings.HasPrefix(pkg, folder+"/")
		}
		return pkg == pattern
	}
	// The hash key of a call is read from a request's field by reflection: that is
	// protobuf's runtime, which grpc itself depends on, and no protobuf service.
	reflection := map[string]string{"clientcore/internal/hashkey": "google.golang.org/protobuf/reflect/protoreflect"}
	// clientcore is a library: it brings nothing but grpc to who imports it. What
	// needs more is in a package of its own, which no other of clientcore imports.
	apart := map[string]string{
		"clientcore/discovery/consul":  "github.com/hashicorp/consul/api",
		"clientcore/discovery/etcd":    "go.etcd.io/etcd/",
		"clientcore/discovery/targets": "", // all of them, and their clients
		"clientcore/xds":               "",
	}
	foreign := func(pkg, imported string) bool {
		if prefix, ok := apart[pkg]; ok && strings.HasPrefix(imported, prefix) {
			return false
		}
		return strings.Contains(strings.Split(imported, "/")[0], ".") &&
			!strings.HasPrefix(imported, "google.golang.org/grpc") && matches("clientcore/...", pkg) &&
			imported != reflection[pkg]
	}
	seen := map[string]bool{}
	for pkg, imports := range packages(t) {
		pkg, ok := strings.CutPrefix(pkg, module)
		if !ok {
			continue
		}
		ruled := false
		for i, rule := range rules {
			if !matches(rule.from, pkg) {
				continue
			}
			ruled, seen[rules[i].from] = true, true
			for _, imported := range imports {
				ours, ok := strings.CutPrefix(imported, module)
				if !ok {
					if foreign(pkg, imported) {
						t.Errorf("%s imports %s: clientcore depends on grpc and the standard library only", pkg, imported)
					}
					continue
				}
				allowed := strings.HasPrefix(ours, pkg+"/") || path.Dir(ours) == path.Join(pkg, "internal")
				for _, may := range rule.may {
					allowed = allowed || matches(may, ours)
				}
				if _, is := apart[ours]; is && matches("clientcore/...", pkg) && pkg != "clientcore/discovery/targets" {
					allowed = false
				}
				if !allowed {
					t.Errorf("%s may not import %s", pkg, ours)
				}
			}
		}
		if !ruled {
			t.Errorf("%s: no import rule covers it", pkg)
		}
	}
	for _, rule := range rules {
		if !seen[rule.from] {
			t.Errorf("the rule for %s covers no package", rule.from)
		}
	}
}

// packages lists every package of the module with its imports.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "github.com/grpcbench/grpcbench/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p.Imports
	}
}
