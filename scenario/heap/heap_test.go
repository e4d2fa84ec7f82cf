package heap

import (
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

func TestShares(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for _, test := range []struct{ memory, floor, limit int64 }{
		{0, 512 * mib, 2 * gib},
		{64 * gib, 512 * mib, 2 * gib},
		{4 * gib, 256 * mib, 2 * gib},
		{512 * mib, 32 * mib, 256 * mib},
	} {
		if floor, limit := shares(test.memory); floor != test.floor || limit != test.limit {
			t.Errorf("of %d bytes: floor %d and limit %d, want %d and %d", test.memory, floor, limit, test.floor, test.limit)
		}
	}
}

func TestMemory(t *testing.T) {
	if got := memory(); runtime.GOOS == "linux" && got < 64<<20 || got < 0 {
		t.Errorf("this machine has %d bytes", got)
	}
}

// garbage makes some, and says how often it was collected meanwhile.
func garbage(bytes int64) uint32 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const piece = 1 << 14
	for range bytes / piece {
		sink = make([]byte, piece)
	}
	runtime.ReadMemStats(&after)
	return after.NumGC - before.NumGC
}

var sink []byte

// TestRaised runs in a process of its own, with and without the variables that stand in
// for the settings.
func TestRaised(t *testing.T) {
	if os.Getenv("HEAP_TEST") != "" {
		Raise()
		Raise() // changes nothing
		runtime.GC()
		before := resident(t)
		collected := garbage(320 << 20)
		percent := debug.SetGCPercent(100)
		t.Logf("\nfloor=%d percent=%d limit=%d collected=%d first=%d", Floor(), percent, debug.SetMemoryLimit(-1), collected, before)
		return
	}
	floor, limit := shares(memory())
	for name, test := range map[string]struct {
		env                   []string
		floor, percent, limit int64
	}{
		"unset":      {nil, floor, Target, limit},
		"GOGC":       {[]string{"GOGC=50"}, 0, 50, limit},
		"GOMEMLIMIT": {[]string{"GOMEMLIMIT=3GiB"}, floor, Target, 3 << 30},
		"little":     {[]string{"GOMEMLIMIT=64MiB"}, 16 << 20, Target, 64 << 20},
		"off":        {[]string{"GOGC=off", "GOMEMLIMIT=off"}, 0, -1, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRaised$", "-test.v")
			for _, v := range os.Environ() {
				if !strings.HasPrefix(v, "GOGC=") && !strings.HasPrefix(v, "GOMEMLIMIT=") {
					cmd.Env = append(cmd.Env, v)
				}
			}
			cmd.Env = append(append(cmd.Env, "HEAP_TEST=1"), test.env...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			figure := func(name string) int64 {
				_, rest, _ := strings.Cut(string(out), name+"=")
				n, err := strconv.ParseInt(strings.Fields(rest + " nothing")[0], 10, 64)
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, out)
				}
				return n
			}
			if figure("floor") != test.floor || figure("percent") != test.percent || figure("limit") != test.limit {
				t.Errorf("floor %d, percent %d, limit %d; want %+v", figure("floor"), figure("percent"), figure("limit"), test)
			}
			if test.floor > 0 {
				// The garbage fills the floor a few times at most, but five times what lives many times.
				if most := 2 + (320<<20)/test.floor*2; figure("collected") > most {
					t.Errorf("collected %d times, want at most %d", figure("collected"), most)
				}
				// What is there only to be counted takes no memory.
				if ballast := test.floor / (1 + Target/100); ballast > 64<<20 && figure("first") > ballast {
					t.Errorf("%d bytes resident with %d of ballast", figure("first"), ballast)
				}
			}
		})
	}
}

// resident is the memory that the process has, in bytes; 0 where it cannot be told.
func resident(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
