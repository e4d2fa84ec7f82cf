package servicetime_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
)

func TestReadPoints(t *testing.T) {
	want := []servicetime.Point{{P: 0.5, Time: 3 * ms}, {P: 0.99, Time: 40 * ms}, {P: 0.999, Time: 1200 * ms}}
	for name, text := range map[string]string{
		"names":        "p50,3ms\np99,40ms\np99.9,1.2s\n",
		"shares":       "0.5,3ms\n\n# slow\n0.99,40 ms\n0.999,1200ms",
		"percent":      "50%;3ms\n99%;40ms\n99.9 %;1.2s\n",
		"numbers":      "percentile\tlatency (ms)\n50\t3\n99\t40\n99.9\t1200\n",
		"seconds":      "quantile,value\n0.5,0.003\n0.99,0.04\n0.999,1.2\n",
		"underscore":   "quantile,latency_us\n0.5,3000\n0.99,40000\n0.999,1.2s\n",
		"in quotes":    "\"p50\",\"3ms\"\n\"p99\",\"40ms\"\n\"p99.9\",\"1.2s\"\n",
		"windows ends": "p50,3ms\r\np99,40ms\r\np99.9,1.2s\r\n",
	} {
		got, err := servicetime.ReadPoints(strings.NewReader(text))
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		for i := range want {
			if d := got[i].P - want[i].P; d > 1e-12 || d < -1e-12 || got[i].Time != want[i].Time {
				t.Errorf("%s: %v, want %v", name, got[i], want[i])
			}
		}
	}
	for text, want := range map[string]string{
		"":                       "must give at least two quantiles, in lines such as p99,40ms (got 0)",
		"p50,3ms":                "must give at least two quantiles, in lines such as p99,40ms (got 1)",
		"p50,3ms\np99":           "line 2: must have two columns, such as p99,40ms (got 1)",
		"p50,3ms\nx,4ms":         `line 2: must be a quantile between 0 and 1, such as p99, 99% or 0.99 (got "x")`,
		"p50,3ms\np100,4ms":      `line 2: must be a quantile between 0 and 1, such as p99, 99% or 0.99 (got "p100")`,
		"p50,3ms\np99,soon":      `line 2: must be a time > 0, such as 40ms (got "soon")`,
		"p50,3ms\np99,-4ms":      `line 2: must be a time > 0, such as 40ms (got "-4ms")`,
		"p99,3ms\np50,1ms":       "line 2: quantiles must rise, p50 comes after p99",
		"p50,3ms\n0.5,3ms\n1,4s": "line 2: quantiles must rise, 0.5 comes after p50",
	} {
		if got, err := servicetime.ReadPoints(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzReadPoints(f *testing.F) {
	f.Add("p50,3ms\np99,40ms\n")
	f.Add("q;ms\n50;3\n99;40")
	f.Fuzz(func(t *testing.T, text string) {
		points, err := servicetime.ReadPoints(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, p := range points {
			if !(p.P > 0 && p.P < 1) || p.Time <= 0 || i > 0 && p.P <= points[i-1].P {
				t.Fatalf("%q: %v", text, points)
			}
		}
	})
}

func TestLoad(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"good.csv": "p50,3ms\np99,40ms\n", "bad.csv": "p50,3ms\n", "falling.csv": "p50,3ms\np99,2ms\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	of := func(file string) servicetime.Choice {
		return servicetime.Choice{Quantiles: &servicetime.Quantiles{File: file}}
	}
	good := mixture(1, of("good.csv"), 1, servicetime.Choice{Fixed: &servicetime.Fixed{Time: ms}})
	if !good.Unread() {
		t.Error("nothing to be read")
	}
	if err := good.Load(folder); err != nil || good.Unread() {
		t.Errorf("%v, unread %v", err, good.Unread())
	}
	read := good.Mixture.Parts[0].Time.Quantiles.Points
	if want := []servicetime.Point{{P: 0.5, Time: 3 * ms}, {P: 0.99, Time: 40 * ms}}; !reflect.DeepEqual(read, want) {
		t.Errorf("%v, want %v", read, want)
	}
	for file, want := range map[string]string{
		"bad.csv":     "mixture[0].time.quantiles.file: bad.csv: must give at least two quantiles, in lines such as p99,40ms (got 1)",
		"falling.csv": "mixture[0].time.quantiles.p99: must be >= p50, 3ms (got 2ms)",
	} {
		m := mixture(1, of(file), 1, servicetime.Choice{Fixed: &servicetime.Fixed{Time: ms}})
		if got := render(m.Load(folder)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := render(of("none.csv").Load(folder)); !strings.HasPrefix(got, "quantiles.file: open ") {
		t.Error(got)
	}
}
