package run

import (
	"bufio"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// hostUsage is what the machine did to everybody on it since it began: 0 where
// it does not say, as outside Linux.
type hostUsage struct {
	// Ticks is the time of all CPUs together, Stolen what of it the hypervisor
	// gave to other machines, both in the kernel's ticks.
	Ticks, Stolen uint64
	// Throttled is how long this process's control group, or one around it, was
	// held back by its CPU quota.
	Throttled time.Duration
}

func readHost() hostUsage {
	var u hostUsage
	if text, err := os.ReadFile("/proc/stat"); err == nil {
		u.Ticks, u.Stolen = parseStat(string(text))
	}
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		for _, file := range throttleFiles(string(text)) {
			if text, err := os.ReadFile(file); err == nil {
				u.Throttled = max(u.Throttled, parseThrottled(string(text)))
			}
		}
	}
	return u
}

// parseStat reads the first line of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq and steal; guest time is in user time already.
func parseStat(text string) (ticks, stolen uint64) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0
	}
	for _, f := range fields[1:9] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return 0, 0
		}
		ticks, stolen = ticks+n, n
	}
	return ticks, stolen
}

// throttleFiles are the cpu.stat files of the control groups that
// /proc/self/cgroup names and of those around them: a quota may be set on any.
func throttleFiles(text string) []string {
	var files []string
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		var root string
		switch {
		case parts[0] == "0" && parts[1] == "": // version 2
			root = "/sys/fs/cgroup"
		case contains(parts[1], "cpu"):
			root = path.Join("/sys/fs/cgroup", parts[1])
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			files = append(files, path.Join(root, group, "cpu.stat"))
			if group == "/" {
				break
			}
		}
	}
	return files
}

// contains says whether a list with commas holds a word.
func contains(list, word string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part == word {
			return true
		}
	}
	return false
}

// parseThrottled reads a cpu.stat: throttled_usec of version 2, throttled_time
// in nanoseconds of version 1.
func parseThrottled(text string) time.Duration {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "throttled_usec":
			return time.Duration(n) * time.Microsecond
		case "throttled_time":
			return time.Duration(n)
		}
	}
	return 0
}
