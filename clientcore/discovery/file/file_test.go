package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/file"
	"github.com/grpcbench/grpcbench/clientcore/discovery/internal/churntest"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []discovery.Endpoint
		err        string
	}{
		{name: "empty"},
		{name: "only comments", text: "# none\n\n  \t\n"},
		{name: "addresses in order", text: "b:1\na:1\n", want: discovery.Addresses("b:1", "a:1")},
		{name: "weights, comments, spaces", text: "  a:1\t3 # three\n[::1]:2#near\r\n",
			want: []discovery.Endpoint{{Address: "a:1", Weight: 3}, {Address: "[::1]:2"}}},
		{name: "no port", text: "a:1\n\nb\n", err: `line 3: must be host:port (got "b")`},
		{name: "port by name", text: "a:https\n", err: `line 1: must have a port from 1 to 65535 (got "a:https")`},
		{name: "port out of range", text: "a:65536\n", err: `line 1: must have a port from 1 to 65535 (got "a:65536")`},
		{name: "weight 0", text: "a:1 0\n", err: `line 1: weight must be from 1 to 4294967295 (got "0")`},
		{name: "weight out of range", text: "a:1 4294967296\n", err: `line 1: weight must be from 1 to 4294967295 (got "4294967296")`},
		{name: "too much", text: "a:1 2 3\n", err: "line 1: must be an address and possibly a weight (got 3 words)"},
		{name: "twice", text: "a:1\nb:1\na:1 5\n", err: `line 3: must be an address of its own (got "a:1", which line 1 has)`},
		{name: "cut off", text: "a:1\nb:1", err: "line 2: must end in a newline: is the file still being written?"},
		{name: "all errors at once", text: "a\nb:1\nc\n", err: "line 1: must be host:port (got \"a\")\nline 3: must be host:port (got \"c\")"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := file.Parse([]byte(test.text))
			if err == nil && test.err != "" || err != nil && err.Error() != test.err {
				t.Errorf("error %v, want %s", err, test.err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// write is endpoints as a file has them.
func write(endpoints []discovery.Endpoint) string {
	var b strings.Builder
	for _, e := range endpoints {
		b.WriteString(e.Address)
		if e.Weight > 0 {
			fmt.Fprintf(&b, " %d", e.Weight)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// FuzzParse: what is understood is good endpoints, none twice, and reads the
// same when it is written again; nothing is understood of what is cut off.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a:1\n", "a:1 3 # x\r\n[::1]:2\n", "a\nb", "\xff:1\n", "a:1 00\n", "\n\n#\n", "a:1\v2\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		endpoints, err := file.Parse([]byte(text))
		if err != nil {
			if endpoints != nil || !strings.HasPrefix(err.Error(), "line ") {
				t.Fatalf("%q: %v with error %q", text, endpoints, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, e := range endpoints {
			if discovery.CheckAddress(e.Address) != nil || seen[e.Address] {
				t.Fatalf("%q has address %q", text, e.Address)
			}
			seen[e.Address] = true
		}
		again, err := file.Parse([]byte(write(endpoints)))
		if err != nil || !slices.Equal(again, endpoints) {
			t.Fatalf("%q is %v, written again %v, %v", text, endpoints, again, err)
		}
		if cut := strings.TrimRight(text, "\n"); cut != "" {
			if _, err := file.Parse([]byte(cut)); err == nil {
				t.Fatalf("%q is understood though it is cut off", cut)
			}
		}
	})
}

// place replaces the file at path, as a whole.
func place(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// log is what a watch tells, without repetitions: how often an error is told
// depends on its backoff.
type log []string

func (l *log) Update(endpoints []discovery.Endpoint) {
	l.add(strings.ReplaceAll(strings.TrimSpace(write(endpoints)), "\n", ", "))
}

func (l *log) Error(err error) {
	l.add("error: " + err.Error()[strings.LastIndex(err.Error(), ": ")+2:])
}

func (l *log) add(line string) {
	if len(*l) == 0 || (*l)[len(*l)-1] != line {
		*l = append(*l, line)
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	synctest.Test(t, func(t *testing.T) {
		r, err := file.New(file.Config{Path: path, Every: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(500 * time.Millisecond)
			place(t, path, "a:1\n") // a look that failed is repeated soon
			time.Sleep(500 * time.Millisecond)
			place(t, path, "never:1\n") // the looks are rarer than this
			time.Sleep(100 * time.Millisecond)
			place(t, path, "a:1\nb:1 2\n")
			time.Sleep(15 * time.Second)
			place(t, path, "a:1\nb:") // broken
			r.Refresh()
			time.Sleep(250 * time.Millisecond)
			place(t, path, "a:1\nb:1 2\n") // told again, so that the error is known to be over
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var l log
		r.Watch(ctx, &l)
		want := []string{"error: no such file or directory", "a:1", "a:1, b:1 2", "error: is the file still being written?", "a:1, b:1 2"}
		if !slices.Equal(l, want) {
			t.Errorf("\n got %q\nwant %q", l, want)
		}
	})
}

func TestDiscover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	place(t, path, "a:1\n")
	r, err := file.New(file.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Discover(t.Context()); err != nil || !slices.Equal(got, discovery.Addresses("a:1")) {
		t.Errorf("Discover: %v, %v", got, err)
	}
	place(t, path, "a\n")
	_, err = r.Discover(t.Context())
	if want := "file " + path + `: line 1: must be host:port (got "a")`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	place(t, path, strings.Repeat("#\n", 8<<20)+"a:1\n")
	if _, err = r.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), "must be at most 16777216 bytes") {
		t.Errorf("error %v for a file that is too large", err)
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		config file.Config
		want   string
	}{
		{file.Config{}, "file: Path must name a file"},
		{file.Config{Path: "x", Every: -1}, "file: Every must be > 0, or 0 for 1s (got -1ns)"},
	} {
		if _, err := file.New(test.config); err == nil || err.Error() != test.want {
			t.Errorf("%+v: error %v, want %s", test.config, err, test.want)
		}
	}
}

// TestChurn replaces the file under load, in virtual time.
func TestChurn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	synctest.Test(t, func(t *testing.T) {
		b := churntest.Memory(t, 3)
		r, err := file.New(file.Config{Path: path, Every: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		churntest.Run(t, b, b.Dial(t, r), func(addresses []string) { place(t, path, write(discovery.Addresses(addresses...))) })
	})
}

func TestTrapNewestUpdateIsNeverLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	synctest.Test(t, func(t *testing.T) {
		r, err := file.New(file.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		churntest.Newest(t, r, func(address string) { place(t, path, address+"\n") })
	})
}

// TestTrapWatchStops ends a watch while it waits for the next look, and while it
// waits out a failure. The bubble's end finds any goroutine that is left.
func TestTrapWatchStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"", "a:1\n"} {
			if text != "" {
				place(t, path, text)
			}
			r, err := file.New(file.Config{Path: path, Every: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			r.Watch(ctx, new(log))
			if ran := time.Since(start); ran != time.Minute {
				t.Errorf("file %q: the watch ran for %v, its context for a minute", text, ran)
			}
		}
	})
}
