package fakeserver

import (
	"time"

	orcapb "github.com/cncf/xds/go/xds/data/orca/v3"
	orcaservice "github.com/cncf/xds/go/xds/service/orca/v3"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/internal/field"
)

// LoadReport is how backends report their load (ORCA, gRFC A51): calls a
// second, errors a second and utilisation, as they were measured over the last
// Window. Utilisation is the calls under way on the backend, waiting ones
// included, ÷ its concurrency: a backend with a line reports more than 1, so
// that a balancer can tell full ones apart. Without a limit of concurrency it
// is the number of calls under way.
type LoadReport struct {
	PerCall   bool          `yaml:"per_call" doc:"with each answer, in its trailer"`
	OutOfBand bool          `yaml:"out_of_band" doc:"on a stream of its own, to clients that ask for one"`
	Window    time.Duration `yaml:"window" doc:"how far back a report looks; it moves in tenths"`
}

// SetDefaults is both ways, over the last second.
func (r *LoadReport) SetDefaults() {
	*r = LoadReport{PerCall: true, OutOfBand: true, Window: time.Second}
}

// minLoadWindow keeps a tenth of the window, by which it moves, in milliseconds.
const minLoadWindow = 10 * time.Millisecond

// Validate returns the fields that are wrong, joined.
func (r *LoadReport) Validate() error {
	if r != nil && r.Window < minLoadWindow {
		return field.New("window", "must be at least %v (got %v)", minLoadWindow, r.Window)
	}
	return nil
}

// loadReport is how the fleet's backends report. Left out, they answer clients
// that ask, which costs nothing while nobody does.
func (c Config) loadReport() LoadReport {
	if c.LoadReport != nil {
		return *c.LoadReport
	}
	return LoadReport{OutOfBand: true, Window: time.Second}
}

// trailerKey is the metadata in which a report comes with an answer.
const trailerKey = "endpoint-load-metrics-bin"

func (l load) report() *orcapb.OrcaLoadReport {
	return &orcapb.OrcaLoadReport{ApplicationUtilization: l.utilisation, RpsFractional: l.callsPerSecond, Eps: l.errorsPerSecond}
}

// trailer is nil where there is nothing to report.
func (l load) trailer() metadata.MD {
	text, err := proto.Marshal(l.report())
	if err != nil {
		return nil // it marshals: it is three numbers
	}
	return metadata.MD{trailerKey: {string(text)}}
}

const (
	// minReportInterval is the shortest time between two reports of a stream.
	minReportInterval = 100 * time.Millisecond
	// reportInterval is for clients that leave it to the backend.
	reportInterval = time.Second
)

// reporter is the service of reports out of band. grpc-go's own sends one in 30 s
// at most.
type reporter struct {
	orcaservice.UnimplementedOpenRcaServiceServer
	load *loadMeter
}

// StreamCoreMetrics implements the OpenRcaService.
func (r *reporter) StreamCoreMetrics(in *orcaservice.OrcaLoadReportRequest, stream orcaservice.OpenRcaService_StreamCoreMetricsServer) error {
	interval := reportInterval
	if asked := in.GetReportInterval(); asked != nil {
		interval = max(asked.AsDuration(), minReportInterval)
	}
	r.load.watch()
	defer r.load.unwatch()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := stream.Send(r.load.now().report()); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}
