package run_test

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var printOracles = flag.Bool("oracles", false, "print the table of theory against what was measured")

// oracles are the situations in which theory says what a measurement must come
// to. Each runs the whole stack in virtual time: scenario, engine, clientcore,
// gRPC, fleet, result.
func oracles() []oracle {
	return []oracle{
		{"stall", stallOracle},
		{"queue M/M/1", func(w *world) []finding { return queueOracle(w, 1, "50%") }},
		{"queue M/M/4", func(w *world) []finding { return queueOracle(w, 4, "60%") }},
		{"recursion 1", func(w *world) []finding { return recursionOracle(w, 1) }},
		{"recursion 4", func(w *world) []finding { return recursionOracle(w, 4) }},
		{"loss M/G/4/4", lossOracle},
		{"closed loop", closedLoopOracle},
		{"closed queue", closedQueueOracle},
		{"retries", retryOracle},
		{"hedging", hedgingOracle},
		{"metastable", metastableOracle},
	}
}

type oracle struct {
	name string
	run  func(w *world) []finding
}

// finding is one figure beside its theory.
type finding struct {
	what             string // with its unit
	theory, measured float64
	bound            float64 // most of |measured ÷ theory − 1|
}

func (f finding) off() float64 { return f.measured/f.theory - 1 }

// broken is also what is no number.
func (f finding) broken() bool { return !(math.Abs(f.off()) <= f.bound) }

func (f finding) String() string {
	mark := ""
	if f.broken() {
		mark = "  BROKEN"
	}
	bound := fmt.Sprintf("%.2f%%", 100*f.bound)
	if f.bound < 1e-5 {
		bound = "exact"
	}
	return fmt.Sprintf("%-42s %8.5g %9.5g %+8.2f%% %8s%s", f.what, f.theory, f.measured, 100*f.off(), bound, mark)
}

// share is a share of n calls, which may be off by four standard errors.
func share(what string, theory, measured float64, n int64) finding {
	return finding{what, theory, measured, 4 * math.Sqrt(theory*(1-theory)/float64(n)) / theory}
}

// TestOracles fails where a bound is broken; with -oracles it prints the table.
func TestOracles(t *testing.T) {
	if testing.Short() {
		t.Skip("many calls")
	}
	var lines []string
	for _, o := range oracles() {
		t.Run(o.name, func(t *testing.T) {
			began := time.Now()
			var found []finding
			inWorld(t, func(w *world) { found = o.run(w) })
			t.Logf("%.1f s", time.Since(began).Seconds())
			for _, f := range found {
				lines = append(lines, f.String())
				if f.broken() {
					t.Errorf("theory, measured, error, bound: %v", f)
				}
			}
		})
	}
	if *printOracles {
		fmt.Printf("%-42s %8s %9s %9s %8s\n", "oracle", "theory", "measured", "error", "bound")
		for _, line := range lines {
			fmt.Println(line)
		}
	}
}

// A figure that is no number, as a quantile that fell on a failed call, is broken.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		measured float64
		broken   bool
	}{{100, false}, {102, false}, {98, false}, {102.1, true}, {97.9, true}, {0, true}, {math.NaN(), true}, {math.Inf(1), true}} {
		f := finding{"figure", 100, c.measured, 0.0201}
		if f.broken() != c.broken || strings.HasSuffix(f.String(), "BROKEN") != c.broken {
			t.Errorf("%v: broken %v, want %v", f, f.broken(), c.broken)
		}
	}
	if f := share("share", 0.5, 0.58, 400); f.broken() {
		t.Errorf("%v: within four standard errors", f)
	}
	if f := share("share", 0.5, 0.61, 400); !f.broken() {
		t.Errorf("%v: beyond four standard errors", f)
	}
}
