package live

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/grpcbench/grpcbench/reports/exposition"
	"github.com/grpcbench/grpcbench/reports/result"
)

func TestAccepted(t *testing.T) {
	const (
		proto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
		open  = "application/openmetrics-text;version=1.0.0"
	)
	for header, want := range map[string]string{
		"": plainType, "*/*": plainType, "text/html": plainType, "text/plain": plainType, "nonsense;;": plainType,
		proto: exposition.ProtoType, open: exposition.TextType, "application/openmetrics-text": exposition.TextType,
		proto + "," + open + ";q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":                               exposition.ProtoType, // Prometheus, told of native histograms
		open + ",application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1": exposition.TextType,
		proto + ";q=0.2,text/plain;q=0.3":                            plainType,
		"application/vnd.google.protobuf;proto=x;encoding=delimited": plainType,
		open + ";q=0": plainType, open + ";q=x": plainType, "application/openmetrics-text;version=2.0.0": plainType,
	} {
		if got := accepted(header); got != want {
			t.Errorf("%s: %s", header, got)
		}
	}
}

// lines are the samples of a family.
func lines(text, family string) string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, family) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// A histogram under way is, after its last second, the one of the finished
// trial: it never goes back.
func TestMetricsRunOnIntoTheFinishedTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		if r, text := s.get(t, "/metrics", ""); r.StatusCode != http.StatusOK || text != "# EOF\n" {
			t.Errorf("before the run: %d %q", r.StatusCode, text)
		}
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		s.run.Step(step(1, -1, 50)) // the warm-up's calls do not count
		for i := range 12 {         // two of them after its end: the drain
			s.run.Step(step(1, i, 100))
		}
		r, before := s.get(t, "/metrics", "")
		if got := r.Header.Get("Content-Type"); got != plainType {
			t.Errorf("it is %s", got)
		}
		for _, want := range []string{
			`grpcbench_response_seconds_count{scenario="small",variant="retry=none",trial="0",setting_retry="none",load="reads"} 1200` + "\n",
			`grpcbench_response_seconds_bucket{scenario="small",variant="retry=none",trial="0",setting_retry="none",load="reads",le="0.05"} 588` + "\n", // the bucket of 50 ms ends above it
			`grpcbench_achieved_rate{scenario="small",variant="retry=none",trial="0",setting_retry="none",load="reads"} 100` + "\n",
			`grpcbench_trial_running{scenario="small",variant="retry=none",trial="0",setting_retry="none"} 1` + "\n",
			`grpcbench_trials{scenario="small",state="planned"} 4` + "\n",
			`grpcbench_offered_rate{scenario="small",variant="retry=none",trial="0",setting_retry="none",load="reads"} 120` + "\n",
		} {
			if !strings.Contains(before, want) {
				t.Errorf("it lacks %s\n%s", want, before)
			}
		}
		h := result.NewHistogram()
		for range 12 {
			h.Merge(second(0, 100).Series[0].Responses)
		}
		summary, err := h.Summarize(1200)
		if err != nil {
			t.Fatal(err)
		}
		done := trial(t, 1200)
		done.Series[0].Latency[result.Response] = summary
		res := plan()
		res.Variants[0].Trials = []result.Trial{done}
		s.run.Trial(res)
		_, after := s.get(t, "/metrics", "")
		if was, is := lines(before, "grpcbench_response_seconds_"), lines(after, "grpcbench_response_seconds_"); was != is {
			t.Errorf("under way:\n%s\nfinished:\n%s", was, is)
		}
		if strings.Contains(after, "grpcbench_trial_running") || !strings.Contains(after, `state="ended"} 1`) {
			t.Errorf("after the trial:\n%s", after)
		}
	})
}

func TestMetricsAsProtobuf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		s.run.Step(step(1, 0, 100))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", exposition.ProtoType)
		response, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		f := &dto.MetricFamily{}
		if err := protodelim.UnmarshalFrom(bufio.NewReader(response.Body), f); err != nil {
			t.Fatal(err)
		}
		h := f.Metric[0].GetHistogram()
		if f.GetName() != "grpcbench_response_seconds" || h.GetSampleCount() != 100 || len(h.PositiveDelta) < 20 || len(h.Bucket) < 10 {
			t.Errorf("%v", f)
		}
	})
}

// A trial that another build runs tells of its seconds without their responses:
// then there is no histogram until it has ended, rather than a wrong one.
func TestMetricsOfAnotherBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		in := step(1, 0, 100)
		in.Interval.Series[0].Responses = nil
		s.run.Step(in)
		_, text := s.get(t, "/metrics", "")
		if got := lines(text, "grpcbench_response_seconds"); got != "" || !strings.Contains(text, `grpcbench_attempts{scenario="small",variant="retry=none",trial="0",setting_retry="none",load="reads"} 100`) {
			t.Errorf("%s", text)
		}
		if r, page := s.get(t, "/", ""); r.StatusCode != http.StatusOK || !strings.Contains(page, "trial 1 of 4") {
			t.Errorf("the page: %d", r.StatusCode)
		}
	})
}
