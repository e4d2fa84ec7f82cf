//go:build e2e

package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// prometheus is one that scrapes an address every second, with native
// histograms.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus returns when it is ready; nobody need listen at the address yet.
func startPrometheus(t *testing.T, address string) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs: [{job_name: live, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]\n", address)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	free := freeAddress(t) // it takes no port 0 that it would tell of
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+free, "--enable-feature=native-histograms", "--log.level=warn")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	p := &prometheus{t, "http://" + free}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		response, err := http.Get(p.url + "/-/ready")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("Prometheus is not ready within five minutes: %v", err)
		}
	}
}

// freeAddress is one of loopback on which nobody listens yet.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// query is an instant query's values, by variant and trial; nil while it can't
// be answered.
func (p *prometheus) query(q string) map[string]float64 {
	p.t.Helper()
	response, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(q))
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil
	}
	if answer.Error != "" {
		p.t.Fatalf("%s: %s", q, answer.Error)
	}
	out := map[string]float64{}
	for _, one := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(one.Value[1]), 64)
		if err != nil {
			p.t.Fatalf("%s: %v", q, err)
		}
		out[one.Metric["variant"]+" "+one.Metric["trial"]] = v
	}
	return out
}

// Prometheus scrapes a run under way, and has its histograms as native ones: as
// many calls as ended OK, and quantiles as the run itself has them.
func TestPrometheusScrapesARun(t *testing.T) {
	t.Parallel() // it waits for a run most of the time
	// It scrapes before there is a run: on a busy machine it may take longer to
	// start than the run lasts.
	address := freeAddress(t)
	p := startPrometheus(t, address)
	// So many trials that it is not over before it was scraped, on any machine.
	r := startRun(t, "--trials", "200", "--measure", "3s", "--live", address)
	began := time.Now()
	seen := map[string]bool{}
	underWay := func() bool {
		// Whatever was scraped, not only what was there when somebody asked.
		return len(p.query(`count_over_time((histogram_count(grpcbench_response_seconds) and on(variant, trial) grpcbench_trial_running == 1)[5m:200ms])`)) > 0
	}
	for len(seen) < 3 || !underWay() {
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("within five minutes only these trials: %v; a trial seen under way: %v", seen, underWay())
		}
		time.Sleep(300 * time.Millisecond)
		// Of the trials that have ended: all of one scrape.
		const over = ` and on(variant, trial) grpcbench_trial_valid`
		counts := p.query(`histogram_count(grpcbench_response_seconds)` + over)
		calls := p.query(`grpcbench_calls{code="OK"}` + over)
		failed := p.query(`sum by (variant, trial) (grpcbench_calls{code!="OK"})` + over)
		own := p.query(`grpcbench_response_quantile_seconds{q="0.5"}` + over)
		p50 := p.query(`histogram_quantile(0.5, grpcbench_response_seconds)` + over)
		for key, n := range counts {
			if seen[key] || n == 0 || calls[key] == 0 {
				continue
			}
			seen[key] = true
			if n != calls[key] {
				t.Errorf("%s: the histogram counts %v calls, %v ended OK", key, n, calls[key])
			}
			// Service times have a median of 2 ms, and calls a second; the machine may
			// be busy. The run's own quantile ranks failed calls, too.
			if !(p50[key] > 0.001 && p50[key] < 1.1) || failed[key] == 0 && math.Abs(p50[key]/own[key]-1) > 0.023 {
				t.Errorf("%s: a median of %v s, by the run itself %v s", key, p50[key], own[key])
			}
		}
	}
	_ = r.cmd.Process.Signal(os.Interrupt)
	<-r.ended
	// Its classic buckets are left out where there are native ones.
	if got := p.query(`count(last_over_time(grpcbench_response_seconds_bucket[5m]))`); len(got) != 0 {
		t.Errorf("classic buckets: %v", got)
	}
}
