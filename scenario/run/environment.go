package run

import (
	"bufio"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/heap"
)

// environment reads where the run takes place.
func environment(version string) result.Environment {
	e := result.Environment{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(), CPUModel: cpuModel(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		GRPC: grpc.Version, Grpcbench: version,
	}
	e.HeapFloor = heap.Floor()
	// Setting is the only way to read the target.
	e.GOGC = debug.SetGCPercent(100)
	debug.SetGCPercent(e.GOGC)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		e.MemoryLimit = limit
	}
	return e
}

// cpuModel is the processor's name as Linux tells it; empty elsewhere.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cores is how many cores this process may use at once.
func cores() int { return runtime.GOMAXPROCS(0) }
