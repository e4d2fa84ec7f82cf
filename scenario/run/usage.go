package run

import (
	"runtime/metrics"
	"syscall"
	"time"
)

// Usage is what the process has used since it began.
type Usage struct {
	CPU    time.Duration // user and system
	Allocs uint64        // heap objects allocated
}

// ProcessUsage reads the usage of this process.
func ProcessUsage() Usage {
	var u Usage
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		u.CPU = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() == metrics.KindUint64 {
		u.Allocs = sample[0].Value.Uint64()
	}
	return u
}
