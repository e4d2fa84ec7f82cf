package live

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/grpcbench/grpcbench/reports"
	"github.com/grpcbench/grpcbench/reports/exposition"
)

// exporter makes the metrics of a run. It reads finished trials once.
type exporter struct {
	run *Run

	mu      sync.Mutex
	metrics *reports.Metrics
	of      int // stamp.trials
}

// families is the metrics as they stand; nil before the run has begun.
func (e *exporter) families() ([]exposition.Family, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	res, moment, known := e.run.now()
	if res == nil {
		return nil, nil
	}
	if e.metrics == nil || e.of != known.trials {
		m := reports.NewMetrics(res)
		if err := m.ReadAll(); err != nil {
			return nil, err
		}
		e.metrics, e.of = m, known.trials
	}
	return e.metrics.At(moment), nil
}

// plainType is the media type of Prometheus's own text, of which OpenMetrics
// text is a case.
const plainType = "text/plain; version=0.0.4; charset=utf-8"

// metrics answers a scrape in the form that it asks for: protobuf, which has
// native histograms, OpenMetrics text, or plain text.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	families, err := s.exporter.families()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	form := accepted(strings.Join(r.Header.Values("Accept"), ","))
	var b bytes.Buffer
	if form == exposition.ProtoType {
		err = exposition.Proto(&b, families)
	} else {
		err = exposition.Text(&b, families, false)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", form)
	w.Header().Set("Vary", "Accept")
	_, _ = w.Write(b.Bytes())
}

// accepted is the form that an Accept header likes best; plain text where it
// names none of them.
func accepted(header string) string {
	best, liked := plainType, 0.0
	for part := range strings.SplitSeq(header, ",") {
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		q := 1.0
		if text, there := params["q"]; there {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		form := ""
		switch kind {
		case "application/vnd.google.protobuf":
			if params["proto"] == "io.prometheus.client.MetricFamily" && params["encoding"] == "delimited" {
				form = exposition.ProtoType
			}
		case "application/openmetrics-text":
			if version := params["version"]; version == "" || version == "1.0.0" {
				form = exposition.TextType
			}
		case "text/plain":
			form = plainType
		}
		if form != "" && q > liked {
			best, liked = form, q
		}
	}
	return best
}
