package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/grpcbench/grpcbench/reports"
)

// The parts of the time that rendering may take: of what a second changes, and
// of what a finished trial does, which is rendered while the next trial is
// prepared.
const (
	secondShare = 100
	trialShare  = 20
)

// budget lets a work be done again only when it took no more than a part in
// share of the time since it began.
type budget struct {
	share int
	next  time.Time
}

func (b *budget) spent(began time.Time) {
	b.next = began.Add(time.Since(began) * time.Duration(b.share))
}

// view renders a run, for all who watch together, when one of them asks.
type view struct {
	run *Run

	mu            sync.Mutex
	live          *reports.Live
	second, trial budget
	read          stamp   // of what was rendered last
	last          message // which that is; whole and small are it, encoded on demand
	whole, small  []byte
	page          []byte
	pageOf        stamp
	paged         budget
}

func newView(r *Run) *view {
	return &view{run: r, second: budget{share: secondShare}, trial: budget{share: trialShare}, paged: budget{share: trialShare}}
}

// message is what the live page's script is sent.
type message struct {
	Run    string            `json:"run"` // another one makes the page load itself anew
	Now    string            `json:"now"`
	Plots  map[string]string `json:"plots,omitempty"`
	Report string            `json:"report,omitempty"`
	Ended  bool              `json:"ended,omitempty"`
}

// message is the newest there is for who has seen so much, as an event; nil
// where they have seen it. Where there is something newer which it is not yet
// time to render, wait is how long that will take.
func (v *view) message(seen stamp) (text []byte, of stamp, ended bool, wait time.Duration, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if wait, err = v.render(); err != nil || v.live == nil || v.read == seen {
		return nil, seen, false, max(0, wait), err
	}
	m, cached := v.last, &v.whole
	if v.read.trials == seen.trials {
		m.Report, cached = "", &v.small
	}
	if *cached == nil {
		if *cached, err = encode(m); err != nil {
			return nil, seen, false, 0, err
		}
	}
	return *cached, v.read, m.Ended, max(0, wait), nil
}

// render renders what has changed, as far as there is time for it.
func (v *view) render() (wait time.Duration, err error) {
	known, ended, _ := v.run.watch()
	if known == v.read {
		return 0, nil
	}
	began := time.Now()
	b := &v.second
	if known.trials != v.read.trials {
		b = &v.trial
	}
	if wait = b.next.Sub(began); wait > 0 && !ended {
		return wait, nil
	}
	res, moment, known := v.run.now()
	if res == nil {
		return 0, nil
	}
	m := message{Run: res.Started.Format(time.RFC3339Nano), Report: v.last.Report, Ended: moment.Ended}
	if known.trials != v.read.trials {
		if v.live, err = reports.NewLive(res); err != nil {
			return 0, err
		}
		if m.Report, err = v.live.Report(moment); err != nil {
			return 0, err
		}
	}
	if m.Now, err = v.live.Now(moment); err != nil {
		return 0, err
	}
	if m.Plots, err = v.live.Plots(moment); err != nil {
		return 0, err
	}
	v.last, v.read, v.whole, v.small = m, known, nil, nil
	b.spent(began)
	return 0, nil
}

// wholePage is the page as it stands, and its policy; nil before the run has
// begun.
func (v *view) wholePage() (text []byte, policy string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := v.render(); err != nil || v.live == nil {
		return nil, "", err
	}
	began := time.Now()
	if v.pageOf != v.read && (v.page == nil || v.last.Ended || began.After(v.paged.next)) {
		_, moment, _ := v.run.now()
		var b bytes.Buffer
		if err := v.live.Page(&b, moment); err != nil {
			return nil, "", err
		}
		v.page, v.pageOf = b.Bytes(), v.read
		v.paged.spent(began)
	}
	return v.page, v.live.Policy(), nil
}

func encode(m message) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("data: ")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the script takes it as HTML, and it is half as long
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encoding the live page: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
