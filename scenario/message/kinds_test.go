package message

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// renderText is a template's text for one call.
func renderText(t testing.TB, text string, e *Env) string {
	t.Helper()
	var ordinal uint64
	plain, of, faults := parseText(text, &ordinal)
	if len(faults) > 0 {
		t.Fatalf("%s: %+v", text, faults)
	}
	if of == nil {
		return plain
	}
	out, err := of.appendText(nil, e)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return string(out)
}

// Every function has a line of its own, is called as its usage says, and follows from
// the seed.
func TestFunctions(t *testing.T) {
	for _, f := range Functions() {
		if f.Doc == "" || !strings.HasPrefix(f.Usage, f.Name) {
			t.Errorf("%s: no doc line, or a usage of something else", f.Name)
		}
		text := "{{ " + f.Usage + " }}"
		same, others := true, 0
		first := renderText(t, text, &Env{Seed: 0})
		for seed := range uint64(64) {
			a, b := renderText(t, text, &Env{Seed: seed}), renderText(t, text, &Env{Seed: seed, Call: 9})
			same = same && a == b
			if a != first {
				others++
			}
		}
		if !same || others == 0 {
			t.Errorf("%s: depends on more than the seed, or not on it", f.Name)
		}
		// Two in one message, and the messages of a stream, draw for themselves.
		apart := 0
		for seed := range uint64(64) {
			two := strings.Split(renderText(t, text+" "+text, &Env{Seed: seed}), " ")
			if two[0] != two[1] && renderText(t, text, &Env{Seed: seed}) != renderText(t, text, &Env{Seed: seed, Message: 1}) {
				apart++
			}
		}
		if apart == 0 {
			t.Errorf("%s: two of them draw the same", f.Name)
		}
	}
}

func TestUUID(t *testing.T) {
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for seed := range uint64(1000) {
		id := renderText(t, "{{uuid}}", &Env{Seed: seed})
		if !v4.MatchString(id) || seen[id] {
			t.Fatalf("%s is no UUID, or not the first of its kind", id)
		}
		seen[id] = true
	}
}

// Every number of a small interval comes about as often: within five standard
// deviations of 6,000 draws. The ends of the largest interval do not overflow.
func TestRandInt(t *testing.T) {
	counts := map[string]int{}
	for seed := range uint64(6000) {
		counts[renderText(t, "{{ randInt -2 3 }}", &Env{Seed: seed})]++
	}
	for n := -2; n <= 3; n++ {
		if c := counts[fmt.Sprint(n)]; c < 856 || c > 1144 {
			t.Errorf("%d came %d times in 6,000, want about 1,000", n, c)
		}
	}
	if len(counts) != 6 {
		t.Errorf("there are others: %v", counts)
	}
	negative := 0
	for seed := range uint64(1000) {
		if strings.HasPrefix(renderText(t, "{{ randInt -9223372036854775808 9223372036854775807 }}", &Env{Seed: seed}), "-") {
			negative++
		}
	}
	if negative < 420 || negative > 580 {
		t.Errorf("%d of 1,000 are negative, want about half", negative)
	}
	if got := renderText(t, "{{ randInt 7 7 }}", &Env{Seed: 1}); got != "7" {
		t.Errorf("randInt 7 7 is %s", got)
	}
}

func TestRandFloat(t *testing.T) {
	sum := 0.0
	for seed := range uint64(4000) {
		v, err := randFloat{low: -1, high: 3}.value(&Env{Seed: seed})
		if err != nil || !(v.real >= -1 && v.real < 3) {
			t.Fatalf("%v, %v is out of the interval", v, err)
		}
		sum += v.real
	}
	if mean := sum / 4000; math.Abs(mean-1) > 5*4/math.Sqrt(12*4000) {
		t.Errorf("the mean is %v, want about 1", mean)
	}
	v, _ := randFloat{low: -math.MaxFloat64, high: math.MaxFloat64}.value(&Env{Seed: 1})
	if math.IsInf(v.real, 0) || math.IsNaN(v.real) {
		t.Errorf("the largest interval gives %v", v.real)
	}
}

