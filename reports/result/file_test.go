package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full is a result with every field set that has a rule of its own.
func full(t *testing.T) *Result {
	t.Helper()
	return &Result{
		SchemaVersion: SchemaVersion, Partial: true, Started: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Seed: math.MaxUint64,
		Note: "<&>\u202e", Labels: map[string]string{"commit": "abc"},
		Scenario: Scenario{Name: "s", Dimensions: []Dimension{{Name: "d", Values: []string{"a"}}}},
		Validity: Validity{Verdict: Suspect, Reasons: []Reason{{Code: "c", Verdict: Suspect, Figure: 0.1, Limit: 1e-9}}},
		Variants: []Variant{{Name: "v", Loads: []Load{{Name: "l"}}, Trials: []Trial{{
			Series: []Series{{
				Name: "l", Codes: map[string]int64{"OK": 2}, Origins: map[Origin]int64{},
				Latency: map[Measure]Summary{Response: summarize(t, recorded([]int64{1e6, 2e6}), 3)},
			}},
			Exemplars: []Exemplar{{Call: "l/1", Attempts: []Attempt{{Backend: "b0"}}}},
			Fleet:     &Fleet{Backends: []Backend{{Name: "b0", Attempts: map[string]int64{"M": 1}}}},
			Client:    Client{Attempts: []AttemptCount{}},
		}}}},
	}
}

func TestWriteRead(t *testing.T) {
	want := full(t)
	var first bytes.Buffer
	if err := Write(&first, want); err != nil {
		t.Fatal(err)
	}
	text := first.String()
	if !strings.HasPrefix(text, "{\n  \"schema_version\": 1,\n") || !strings.HasSuffix(text, "\n}\n") {
		t.Errorf("layout: %q … %q", text[:40], text[len(text)-10:])
	}
	if !strings.Contains(text, `"p99_ns": null`) {
		t.Error("a quantile that failed is not null")
	}
	got, err := Read(&first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
}

// Written variant by variant or at once: it is the same text.
func TestWriteIsPlainJSON(t *testing.T) {
	none, empty, two := full(t), full(t), full(t)
	none.Variants, empty.Variants = nil, []Variant{}
	two.Variants = append(two.Variants, Variant{Name: "w"})
	for _, r := range []*Result{none, empty, full(t), two} {
		want, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Write(&got, r); err != nil {
			t.Fatal(err)
		}
		plain := strings.ReplaceAll(string(want), "\u202e", `\u202e`)
		if diff := cmp.Diff(plain+"\n", got.String()); diff != "" {
			t.Errorf("%d variants (-want +got):\n%s", len(r.Variants), diff)
		}
	}
}

// What a terminal would obey is escaped, and read back as it was.
func TestWriteEscapes(t *testing.T) {
	r := full(t)
	r.Note = "a\u009b31m\x1b[2J\x7f\u202eb 漢字 é \U000e0041 \u2028\n"
	var out bytes.Buffer
	if err := Write(&out, r); err != nil {
		t.Fatal(err)
	}
	if want := `"note": "a\u009b31m\u001b[2J\u007f\u202eb 漢字 é \udb40\udc41 \u2028\n"`; !strings.Contains(out.String(), want) {
		t.Errorf("the note is not %s", want)
	}
	if again, err := Read(&out); err != nil || again.Note != r.Note {
		t.Errorf("read back as %q, %v", again.Note, err)
	}
}

// A document may name its version anywhere, but only one.
func TestReadVersionAnywhere(t *testing.T) {
	for in, want := range map[string]string{
		`{"seed": 3, "schema_version": 1}`:                      "",
		`{"schema_version": 1, "seed": 3}`:                      "",
		`{"schema_version": 1, "seed": 3, "schema_version": 2}`: "the result has schema_version 2 as well as 1",
		`{"seed": 3, "schema_version": 2}`:                      "the result has schema_version 2 and this grpcbench reads 1: use a newer one",
	} {
		r, err := Read(strings.NewReader(in))
		if want == "" && (err != nil || r.Seed != 3) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":            {"", "not a result: it is empty"},
		"not JSON":         {"name: quick\n", "not a result: line 1: invalid character 'a' in literal null (expecting 'u')"},
		"other JSON":       {`{"name": 1}`, "not a result: it has no schema_version"},
		"an array":         {"[]", "not a result: line 1: json: cannot unmarshal array"},
		"null":             {"null", "not a result: it has no schema_version"},
		"newer":            {`{"schema_version": 2}`, "the result has schema_version 2 and this grpcbench reads 1: use a newer one"},
		"older":            {`{"schema_version": 0}`, "the result has schema_version 0; this grpcbench reads 1"},
		"cut short":        {"{\"schema_version\": 1,\n\"seed\":\n", "not a result: line 3: unexpected end of JSON input"},
		"two documents":    {"{\"schema_version\": 1}\n{}", "not a result: line 2: invalid character '{' after top-level value"},
		"a wrong type":     {"{\"schema_version\": 1,\n\"seed\": -1}", "not a result: line 2: json: cannot unmarshal number -1"},
		"a wrong type far": {"{\"schema_version\": 1,\n\"variants\": [{\n\"name\": 3}]}", "not a result: line 3: json: cannot unmarshal number"},
	} {
		if _, err := Read(strings.NewReader(c.in)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	broken := errors.New("broken disk")
	if _, err := Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a reader's error: %v", err)
	}
}

func TestWriteErrors(t *testing.T) {
	r := full(t)
	r.Variants[0].Trials[0].Series[0].InSLO = math.NaN()
	if err := Write(io.Discard, r); err == nil {
		t.Error("NaN was written")
	}
	if err := Write(fullDisk{}, full(t)); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "result.json")
	for range 2 { // the second replaces the first
		if err := full(t).Save(path); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"result.json"}, names(t, dir)); diff != "" {
		t.Errorf("files left (-want +got):\n%s", diff)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(t), got); diff != "" {
		t.Errorf("-saved +read:\n%s", diff)
	}
}

