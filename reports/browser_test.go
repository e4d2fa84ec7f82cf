//go:build e2e

package reports

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grpcbench/grpcbench/reports/result"
)

// browser is a headless Chromium, spoken to over a pipe.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	id      int
	session string
	// problems are what pages wrote to the console, and requests they made.
	problems, requests []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	toRead, toWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromRead, fromWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toRead, fromWrite} // 3 and 4, as the flag has it
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	toRead.Close()
	fromWrite.Close()
	b := &browser{t: t, in: toWrite, out: bufio.NewReaderSize(fromRead, 1<<20)}
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil)
		done := make(chan struct{})
		go func() { _ = cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		toWrite.Close()
		fromRead.Close()
	})
	return b
}

func (b *browser) send(method string, params any) int {
	b.id++
	message := map[string]any{"id": b.id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = b.in.Write(append(text, 0))
	return b.id
}

type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *browser) next() message {
	b.t.Helper()
	text, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("Chromium ended: %v", err)
	}
	var m message
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatal(err)
	}
	switch m.Method {
	case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
		b.problems = append(b.problems, string(m.Params))
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &p)
		b.requests = append(b.requests, p.Request.URL)
	}
	return m
}

// call sends a command and waits for its answer, which it decodes into answer.
func (b *browser) call(method string, params, answer any) {
	b.t.Helper()
	id := b.send(method, params)
	for {
		m := b.next()
		if m.ID != id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if answer != nil {
			if err := json.Unmarshal(m.Result, answer); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// look is how a page is looked at.
type look struct {
	name       string
	width      int
	dark, noJS bool
}

// open shows a file in a new tab.
func (b *browser) open(file string, l look) { b.visit("file://"+file, l) }

// visit shows a page in a new tab.
func (b *browser) visit(url string, l look) {
	b.t.Helper()
	b.session = ""
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.problems, b.requests = nil, nil
	for _, domain := range []string{"Page", "Runtime", "Log", "Network", "DOM", "CSS"} {
		b.call(domain+".enable", nil, nil)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": l.noJS}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": l.width, "height": 900, "deviceScaleFactor": 1, "mobile": l.width < 500}, nil)
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for b.next().Method != "Page.loadEventFired" {
	}
}

// picture keeps what is seen.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("E2E_PICTURES")
	if dir == "" {
		return
	}
	var metrics struct {
		CSSContentSize struct{ Width, Height float64 }
	}
	b.call("Page.getLayoutMetrics", nil, &metrics)
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{
		"captureBeyondViewport": true,
		"clip":                  map[string]any{"x": 0, "y": 0, "width": metrics.CSSContentSize.Width, "height": metrics.CSSContentSize.Height, "scale": 1},
	}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// eval is a JavaScript expression's value.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	return answer.Result.Value
}

// nodes are the elements of a selector: it needs no JavaScript in the page.
func (b *browser) nodes(selector string) []int {
	b.t.Helper()
	var document struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", map[string]any{"depth": 0}, &document)
	var found struct{ NodeIDs []int }
	b.call("DOM.querySelectorAll", map[string]any{"nodeId": document.Root.NodeID, "selector": selector}, &found)
	return found.NodeIDs
}

// css is a computed property of the first element of a selector.
func (b *browser) css(selector, property string) string {
	b.t.Helper()
	nodes := b.nodes(selector)
	if len(nodes) == 0 {
		b.t.Fatalf("nothing is %s", selector)
	}
	var style struct {
		ComputedStyle []struct{ Name, Value string }
	}
	b.call("CSS.getComputedStyleForNode", map[string]any{"nodeId": nodes[0]}, &style)
	for _, p := range style.ComputedStyle {
		if p.Name == property {
			return p.Value
		}
	}
	return ""
}

// box is where an element lies: left, top, right, bottom in the window.
func (b *browser) box(selector string) [4]float64 {
	b.t.Helper()
	nodes := b.nodes(selector)
	if len(nodes) == 0 {
		b.t.Fatalf("nothing is %s", selector)
	}
	b.call("DOM.scrollIntoViewIfNeeded", map[string]any{"nodeId": nodes[0]}, nil)
	var model struct{ Model struct{ Border []float64 } }
	b.call("DOM.getBoxModel", map[string]any{"nodeId": nodes[0]}, &model)
	q := model.Model.Border
	return [4]float64{q[0], q[1], q[4], q[5]}
}

func (b *browser) mouse(kind string, x, y float64, clicks int) {
	b.t.Helper()
	b.call("Input.dispatchMouseEvent", map[string]any{
		"type": kind, "x": x, "y": y, "button": map[bool]string{true: "left", false: "none"}[kind != "mouseMoved"],
		"buttons": map[bool]int{true: 1, false: 0}[kind == "mousePressed"], "clickCount": clicks,
	}, nil)
}

func (b *browser) click(selector string) {
	b.t.Helper()
	q := b.box(selector)
	x, y := (q[0]+q[2])/2, (q[1]+q[3])/2
	b.mouse("mousePressed", x, y, 1)
	b.mouse("mouseReleased", x, y, 1)
}

// clean says that a page loaded nothing but itself and complained of nothing.
func (b *browser) clean(what string) {
	b.t.Helper()
	for _, p := range b.problems {
		b.t.Errorf("%s: the page complains: %s", what, p)
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, "file://") || len(b.requests) > 1 {
			b.t.Errorf("%s: the page loads %s", what, url)
		}
	}
}

