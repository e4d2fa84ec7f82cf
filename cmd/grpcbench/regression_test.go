package main

import (
	"path/filepath"
	"testing"
)

// quick.yaml against a fleet that is slower by a tenth fails with 99, and against
// itself with other draws it never does: in virtual time, where only draws differ.
func TestQuickCatchesASlowerFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	// Twelve trials rather than seven: an odd one among them decides nothing.
	quick := func(sets ...string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "out")
		args := []string{"run", "../../scenarios/quick.yaml", "--out", out, "--quiet", "--set", "fleet.isolation=inprocess", "--trials", "12"}
		for _, set := range sets {
			args = append(args, "--set", set)
		}
		if code, _, stderr := inVirtualTime(t, args...); code != exitOK {
			t.Fatalf("%v: code %d\n%s", sets, code, stderr)
		}
		return out
	}
	old := quick()
	compare := func(now, bound string, force bool) int {
		t.Helper()
		args := []string{"compare", old, now, "--gate", "p50{variant=none} <= @old + " + bound}
		if force {
			args = append(args, "--force")
		}
		code, stdout, stderr := command(t, args...)
		t.Logf("bound %s: code %d\n%s%s", bound, code, stdout, stderr)
		return code
	}
	slower := "fleet.service_time={lognormal: {p50: 2.2ms, p99: 13.2ms}}"
	slow := quick(slower)
	if code := compare(slow, "3%", true); code != exitGate {
		t.Errorf("a slower fleet: code %d, want %d", code, exitGate)
	}
	if code := compare(slow, "3%", false); code != exitUsage {
		t.Errorf("another scenario is compared all the same: code %d", code)
	}
	// Goroutines that wake at the same instant still run in any order.
	if code := compare(quick(), "10%", false); code != exitOK {
		t.Errorf("the same again: code %d", code)
	}
	// Other draws are noise that the seed does not take out: they may hide a change,
	// and never are one.
	if code := compare(quick("seed=2"), "5%", true); code != exitOK && code != exitInconclusive {
		t.Errorf("seed 2 against seed 1: code %d", code)
	}
}
