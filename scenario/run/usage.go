package run

import (
	"runtime/metrics"
	"syscall"
	"time"
)

// Usage is what the process has used since it began.
type Usage struct {
	CPU    time.Duration // user and system
	GC     time.Duration // CPU time that collections took from others, as of the last one
	Allocs uint64        // heap objects allocated

	host hostUsage
}

// ProcessUsage reads the usage of this process.
func ProcessUsage() Usage {
	var u Usage
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		u.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() == metrics.KindUint64 {
		u.Allocs = sample[0].Value.Uint64()
	}
	if sample[1].Value.Kind() == metrics.KindFloat64 && sample[2].Value.Kind() == metrics.KindFloat64 {
		u.GC = time.Duration((sample[1].Value.Float64() - sample[2].Value.Float64()) * float64(time.Second))
	}
	u.host = readHost()
	return u
}
