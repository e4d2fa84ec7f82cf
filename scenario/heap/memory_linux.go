package heap

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory is what this process may use, in bytes: the machine's or, in a container, its
// control group's. 0 is unknown.
func memory() int64 {
	var machine int64
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		machine = int64(uint64(info.Totalram) * uint64(info.Unit))
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// "max", or a number larger than any machine, is no limit.
		if group, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && group > 0 && (machine == 0 || group < machine) {
			return group
		}
	}
	return machine
}
