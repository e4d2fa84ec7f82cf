//go:build e2e

package reports

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// running is grpcbench at work, and the address of its live page.
type running struct {
	cmd    *exec.Cmd
	url    string
	folder string
	ended  chan struct{}
}

func startRun(t *testing.T, args ...string) *running {
	t.Helper()
	binary, scenario := os.Getenv("E2E_GRPCBENCH"), os.Getenv("E2E_SCENARIO")
	if binary == "" || scenario == "" {
		t.Skip("E2E_GRPCBENCH and E2E_SCENARIO are not set")
	}
	r := &running{folder: filepath.Join(t.TempDir(), "result"), ended: make(chan struct{})}
	r.cmd = exec.Command(binary, append([]string{"run", scenario, "--live", ":0", "--out", r.folder, "--quiet"}, args...)...)
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "live: "); ok {
			r.url = url
			break
		}
	}
	go func() {
		for lines.Scan() {
		}
		_ = r.cmd.Wait()
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	if r.url == "" {
		t.Fatal("the run does not say where its live page is")
	}
	return r
}

// until waits for an expression to become true in the page.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		if b.eval(expression) == true {
			return
		}
		if time.Since(began) > 5*time.Minute {
			b.t.Fatalf("%s: not within five minutes", what)
		}
	}
}

// During a run the page draws itself anew, in every look, and at its end says so.
func TestBrowserLive(t *testing.T) {
	t.Parallel() // it waits for a run most of the time
	// So many trials that it is not over before it was looked at, on any machine.
	r := startRun(t, "--trials", "200", "--measure", "6s")
	b := newBrowser(t)
	clean := func(what string) {
		t.Helper()
		for _, p := range b.problems {
			t.Errorf("%s: the page complains: %s", what, p)
		}
		for _, url := range b.requests {
			if !strings.HasPrefix(url, r.url) && !strings.HasPrefix(url, "data:") { // Chromium draws fingers of its own
				t.Errorf("%s: the page loads %s", what, url)
			}
		}
	}
	narrow := func(what string, l look) {
		t.Helper()
		var metrics struct {
			CSSContentSize struct{ Width, Height float64 }
		}
		b.call("Page.getLayoutMetrics", nil, &metrics)
		if int(metrics.CSSContentSize.Width) > l.width {
			t.Errorf("%s: %v wide in a window of %d", what, metrics.CSSContentSize.Width, l.width)
		}
	}
	light := look{"light", 1200, false, false}
	b.visit(r.url, light)
	b.until("the first trial's plots", `document.querySelectorAll("#t0-plots path.l.now").length > 2`)
	// A line of the trial under way grows from second to second.
	const grown = `document.querySelector("#t0-plots .grid path.l.now")?.getAttribute("d").length || 0`
	before := b.eval(grown).(float64)
	b.until("a longer line", fmt.Sprintf("(%s) > %v", grown, before))
	b.until("the first trial's row", `document.querySelectorAll("#t0 tbody tr").length > 0`)
	// What the reader chose stays: a hidden variant, a sorted table.
	b.click("label:has(#t0-0)")
	b.until("the second trial's row", `document.querySelectorAll("#t0 tbody tr").length > 1`)
	if b.eval(`document.getElementById("t0-0").checked`) != false {
		t.Error("a variant that was hidden is shown again")
	}
	b.click("label:has(#t0-0)")
	clean("live")
	narrow("live", light)
	b.picture("live-light")
	page := b.session

	for _, l := range []look{{"dark", 1200, true, false}, {"phone", 360, false, false}, {"phone-dark-nojs", 360, true, true}, {"nojs", 1200, false, true}} {
		b.visit(r.url, l)
		if !l.noJS {
			time.Sleep(2 * time.Second)
		}
		if n := len(b.nodes("#t0-plots path.l")); n == 0 {
			t.Errorf("%s: no plots", l.name)
		}
		clean(l.name)
		narrow(l.name, l)
		b.picture("live-" + l.name)
		if l.noJS {
			// It comes again by itself.
			if n := len(b.nodes("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]")); n == 0 {
				t.Errorf("%s: it is not loaded again", l.name)
			}
		}
	}

	b.session, b.problems = page, nil
	b.until("the third trial's row", `document.querySelectorAll("#t0 tbody tr").length > 2`)
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	b.until("the end", `document.querySelector("#now").textContent.includes("The run has ended")`)
	<-r.ended
	if text := fmt.Sprint(b.eval(`document.querySelector("#now").textContent`)); !strings.Contains(text, "report in "+r.folder) {
		t.Errorf("the end says %q", text)
	}
	if n := b.eval(`document.querySelectorAll("#t0 tbody tr").length`); n != 3.0 && n != 6.0 {
		t.Errorf("%v rows at the end", n)
	}
	time.Sleep(3 * time.Second) // longer than a lost connection would take to be noticed
	if b.eval(`document.querySelector("#now .chip").textContent`) == "not connected" {
		t.Error("after the end the page takes the connection for lost")
	}
	clean("ended")
	b.picture("live-ended")
}