func pageFile(t *testing.T, name string, r *result.Result) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".html")
	if err := os.WriteFile(path, []byte(render(t, HTML, r, Options{})), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The pages that are opened: what is made for tests, and a real result.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{
		"charted": pageFile(t, "charted", charted(t)), "hostile": pageFile(t, "hostile", hostileEverywhere(t)),
		"interrupted": pageFile(t, "interrupted", interrupted(t)), "never": pageFile(t, "never", never(t)),
		"kinds": pageFile(t, "kinds", kinds(t)), "many": pageFile(t, "many", many(t, 64, 2)),
	}
	if path := os.Getenv("E2E_RESULT"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := result.Read(f)
		if err != nil {
			t.Fatal(err)
		}
		out["real"] = pageFile(t, "real", r)
	}
	return out
}

// In every look a page is all there: it complains of nothing, loads nothing,
// and is no wider than the window.
func TestBrowserLooks(t *testing.T) {
	b := newBrowser(t)
	for name, file := range pages(t) {
		for _, l := range []look{
			{"light", 1200, false, false}, {"dark", 1200, true, false}, {"phone", 360, false, false}, {"phone-dark-nojs", 360, true, true},
			{"nojs", 1200, false, true},
		} {
			what := name + "-" + l.name
			b.open(file, l)
			b.clean(what)
			var metrics struct {
				CSSContentSize struct{ Width, Height float64 }
			}
			b.call("Page.getLayoutMetrics", nil, &metrics)
			if int(metrics.CSSContentSize.Width) > l.width {
				t.Errorf("%s: %v wide in a window of %d", what, metrics.CSSContentSize.Width, l.width)
			}
			if metrics.CSSContentSize.Height < 300 {
				t.Errorf("%s: only %v high", what, metrics.CSSContentSize.Height)
			}
			background := b.css("body", "background-color")
			if dark := background == "rgb(18, 22, 27)"; dark != l.dark {
				t.Errorf("%s: the background is %s", what, background)
			}
			if n := len(b.nodes("h1")); n != 1 {
				t.Errorf("%s: %d headings", what, n)
			}
			if name == "hostile" && len(b.nodes("main img, main script, main pre *")) > 0 {
				t.Errorf("%s: text became elements", what)
			}
			b.picture(what)
		}
	}
}

// With and without JavaScript a variant can be hidden in all plots.
func TestBrowserHidesVariants(t *testing.T) {
	b := newBrowser(t)
	file := pageFile(t, "charted", charted(t))
	for _, noJS := range []bool{false, true} {
		b.open(file, look{width: 1200, noJS: noJS})
		shown := func(selector string) bool { return b.css(selector, "display") != "none" }
		for _, plot := range []string{"#t0 path.l.r1", "#t0 path.b.r1", "#t0 figure.r1", "#t0 g.r1"} {
			if !shown(plot) {
				t.Errorf("no JavaScript %v: %s is hidden at first", noJS, plot)
			}
		}
		b.click("label:has(#t0-1)")
		for _, plot := range []string{"#t0 path.l.r1", "#t0 path.b.r1", "#t0 figure.r1", "#t0 g.r1"} {
			if shown(plot) {
				t.Errorf("no JavaScript %v: %s is still shown", noJS, plot)
			}
		}
		if !shown("#t0 path.l.r0") || !shown("#t0 tbody tr:nth-child(2)") {
			t.Errorf("no JavaScript %v: others are hidden", noJS)
		}
		if tools := shown(".tools"); tools == noJS {
			t.Errorf("no JavaScript %v: tools shown %v", noJS, tools)
		}
		b.click("label:has(#t0-1)")
		if !shown("#t0 path.l.r1") {
			t.Errorf("no JavaScript %v: it does not come back", noJS)
		}
	}
}

