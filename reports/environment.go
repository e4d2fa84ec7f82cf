package reports

import (
	"strconv"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// fact is one named thing that a reader may want to know of a run. Its text is
// clean and not yet escaped for a format.
type fact struct{ name, value string }

// environment is where and how the run took place, leaving out what the result
// does not say.
func environment(r *result.Result) []fact {
	e, s := r.Environment, r.Scenario
	var out []fact
	add := func(name, value string) {
		if value = strings.TrimSpace(clean(value)); value != "" {
			out = append(out, fact{name, value})
		}
	}
	if !r.Started.IsZero() {
		add("started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	add("took", when(r.ElapsedNS > 0, time.Duration(r.ElapsedNS).Round(time.Second).String()))
	add("scenario", source(s))
	add("seed", strconv.FormatUint(r.Seed, 10))
	add("fleet", place(r))
	add("plan", plural(s.Trials, "trial")+" of "+plural(len(r.Variants), "variant")+
		when(s.WarmupNS > 0, ", warm-up "+setting(s.WarmupNS))+", measuring "+setting(s.MeasureNS)+
		when(s.DrainNS > 0, ", drain up to "+setting(s.DrainNS)))
	for _, b := range r.Builds {
		add("build "+clean(b.Name), buildText(b.Environment))
	}
	add("grpcbench", e.Grpcbench)
	add("grpc-go", e.GRPC)
	add("Go", strings.TrimSpace(e.Go+" "+e.OS+" "+e.Arch))
	add("CPU", e.CPUModel)
	add("cores", when(e.CPUs > 0, strconv.Itoa(e.CPUs)+when(e.GOMAXPROCS > 0, ", GOMAXPROCS "+strconv.Itoa(e.GOMAXPROCS))))
	add("harness", calibration(r.Calibration))
	add("garbage collector", when(e.GOGC != 0, "GOGC "+strconv.Itoa(e.GOGC)+when(e.HeapFloor > 0, ", heap of "+size(e.HeapFloor)+" at least")+when(e.MemoryLimit > 0, ", limit "+size(e.MemoryLimit))))
	for _, key := range sorted(r.Labels) {
		add(clean(key), r.Labels[key])
	}
	add("note", r.Note)
	return out
}
