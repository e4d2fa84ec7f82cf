package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// answered is a trial with so many answers of paced messages, all of that time but
// one in fifty, which takes ten times as long.
func answered(t *testing.T, n int, took time.Duration) stats.Sample {
	t.Helper()
	h := result.NewHistogram()
	for i := range n {
		h.Record(int64(took))
		if i%50 == 0 {
			h.Record(int64(10 * took))
		}
	}
	return stats.Sample{Series: &result.Series{Planned: 1, Latency: map[result.Measure]result.Summary{result.MessageResponse: summary(t, h, h.Count())}}}
}

func TestMessageColumns(t *testing.T) {
	every := result.Load{MessageEveryNS: 50e6}
	of := func(load result.Load, samples ...stats.Sample) row { return row{load: load, samples: samples} }
	all := table{rows: []row{
		// The median trial of three, and a fourth that has too few to have a say.
		of(every, answered(t, 1000, 300*time.Microsecond), answered(t, 1000, 200*time.Microsecond), answered(t, 1000, 7*time.Millisecond), answered(t, 1, time.Second)),
		of(every, answered(t, 100, time.Millisecond)), // enough for p50 only
		of(every, answered(t, 0, 0)),                  // paced, and none answered
		of(result.Load{}, answered(t, 0, 0)),          // not paced
	}}
	got := all.messages()
	if len(got) != 2 {
		t.Fatalf("%d columns", len(got))
	}
	var text [][]string
	for _, c := range got {
		line := append([]string{c.head, c.key()}, c.cells...)
		for _, n := range c.notes {
			line = append(line, n.text)
		}
		text = append(text, line)
	}
	want := [][]string{
		{"message p50 ms", "message_p50", "0.300", "1.00", "n/a", "–", "message p50 n/a: needs 6 answered messages a trial"},
		{"message p99 ms", "message_p99", "3.00", "n/a", "n/a", "–", "message p99 n/a: needs 368 answered messages a trial",
			"message: from when a message was due to its answer; of those answered"},
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if none := (&table{rows: all.rows[2:]}); none.messages() != nil {
		t.Error("columns of messages that nobody answered")
	}
}

// The figures of paced messages are in every format that people read, and can be
// asked for.
func TestMessagesAreShown(t *testing.T) {
	r := paced(t)
	var review strings.Builder
	if err := Review(&review, r, "plots"); err != nil {
		t.Fatal(err)
	}
	for name, format := range map[string]string{
		"HTML":   render(t, HTML, r, Options{}),
		"review": review.String(),
		"wide":   render(t, Table, r, Options{Columns: 80, Wide: true}),
	} {
		for _, want := range []string{"message p50 ms", "message p99 ms", "13.9", "8.91"} {
			if !strings.Contains(format, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	text := render(t, Table, r, Options{Columns: 60, Select: []string{"message_p99"}, Sort: "message_p99"})
	if !strings.Contains(text, "\nfeed       message p99 ms\n") || strings.Index(text, "keepalive            8.91") > strings.Index(text, "plain *              13.9") {
		t.Errorf("column or order are not what was asked for:\n%s", text)
	}
}
