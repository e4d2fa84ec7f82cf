package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	liverun "github.com/grpcbench/grpcbench/reports/live"
	"github.com/grpcbench/grpcbench/reports/otlp"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/plain"
	bench "github.com/grpcbench/grpcbench/scenario/run"
	"github.com/grpcbench/grpcbench/scenario/secret"
)

// liveFlags is who else is told of a run while it is under way.
type liveFlags struct {
	page, metrics, otlp string
	headers             []string
}

func (f *liveFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.page, "live", "", "serve the report in a browser while it comes about, at `[HOST:]PORT` (without HOST 127.0.0.1; port 0: a free one)")
	c.Flags().StringVar(&f.metrics, "prometheus", "", "serve metrics while it runs, at /metrics of `[HOST:]PORT`; --live has them, too")
	c.Flags().StringVar(&f.otlp, "otlp", "", "send metrics each second to the OpenTelemetry receiver at `URL`, such as http://127.0.0.1:4318 (OTLP over HTTP, protobuf)")
	c.Flags().StringArrayVar(&f.headers, "otlp-header", nil, "`NAME=VALUE` to send to it; in VALUE ${NAME} is an environment variable, ${file:PATH} a file (repeatable; also OTEL_EXPORTER_OTLP_HEADERS)")
}

// audience is who is told.
type audience struct {
	stderr  io.Writer
	run     *liverun.Run
	servers []*liverun.Server
	otlp    *otlp.Client
	pusher  *liverun.Pusher
}

// audience opens what was asked for: what can't be opened is to be known before
// anything is measured.
func (f *liveFlags) audience(listen func(network, address string) (net.Listener, error), stderr io.Writer) (*audience, error) {
	a := &audience{run: liverun.NewRun(), stderr: stderr}
	for _, one := range []struct {
		flag, address, path string
		page                bool
	}{{"live", f.page, "/", true}, {"prometheus", f.metrics, "/metrics", false}} {
		if one.address == "" {
			continue
		}
		if err := a.serve(one.flag, one.address, one.path, listen, one.page); err != nil {
			a.close()
			return nil, err
		}
	}
	if err := a.push(f); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *audience) serve(flag, text, path string, listen func(network, address string) (net.Listener, error), page bool) error {
	address, err := liverun.ParseAddress(text)
	if err != nil {
		return usageError("--%s: %v", flag, err)
	}
	if listen == nil {
		listen = net.Listen
	}
	l, err := listen("tcp", address.Listen)
	if err != nil {
		return usageError("--%s: %v", flag, err)
	}
	a.servers = append(a.servers, liverun.Serve(l, a.run, address.Open, page))
	fmt.Fprintf(a.stderr, "%s: http://%s%s\n", flag, l.Addr(), path)
	if address.Open {
		fmt.Fprintf(a.stderr, "grpcbench: --%s: warning: whoever can reach %s can read this run: its scenario, its figures, and text from its servers\n", flag, address.Listen)
	}
	return nil
}

// push makes the client that metrics are sent with.
func (a *audience) push(f *liveFlags) error {
	if f.otlp == "" {
		if len(f.headers) > 0 {
			return usageError("--otlp-header: there is no --otlp to send it to")
		}
		return nil
	}
	u, err := otlp.ParseURL(f.otlp)
	if err != nil {
		return usageError("--otlp: %v", err)
	}
	c := &otlp.Client{URL: u, Headers: http.Header{}, Version: version()}
	if err := otlp.AddHeaders(c.Headers, os.Getenv("OTEL_EXPORTER_OTLP_HEADERS")); err != nil {
		return usageError("OTEL_EXPORTER_OTLP_HEADERS: %v", err)
	}
	for _, header := range f.headers {
		text, _, err := secret.Expand(header)
		if err == nil {
			err = otlp.AddHeader(c.Headers, text)
		}
		if err != nil {
			return usageError("--otlp-header: %v", err)
		}
	}
	a.otlp = c
	return nil
}

// start tells them what is going to be measured.
func (a *audience) start(r *result.Result) {
	a.run.Start(r)
	if a.otlp != nil && a.pusher == nil {
		a.otlp.Attributes = otlpAttributes(r)
		a.pusher = liverun.Push(a.run, a.otlp)
	}
}

// otlpAttributes say which run all metrics are of.
func otlpAttributes(r *result.Result) []otlp.Attribute {
	out := []otlp.Attribute{
		{Name: "service.name", Value: "grpcbench"}, {Name: "service.version", Value: r.Environment.Grpcbench},
		{Name: "service.instance.id", Value: r.Started.Format(time.RFC3339Nano)},
		{Name: "grpcbench.scenario", Value: r.Scenario.Name}, {Name: "grpcbench.scenario.sha256", Value: r.Scenario.SHA256},
		{Name: "grpcbench.seed", Value: strconv.FormatUint(r.Seed, 10)},
	}
	for _, key := range slices.Sorted(maps.Keys(r.Labels)) {
		out = append(out, otlp.Attribute{Name: "grpcbench.label." + key, Value: r.Labels[key]})
	}
	return out
}

// any says whether anybody is.
func (a *audience) any() bool { return len(a.servers) > 0 || a.otlp != nil }

// listen makes the run's options tell the audience, too.
func (a *audience) listen(o *bench.Options) {
	if !a.any() {
		return
	}
	progress, trial := o.OnProgress, o.OnTrial
	o.OnStart = a.start
	o.OnProgress = func(p bench.Progress) {
		a.run.Step(liverun.Step{
			Variant: p.Variant, Block: p.Block, Blocks: p.Blocks, Trial: p.Trial, Trials: p.Trials, Phase: string(p.Phase),
			Measuring: p.Phase == bench.Measuring, T0: p.T0, Elapsed: p.Elapsed, Remaining: p.Remaining, Interval: p.Interval,
		})
		progress(p)
	}
	o.OnTrial = func(r *result.Result) {
		a.run.Trial(r)
		trial(r)
	}
}

// end tells them of the result, and where it is.
func (a *audience) end(r *result.Result, where string) { a.run.End(r, where) }

// close ends it, after everybody was sent the end, as far as they take it in two
// seconds. It never fails a run: it tells what did not work.
func (a *audience) close() {
	var all sync.WaitGroup
	for _, s := range a.servers {
		all.Go(func() { _ = s.Close() })
	}
	if a.pusher != nil {
		all.Go(func() {
			if p := a.pusher.Close(); p.Failed > 0 {
				text := fmt.Sprintf("grpcbench: --otlp: %d of %d pushes failed", p.Failed, p.Sent+p.Failed)
				if p.Trials > 0 {
					text += ", and " + count(p.Trials, "finished trial") + " never arrived"
				}
				fmt.Fprintf(a.stderr, "%s; the last: %s\n", text, plain.Text(p.Last.Error()))
			}
		})
	}
	all.Wait()
}
