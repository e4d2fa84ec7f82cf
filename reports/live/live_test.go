package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// plan is a result before its first trial.
func plan() *result.Result {
	load := []result.Load{{Name: "reads", Method: "user.v1.UserService/GetUser", Kind: result.Unary, Loop: result.Open, RatePerS: 100, SLONS: 50e6}}
	r := &result.Result{
		SchemaVersion: result.SchemaVersion, Started: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Validity: result.Validity{Verdict: result.Valid},
		Scenario: result.Scenario{
			Name: "small", Trials: 2, WarmupNS: 1500e6, MeasureNS: 10e9, Isolation: "inprocess",
			Dimensions: []result.Dimension{{Name: "retry", Values: []string{"none", "immediate"}, Baseline: "none"}},
		},
	}
	for _, v := range []string{"none", "immediate"} {
		r.Variants = append(r.Variants, result.Variant{
			Name: "retry=" + v, Settings: map[string]string{"retry": v}, Loads: load,
			Faults: []result.FaultWindow{{Name: "outage", Kind: "down", AtNS: 3e9, ForNS: 2e9}},
		})
	}
	return r
}

// second is a second of calls that took 1 ms, 2 ms, … n ms.
func second(at, n int) *result.Interval {
	h := result.NewHistogram()
	for i := range n {
		h.Record(int64(i+1) * 1e6)
	}
	s := result.IntervalSeries{Name: "reads", Planned: int64(n), OK: int64(n), InSLO: int64(n), Attempts: int64(n), Responses: h, Spread: h.Spread()}
	if q := h.Quantiles(int64(n), 0.99); q[0] != nil {
		s.P99NS = *q[0]
	}
	return &result.Interval{Second: at, Series: []result.IntervalSeries{s}}
}

func step(trial, at, n int) Step {
	s := Step{Variant: "retry=none", Block: 1, Blocks: 2, Trial: trial, Trials: 4, Phase: "measuring", Measuring: true}
	if n > 0 {
		s.Interval = second(at, n)
	}
	return s
}

// trial is a finished one, whose calls took 1 ms to n ms.
func trial(t *testing.T, n int) result.Trial {
	t.Helper()
	h := second(0, n).Series[0].Responses
	summary, err := h.Summarize(int64(n))
	if err != nil {
		t.Fatal(err)
	}
	return result.Trial{
		MeasuredNS: 10e9, Validity: result.Validity{Verdict: result.Valid}, State: result.Steady,
		Series: []result.Series{{
			Name: "reads", Planned: int64(n), Calls: int64(n), Attempts: int64(n), InSLO: 1, Codes: map[string]int64{"OK": int64(n)},
			Latency: map[result.Measure]result.Summary{result.Response: summary},
		}},
	}
}

// served is a server on a network in memory.
type served struct {
	*Server
	run    *Run
	dial   func() (net.Conn, error)
	client http.Client
}

// pipes is a network without any buffer: what is not read is not written.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func serve(t *testing.T, open bool) *served {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := &served{run: NewRun()}
	s.Server = Serve(l, s.run, open, true)
	s.dial = l.dial
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial() }}
	s.client.Transport = transport
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *served) get(t *testing.T, path, host string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

// watcher reads events.
type watcher struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Reader
}

func (s *served) watch(t *testing.T) *watcher {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %s", response.StatusCode, response.Header.Get("Content-Type"))
	}
	t.Cleanup(func() { response.Body.Close() })
	return &watcher{t, response.Body, bufio.NewReader(response.Body)}
}

// next is the next message.
func (w *watcher) next() message {
	w.t.Helper()
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			w.t.Fatalf("no message: %v", err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			var m message
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				w.t.Fatal(err)
			}
			return m
		}
	}
}

func TestPageTellsTheWholeStateAndGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		if r, text := s.get(t, "/", ""); r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("before the run: %d %s", r.StatusCode, text)
		}
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		for i := range 5 {
			s.run.Step(step(1, i, 100))
		}
		// Opened in the middle, with JavaScript or not: all there is so far.
		r, text := s.get(t, "/", "")
		for _, want := range []string{"second 5 of 10", "trial 1 of 4", "No trial has ended yet", "Calls due", "none, now", `class="f"`, `http-equiv="refresh"`} {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if policy := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'sha256-") {
			t.Errorf("policy %q", policy)
		}
		w := s.watch(t)
		if m := w.next(); m.Report == "" || m.Ended || !strings.Contains(m.Now, "second 5 of 10") || !strings.Contains(m.Report, "none, now") {
			t.Errorf("the first message is not the whole state: %+v", m)
		}
		s.run.Step(step(1, 5, 100))
		if m := w.next(); m.Report != "" || !strings.Contains(m.Now, "second 6 of 10") || !strings.Contains(m.Plots["t0-plots"], "none, now") {
			t.Errorf("a second later: %+v", m)
		}
		res := plan()
		res.Variants[0].Trials = []result.Trial{trial(t, 1000)}
		s.run.Trial(res)
		if m := w.next(); !strings.Contains(m.Report, "1 of 2 trials") || strings.Contains(m.Report, "none, now") {
			t.Errorf("after a trial: %s", m.Report)
		}
		res.Variants[1].Trials = []result.Trial{trial(t, 2000)}
		s.run.End(res, "results/small/1")
		m := w.next()
		if !m.Ended || !strings.Contains(m.Now, "The run has ended") || !strings.Contains(m.Now, "report in results/small/1") {
			t.Errorf("at the end: %+v", m)
		}
		if _, err := w.in.ReadString('\n'); err == nil {
			_, err = io.Copy(io.Discard, w.in)
			if err != nil {
				t.Errorf("after the end: %v", err)
			}
		}
		if _, text := s.get(t, "/", ""); strings.Contains(text, `http-equiv="refresh"`) {
			t.Error("a page of what is over is loaded again and again")
		}
	})
}

// Who reads nothing holds up nobody: not the run, not another page, and not its
// own next state, which is the newest.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		stuck, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer stuck.Close()
		if _, err := io.WriteString(stuck, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(s.watching) != 1 {
			t.Fatalf("%d watch", len(s.watching))
		}
		began := time.Now()
		s.run.Step(step(1, 0, 0))
		for i := range 9 {
			s.run.Step(step(1, i, 100))
		}
		w := s.watch(t)
		if m := w.next(); !strings.Contains(m.Now, "second 9 of 10") {
			t.Errorf("another page sees %s", m.Now)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the run waited for %v", took)
		}
		// Its place is given up when it has not read for long enough.
		go func() { _, _ = io.Copy(io.Discard, w.in) }()
		time.Sleep(writePatience + time.Second)
		synctest.Wait()
		if len(s.watching) != 1 {
			t.Errorf("%d watch where one reads", len(s.watching))
		}
		w.body.Close()
	})
}

// A reader who comes back to it sees the newest state next, not all between.
func TestNewestStateWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		slow, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if _, err := io.WriteString(slow, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i := range 9 {
			s.run.Step(step(1, i, 100))
			synctest.Wait()
		}
		response, err := http.ReadResponse(bufio.NewReader(slow), nil)
		if err != nil {
			t.Fatal(err)
		}
		w := &watcher{t, response.Body, bufio.NewReader(response.Body)}
		states := 0
		for {
			states++
			if strings.Contains(w.next().Now, "second 9 of 10") {
				break
			}
		}
		if states > 2 {
			t.Errorf("%d states until the newest", states)
		}
	})
}

// The end does not wait for ever for who reads nothing.
func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		stuck, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer stuck.Close()
		if _, err := io.WriteString(stuck, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.run.End(plan(), "")
		began := time.Now()
		if err := s.Server.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > flushPatience {
			t.Errorf("the end took %v", took)
		}
		s.served <- http.ErrServerClosed // for the clean-up's Close
	})
}

func TestManyWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		for range mostWatchers {
			s.watch(t).next()
		}
		if r, _ := s.get(t, "/events", ""); r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("one more: %d", r.StatusCode)
		}
		if r, _ := s.get(t, "/", ""); r.StatusCode != http.StatusOK {
			t.Errorf("the page: %d", r.StatusCode)
		}
	})
}

// While nobody watches, nothing is rendered.
func TestNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, false)
		s.run.Start(plan())
		s.run.Step(step(1, 0, 0))
		w := s.watch(t)
		w.next()
		w.body.Close()
		s.client.CloseIdleConnections()
		synctest.Wait()
		rendered := s.view.read
		for i := range 5 {
			s.run.Step(step(1, i, 100))
		}
		s.run.Trial(plan())
		synctest.Wait()
		if s.view.read != rendered || len(s.watching) != 0 {
			t.Errorf("rendered %v, then %v; %d watch", rendered, s.view.read, len(s.watching))
		}
	})
}

func TestHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, open := range []bool{false, true} {
			s := serve(t, open)
			s.run.Start(plan())
			for host, want := range map[string]bool{
				"localhost": true, "localhost:8080": true, "LOCALHOST:1": true, "127.0.0.1:8080": true, "127.0.0.1": true, "[::1]:8080": true, "[::1]": true,
				"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "0.0.0.0:8080": open, "192.0.2.7:8080": open,
			} {
				for _, path := range []string{"/", "/nothing"} {
					r, text := s.get(t, path, host)
					if got := r.StatusCode != http.StatusMisdirectedRequest; got != want {
						t.Errorf("open %v, Host %s, %s: %d %s", open, host, path, r.StatusCode, text)
					}
				}
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", ":0": "127.0.0.1:0", "localhost:8080": "localhost:8080", "[::1]:80": "[::1]:80",
		"0.0.0.0:8080": "0.0.0.0:8080 open", "192.0.2.7:80": "192.0.2.7:80 open", "[::]:80": "[::]:80 open", "[2001:db8::1]:80": "[2001:db8::1]:80 open",
		"": "want a port", "http": "want a port", "65536": "want a port", "-1": "want a port", "1.2.3.4": "want PORT or HOST:PORT|want a port",
		"example.com:80": "want an IP address", "::1": "want PORT", "a:b:c": "want PORT", ":http": "want a port",
	} {
		a, err := ParseAddress(text)
		got := a.Listen
		if a.Open {
			got += " open"
		}
		if err != nil {
			ok := false
			for _, w := range strings.Split(want, "|") {
				ok = ok || strings.HasPrefix(err.Error(), w)
			}
			if !ok {
				t.Errorf("%q: %v, want %s", text, err, want)
			}
		} else if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget{share: 100}
		began := time.Now()
		time.Sleep(30 * time.Millisecond) // so long it took
		b.spent(began)
		if wait := b.next.Sub(began); wait != 3*time.Second {
			t.Errorf("again after %v", wait)
		}
	})
}

// What a second costs the run itself, and what it costs while somebody watches.
func BenchmarkSecond(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%v", watched), func(b *testing.B) {
			run := NewRun()
			res := plan()
			res.Scenario.MeasureNS = 120e9
			run.Start(res)
			v := newView(run)
			at, recorded := 0, second(0, 2000)
			for b.Loop() {
				if at%120 == 0 {
					run.Step(step(at/120+1, 0, 0))
				}
				in := step(at/120+1, 0, 0)
				in.Interval = recorded
				in.Interval.Second = at % 120
				run.Step(in)
				at++
				if watched {
					v.second.next, v.trial.next = time.Time{}, time.Time{}
					if text, _, _, _, err := v.message(stamp{1, -1}); err != nil || len(text) == 0 {
						b.Fatalf("%d bytes, %v", len(text), err)
					}
				}
			}
		})
	}
}