func TestRandStringAndBytes(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	got := render(t, s, md, `{"customerId": "{{ randString 40 }}", "payload": "{{ randBytes 13 }}", "note": "{{ randBytes 13 }}"}`, &Env{Seed: 5}).ProtoReflect()
	if text := got.Get(md.Fields().ByName("customer_id")).String(); !regexp.MustCompile(`^[a-zA-Z0-9]{40}$`).MatchString(text) {
		t.Errorf("randString gives %q", text)
	}
	if n := len(got.Get(md.Fields().ByName("payload")).Bytes()); n != 13 {
		t.Errorf("randBytes 13 are %d bytes in a field of bytes", n)
	}
	if note := got.Get(md.Fields().ByName("note")).Message(); len(note.Get(note.Descriptor().Fields().ByNumber(1)).String()) != 20 {
		t.Errorf("randBytes 13 are %v in text, want 20 characters of base64", note)
	}
}

// A message is a function of its template and what it is rendered from, whatever was
// rendered with the same Env before.
func TestRenderingIsPure(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	feed := testFeed(t)
	of, err := Compile(md, Text{JSON: []byte(`{"customerId": "{{ uuid }}-{{ .row.id }}", "amount": "1{{ randInt 1 9 }}", "payload": "{{ randBytes 9 }}", "note": "{{ .row.price }}",
		"extra": {"a": "{{ randString 3 }}x", "b": "{{ .row.n }}"}, "at": "{{ .row.at }}", "items": [{"sku": "{{ randChoice 'a' 'b' }}", "weight": "{{ randFloat 0 1 }}"}]}`)}, s)
	if err != nil {
		t.Fatal(err)
	}
	envs := func(i uint64) Env {
		row, _ := feed.Row(Sequential, i, 1)
		return Env{Seed: i * 77, Call: i, Message: i % 3, Row: row}
	}
	var fresh [][]byte
	for i := range uint64(50) {
		e := envs(i)
		wire, err := of.Append(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		fresh = append(fresh, wire)
	}
	var reused Env
	for i := uint64(49); i > 0; i-- {
		e := envs(i)
		reused.Seed, reused.Call, reused.Message, reused.Row = e.Seed, e.Call, e.Message, e.Row
		wire, err := of.Append(nil, &reused)
		if err != nil || string(wire) != string(fresh[i]) {
			t.Fatalf("call %d: another message, %v", i, err)
		}
	}
	// Goroutines share a template, each with an Env of its own.
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range uint64(50) {
				e := envs(i)
				if wire, err := of.Append(nil, &e); err != nil || string(wire) != string(fresh[i]) {
					t.Errorf("call %d, beside others: another message, %v", i, err)
				}
			}
		})
	}
	group.Wait()
	if string(fresh[1]) == string(fresh[2]) {
		t.Error("two calls send the same")
	}
}

// The bytes of some draws, so that a seed keeps its meaning from release to release.
func TestSeedsKeepTheirMeaning(t *testing.T) {
	e := &Env{Seed: 7, Call: 3}
	for text, want := range map[string]string{
		"{{ uuid }}":                   "b427b4ba-3d34-4455-a3ba-d3de59893125",
		"{{ randInt 1 1000000 }}":      "335758",
		"{{ randFloat 0 1 }}":          "0.33575750834525353",
		"{{ randString 12 }}":          "ujFYecFU2iMk",
		"{{ randBytes 6 }}":            "tCe0uj00",
		"{{ randChoice 1 2 3 4 5 6 }}": "3",
	} {
		if got := renderText(t, text, e); got != want {
			t.Errorf("%s gives %s, gave %s", text, got, want)
		}
	}
}

// The page for users has a row for every function and every order, in the words that
// are here.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "own-service.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Functions() {
		if row := fmt.Sprintf("| `{{ %s }}` | %s |", f.Usage, f.Doc); !strings.Contains(string(page), row) {
			t.Errorf("docs/own-service.md lacks the row %s", row)
		}
	}
	for _, o := range Orders() {
		if row := fmt.Sprintf("| `%s` | %s", o.Name, o.Doc); !strings.Contains(string(page), row) {
			t.Errorf("docs/own-service.md lacks the row %s", row)
		}
	}
}
