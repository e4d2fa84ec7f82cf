package shorten

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in     string
		n      int
		want   string
		middle string
	}{
		{"abcdef", 6, "abcdef", "abcdef"},
		{"abcdef", 5, "abcd…", "ab…ef"},
		{"abcdef", 3, "ab…", "a…f"},
		{"abcdef", 2, "a…", "a…"},
		{"abcdef", 1, "…", "…"},
		{"abcdef", 0, "", ""},
		{"ab cdef", 4, "ab…", "ab…f"},
		{"漢字漢字", 5, "漢字…", "漢…字"},
		{"漢字漢字", 4, "漢…", "漢…"},
	} {
		if got := End(c.in, c.n); got != c.want {
			t.Errorf("End(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
		if got := Middle(c.in, c.n); got != c.middle {
			t.Errorf("Middle(%q, %d) = %q, want %q", c.in, c.n, got, c.middle)
		}
	}
	if diff := cmp.Diff([]string{"abc…", "xyz"}, All([]string{"abcdef", "xyz"}, 4)); diff != "" {
		t.Error(diff)
	}
	// The ends tell these apart, the beginnings do not.
	if diff := cmp.Diff([]string{"ab…1", "ab…2", "ab…1"}, All([]string{"abcde1", "abcde2", "abcde1"}, 4)); diff != "" {
		t.Error(diff)
	}
}

// Different values stay different at any width that has room for it.
func TestAllKeepsDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 7))
	letters := []rune("ab漢")
	for range 2000 {
		var values []string
		for range 1 + rng.IntN(20) {
			var parts []string
			for range 1 + rng.IntN(4) {
				part := "same="
				for range rng.IntN(12) {
					part += string(letters[rng.IntN(len(letters))])
				}
				parts = append(parts, part+"_end")
			}
			values = append(values, strings.Join(parts, []string{",", " + ", "-"}[rng.IntN(3)]))
		}
		n := 8 + rng.IntN(40)
		short := All(values, n)
		meaning := map[string]string{}
		for i, s := range short {
			if Width(s) > n {
				t.Fatalf("%q is wider than %d", s, n)
			}
			if before, seen := meaning[s]; seen && before != values[i] {
				t.Fatalf("%q and %q are both %q at %d", before, values[i], s, n)
			}
			meaning[s] = values[i]
		}
	}
}
