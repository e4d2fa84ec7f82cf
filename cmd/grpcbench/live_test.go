package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
	"github.com/grpcbench/grpcbench/reports/result"
)

// A page opened during a run sees it second by second, and at its end where the
// report is. The run is not a moment longer for it.
func TestLivePage(t *testing.T) {
	length := func(args ...string) (took time.Duration, states []string, stderr, out string) {
		out = filepath.Join(t.TempDir(), "out")
		args = append([]string{"run", write(t, "small.yaml", strings.Replace(small, "measure: 1s", "measure: 4s", 1)), "--out", out, "--quiet"}, args...)
		synctest.Test(t, func(t *testing.T) {
			network := memnet.New()
			listening := make(chan net.Listener, 1)
			var watching sync.WaitGroup
			watching.Go(func() {
				l := <-listening
				if l == nil {
					return
				}
				// In the middle of the first trial.
				time.Sleep(2500 * time.Millisecond)
				c, err := network.Dial(t.Context(), l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if _, err := io.WriteString(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
					t.Error(err)
				}
				lines := bufio.NewScanner(c)
				lines.Buffer(nil, 4<<20)
				for lines.Scan() {
					if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
						var m struct{ Now string }
						if err := json.Unmarshal([]byte(text), &m); err != nil {
							t.Error(err)
						}
						states = append(states, m.Now)
					}
				}
			})
			var stdout, errs bytes.Buffer
			began := time.Now()
			code := runWith(t.Context(), args, &stdout, &errs, deps{
				Listen: network.Listen,
				Dial:   func(ctx context.Context, address string) (net.Conn, error) { return network.Dial(ctx, address) },
				Serve: func(_, address string) (net.Listener, error) {
					l, err := network.Listen("tcp", address)
					listening <- l
					return l, err
				},
			})
			took, stderr = time.Since(began), errs.String()
			if code != exitOK {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			close(listening)
			watching.Wait()
		})
		return took, states, stderr, out
	}
	alone, _, _, _ := length()
	took, states, stderr, out := length("--live", ":0")
	if took-alone > 100*time.Millisecond {
		t.Errorf("watched it takes %v, else %v", took, alone)
	}
	if !strings.Contains(stderr, "live: http://127.0.0.1:") {
		t.Errorf("it does not say where: %s", stderr)
	}
	if len(states) < 12 {
		t.Fatalf("%d states of 3.6 trials of 4 s", len(states))
	}
	if !strings.Contains(states[0], "second 2 of 4") || !strings.Contains(states[0], "trial 1 of 4") {
		t.Errorf("the first state: %s", states[0])
	}
	if last := states[len(states)-1]; !strings.Contains(last, "The run has ended") || !strings.Contains(last, "report in "+out) {
		t.Errorf("the last state: %s", last)
	}
}

// What can't be opened is a usage error, before anything is made or measured.
func TestLiveMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("GRPCBENCH_TEST_SECRET", "hunter2\r\n")
	for name, one := range map[string]struct {
		args []string
		want string
	}{
		"port in use":      {[]string{"--live", taken.Addr().String()}, "address already in use"},
		"metrics' port":    {[]string{"--live", ":0", "--prometheus", taken.Addr().String()}, "--prometheus: "},
		"no port":          {[]string{"--live", "here"}, "--live: want a port"},
		"a name":           {[]string{"--live", "example.com:80"}, "--live: want an IP address or localhost"},
		"no URL":           {[]string{"--otlp", "127.0.0.1:4318"}, "--otlp: want http://HOST:PORT"},
		"header alone":     {[]string{"--otlp-header", "a=b"}, "there is no --otlp"},
		"unset variable":   {[]string{"--otlp", "http://127.0.0.1:1", "--otlp-header", "a=${GRPCBENCH_TEST_NONE}"}, "GRPCBENCH_TEST_NONE is not set"},
		"no header":        {[]string{"--otlp", "http://127.0.0.1:1", "--otlp-header", "hunter2"}, "want NAME=VALUE"},
		"a secret's break": {[]string{"--otlp", "http://127.0.0.1:1", "--otlp-header", "a=x${GRPCBENCH_TEST_SECRET}x"}, "want NAME=VALUE"},
	} {
		out := filepath.Join(t.TempDir(), "out")
		code, _, stderr := command(t, append([]string{"run", smallScenario(t), "--out", out}, one.args...)...)
		if code != exitUsage || !strings.Contains(stderr, one.want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: the folder is made all the same", name)
		}
	}
}

// An open address is warned of.
func TestLiveToOthers(t *testing.T) {
	var errs bytes.Buffer
	f := liveFlags{page: "0.0.0.0:0"}
	a, err := f.audience(nil, &errs)
	if err != nil {
		t.Fatal(err)
	}
	a.close()
	if !strings.Contains(errs.String(), "warning: whoever can reach 0.0.0.0:0 can read this run") {
		t.Errorf("%s", errs.String())
	}
}

// An OpenTelemetry receiver is sent the run, in its own format: every trial's
// calls in the end, under the run's name and labels. Of a receiver that is away
// the run says so once, and is none the worse.
func TestOTLP(t *testing.T) {
	t.Setenv("GRPCBENCH_TEST_SECRET", "hunter2")
	var mu sync.Mutex
	counts, header, labels := map[string]uint64{}, "", map[string]string{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		header = r.Header.Get("Authorization")
		body, _ := io.ReadAll(r.Body)
		var data metrics.MetricsData
		if err := proto.Unmarshal(body, &data); err != nil {
			t.Error(err)
		}
		for _, rm := range data.ResourceMetrics {
			for _, a := range rm.Resource.Attributes {
				labels[a.Key] = a.Value.GetStringValue()
			}
			for _, m := range rm.ScopeMetrics[0].Metrics {
				for _, p := range m.GetExponentialHistogram().GetDataPoints() {
					key := ""
					for _, a := range p.Attributes {
						if a.Key == "variant" || a.Key == "trial" {
							key += a.Value.GetStringValue() + " "
						}
					}
					if p.Count < counts[key] {
						t.Errorf("%s: %d after %d", key, p.Count, counts[key])
					}
					counts[key] = p.Count
				}
			}
		}
	}))
	defer receiver.Close()
	out := t.TempDir()
	run := func(url string) (code int, stderr string) {
		code, _, stderr = command(t, "run", smallScenario(t), "--trials", "1", "--out", out, "--label", "commit=abc",
			"--otlp", url, "--otlp-header", "Authorization=Bearer ${GRPCBENCH_TEST_SECRET}")
		return code, stderr
	}
	code, stderr := run(receiver.URL)
	if code != exitOK && code != exitInvalid { // the machine may be busy
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if header != "Bearer hunter2" || strings.Contains(stderr, "hunter2") || strings.Contains(stderr, "--otlp") {
		t.Errorf("header %q; %s", header, stderr)
	}
	if labels["service.name"] != "grpcbench" || labels["grpcbench.scenario"] != "small" || labels["grpcbench.label.commit"] != "abc" {
		t.Errorf("resource %v", labels)
	}
	r := readJSON(t, filepath.Join(out, resultName))
	for _, v := range r.Variants {
		if got, want := counts[v.Name+" 0 "], v.Trials[0].Series[0].Latency[result.Response].Count; int64(got) != want {
			t.Errorf("%s: %d calls were sent of %d", v.Name, got, want)
		}
	}
	receiver.Close()
	code, stderr = run(receiver.URL)
	if code != exitOK && code != exitInvalid || strings.Count(stderr, "--otlp") != 1 || !strings.Contains(stderr, "2 finished trials never arrived; the last:") || strings.Contains(stderr, "hunter2") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
