package main

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/gate"
)

// No line of the list is wider than the terminal, and nothing is missing for it.
func TestListFitsItsTerminal(t *testing.T) {
	var wanted []string
	for _, f := range reports.Formats() {
		wanted = append(wanted, f.Name+" "+f.Doc)
	}
	for _, line := range gate.Doc() {
		wanted = append(wanted, strings.Replace(line, ": ", " ", 1))
	}
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		wanted = append(wanted, clientcore.Explain(code))
	}
	for _, n := range []int{60, 80, 100, 160} {
		t.Setenv("COLUMNS", strconv.Itoa(n))
		code, stdout, stderr := command(t, "list")
		if code != exitOK || stderr != "" {
			t.Fatalf("code %d, stderr %q", code, stderr)
		}
		for line := range strings.Lines(stdout) {
			if line = strings.TrimRight(line, "\n"); utf8.RuneCountInString(line) > n || strings.HasSuffix(line, " ") {
				t.Errorf("at %d columns: %q", n, line)
			}
		}
		words := strings.Join(strings.Fields(stdout), " ")
		for _, want := range wanted {
			if !strings.Contains(words, want) {
				t.Errorf("at %d columns it lacks %q", n, want)
			}
		}
	}
}
