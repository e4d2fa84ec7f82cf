package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	for text, want := range map[string][2]uint64{
		"cpu  100 1 20 1000 5 0 3 71 9 0\ncpu0 1 1 1 1 1 1 1 1\n": {1200, 71},
		"cpu 1 2 3":              {},
		"intr 1 2 3 4 5 6 7 8 9": {},
		"cpu a b c d e f g h":    {},
		"":                       {},
		"cpu  1 1 1 1 1 1 1 1\n": {8, 1},
	} {
		if ticks, stolen := parseStat(text); ticks != want[0] || stolen != want[1] {
			t.Errorf("%q: %d, %d", text, ticks, stolen)
		}
	}
}

func TestThrottleFiles(t *testing.T) {
	for text, want := range map[string][]string{
		"0::/\n":    {"/sys/fs/cgroup/cpu.stat"},
		"0::/a/b\n": {"/sys/fs/cgroup/a/b/cpu.stat", "/sys/fs/cgroup/a/cpu.stat", "/sys/fs/cgroup/cpu.stat"},
		"4:memory:/x\n3:cpu,cpuacct:/y\n2:cpuset:/z\n": {"/sys/fs/cgroup/cpu,cpuacct/y/cpu.stat", "/sys/fs/cgroup/cpu,cpuacct/cpu.stat"},
		"nonsense\n": nil,
	} {
		if diff := cmp.Diff(want, throttleFiles(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string]time.Duration{
		"usage_usec 5\nnr_throttled 2\nthrottled_usec 1500\n":    1500 * time.Microsecond,
		"nr_periods 1\nnr_throttled 1\nthrottled_time 2000000\n": 2 * time.Millisecond,
		"usage_usec 5\n": 0, "throttled_usec soon": 0,
	} {
		if got := parseThrottled(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