// A failure leaves the old file and nothing else.
func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "result.json")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	unwritable := full(t)
	unwritable.Validity.Reasons[0].Figure = math.Inf(1)
	for name, err := range map[string]error{
		"encoding": unwritable.Save(path),
		"full disk": WriteFile(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, "{ half of it"); err != nil {
				return err
			}
			return errFull
		}),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "saving "+path+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
		t.Errorf("the old file: %q, %v", old, err)
	}
	if diff := cmp.Diff([]string{"result.json"}, names(t, dir)); diff != "" {
		t.Errorf("files left (-want +got):\n%s", diff)
	}
	// A directory in the file's place: writing works and renaming does not.
	busy := filepath.Join(dir, "busy")
	if err := os.MkdirAll(filepath.Join(busy, "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := full(t).Save(busy); err == nil {
		t.Error("saved over a directory")
	}
	if diff := cmp.Diff([]string{"busy", "result.json"}, names(t, dir)); diff != "" {
		t.Errorf("files left (-want +got):\n%s", diff)
	}
	if err := full(t).Save(filepath.Join(dir, "missing", "result.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
}

// What a path leads to is written, and not the path replaced by a file: a link stays
// a link, and a device or a pipe what it is.
func TestWriteFileReplacesFilesOnly(t *testing.T) {
	hello := func(w io.Writer) error {
		_, err := io.WriteString(w, "hello")
		return err
	}
	dir := t.TempDir()
	file, toFile, toDevice := filepath.Join(dir, "file"), filepath.Join(dir, "to-file"), filepath.Join(dir, "to-device")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{toFile: file, toDevice: os.DevNull} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(link, hello); err != nil {
			t.Error(err)
		}
		if got, err := os.Readlink(link); got != to {
			t.Errorf("%s leads to %q (%v), want %s", link, got, err, to)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "hello" {
		t.Errorf("behind the link stands %q (%v)", text, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("left %v", left)
	}

	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := fmt.Sprintf("/dev/fd/%d", w.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd")
	}
	if err := WriteFile(path, hello); err != nil {
		t.Error(err)
	}
	_ = w.Close()
	if text, err := io.ReadAll(r); string(text) != "hello" {
		t.Errorf("the pipe got %q (%v)", text, err)
	}
}