// Tables sort, plots zoom and say what lies under the pointer.
func TestBrowserScripts(t *testing.T) {
	b := newBrowser(t)
	b.open(pageFile(t, "charted", charted(t)), look{width: 1200})
	first := func() string {
		return fmt.Sprint(b.eval(`[...document.querySelectorAll("#t0 table tbody tr")].slice(0,4).map(r=>r.cells[0].textContent.split(" ")[0]).join(" ")`))
	}
	before := first()
	at := b.eval(`1 + [...document.querySelectorAll("#t0 table:first-of-type thead th")].findIndex(h => h.textContent === "p50 ms")`)
	column := fmt.Sprintf(`#t0 table thead th:nth-child(%v) button`, at)
	b.click(column)
	if got := first(); got != "exponential immediate fixed none" {
		t.Errorf("sorted by p50: %s, before %s", got, before)
	}
	b.click(column)
	if got := first(); got != "none fixed immediate exponential" {
		t.Errorf("sorted the other way: %s", got)
	}

	plot := `#t0 figure:has([data-x^="2,"]) > svg` // the spectrum, its axis in nines
	view := func() string {
		return fmt.Sprint(b.eval(`document.querySelector('` + plot + ` svg.data').getAttribute("viewBox")`))
	}
	q := b.box(plot)
	y := (q[1] + q[3]) / 2
	b.mouse("mouseMoved", q[0]+300, y, 0)
	if tip := fmt.Sprint(b.eval(`document.querySelector(".tip").hidden ? "" : document.querySelector(".tip").textContent`)); !strings.HasPrefix(tip, "p") || !strings.Contains(tip, " ms") || !strings.Contains(tip, "fixed") {
		t.Errorf("under the pointer: %q", tip)
	}
	b.picture("charted-pointer")
	b.mouse("mousePressed", q[0]+300, y, 1)
	b.mouse("mouseMoved", q[0]+500, y, 1)
	b.mouse("mouseReleased", q[0]+500, y, 1)
	if got := view(); strings.HasPrefix(got, "0 0 10000") {
		t.Errorf("dragging does not zoom: %s", got)
	}
	if n := b.eval(`document.querySelectorAll('` + plot + ` .xs text').length`); n.(float64) < 2 {
		t.Errorf("%v labels on the zoomed axis", n)
	}
	b.picture("charted-zoomed")
	b.mouse("mousePressed", q[0]+400, y, 1)
	b.mouse("mouseReleased", q[0]+400, y, 1)
	b.mouse("mousePressed", q[0]+400, y, 2)
	b.mouse("mouseReleased", q[0]+400, y, 2)
	if got := view(); got != "0 0 10000 10000" {
		t.Errorf("a double click does not undo it: %s", got)
	}
	b.click(`#t0 [data-do=none]`)
	if n := b.eval(`document.querySelectorAll("#t0 .legend input:checked").length`); n != 0.0 {
		t.Errorf("%v variants shown of none", n)
	}
	b.click(`#t0 [data-do=all]`)
	if n := b.eval(`document.querySelectorAll("#t0 .legend input:checked").length`); n != 4.0 {
		t.Errorf("%v variants shown of all", n)
	}
	b.clean("charted")
}

// On paper a page is light, even for who likes it dark, and no control is
// printed.
func TestBrowserPrints(t *testing.T) {
	b := newBrowser(t)
	b.open(pageFile(t, "charted", charted(t)), look{width: 1200, dark: true})
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print", "features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}}, nil)
	if got := b.css("body", "background-color"); got != "rgb(255, 255, 255)" {
		t.Errorf("paper is %s", got)
	}
	if got := b.css(".tools", "display"); got != "none" {
		t.Errorf("tools are printed: %s", got)
	}
	b.picture("charted-print")
	var printed struct{ Data string }
	b.call("Page.printToPDF", map[string]any{"printBackground": false}, &printed)
	pdf, err := base64.StdEncoding.DecodeString(printed.Data)
	if err != nil || !strings.HasPrefix(string(pdf), "%PDF") {
		t.Fatalf("no PDF: %v", err)
	}
	if dir := os.Getenv("E2E_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "charted.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// An SVG file is one that a browser draws, in both colours.
func TestBrowserDrawsSVG(t *testing.T) {
	b := newBrowser(t)
	dir := t.TempDir()
	for name, r := range map[string]*result.Result{"charted": charted(t), "hostile": hostileEverywhere(t)} {
		parts, err := SVG(r, Options{})
		if err != nil || len(parts) == 0 {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		for _, part := range parts {
			file := filepath.Join(dir, name+"."+part.Name+".svg")
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := part.Write(f); err != nil {
				t.Fatal(err)
			}
			f.Close()
			b.open(file, look{width: 920, dark: part.Name == "spectrum"})
			b.clean(part.Name)
			if n := len(b.nodes("svg > text.title")); n != 1 {
				t.Errorf("%s has %d titles", part.Name, n)
			}
			if name == "charted" {
				b.picture("svg-" + part.Name)
			}
		}
	}
}
