package reports

import (
	"slices"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/reports/stats"
)

// messages are the columns of how long paced messages took to be answered, each
// from when it was due: what a call of such an entry is read for, which itself
// takes as long as its plan says. There are none where no message was answered.
func (t *table) messages() []column {
	if !slices.ContainsFunc(t.rows, func(r row) bool { return r.answers() > 0 }) {
		return nil
	}
	var ns []float64
	for i := range t.rows {
		for _, q := range []stats.Quantile{stats.P50, stats.P99} {
			if l := stats.Message(t.rows[i].samples, q); l.Known() {
				ns = append(ns, l.NS)
			}
		}
	}
	u := unitFor(ns)
	p50 := t.message(stats.P50, u, rankMessageP50)
	p99 := t.message(stats.P99, u, rankMessageP99)
	p99.notes = append(p99.notes, note{noteMessages, "message: from when a message was due to its answer; of those answered"})
	return []column{p50, p99}
}

// message makes a column of one quantile of paced messages.
func (t *table) message(q stats.Quantile, u unit, rank int) column {
	name, few := "message "+q.String(), false
	c := t.each(name+" "+u.name, rank, func(r *row) string {
		l := stats.Message(r.samples, q)
		switch {
		case l.Known():
			return significant(l.NS / u.ns)
		case r.load.MessageEveryNS == 0 && r.answers() == 0:
			return blank // compared with others that are paced
		}
		few = true
		return tooFew
	})
	if few {
		c.notes = append(c.notes, note{noteTooFew, name + " n/a: needs " + count(stats.MinSamples(float64(q))) + " answered messages a trial"})
	}
	return c
}

// answers is how many paced messages were answered in all trials.
func (r *row) answers() (n int64) {
	for _, s := range r.samples {
		n += s.Series.Latency[result.MessageResponse].Count
	}
	return n
}
