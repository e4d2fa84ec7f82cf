package live

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// mostWatchers is how many pages are sent events at a time, mostConnections
	// how many connections there may be in all.
	mostWatchers    = 16
	mostConnections = 64
	// writePatience is how long a reader may take for one event.
	writePatience = 10 * time.Second
	// keepAlive is how often a page hears something at least.
	keepAlive = 15 * time.Second
	// flushPatience is how long the end waits for pages to be sent the last
	// state.
	flushPatience = 2 * time.Second
)

// Server serves a run.
type Server struct {
	run      *Run
	view     *view
	exporter exporter
	open     bool
	http     http.Server

	watching chan struct{} // holds one for each watcher
	served   chan error
}

// Serve serves the run on the listener, until Close. open says that other
// machines are let in. There are metrics at /metrics and, with page, the live
// page.
func Serve(l net.Listener, run *Run, open, page bool) *Server {
	s := &Server{run: run, view: newView(run), exporter: exporter{run: run}, open: open, watching: make(chan struct{}, mostWatchers), served: make(chan error, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	if page {
		mux.HandleFunc("GET /{$}", s.page)
		mux.HandleFunc("GET /events", s.events)
	}
	s.http = http.Server{
		Handler:           s.checked(mux),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      writePatience, // an event stream sets its own
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is no news of the run
	}
	go func() { s.served <- s.http.Serve(netutil.LimitListener(l, mostConnections)) }()
	return s
}

// Close ends the server. Where the run has ended, pages that watch it are sent
// the end first, for flushPatience at most.
func (s *Server) Close() error {
	if _, ended, _ := s.run.watch(); ended {
		ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
		defer cancel()
		_ = s.http.Shutdown(ctx) // what is left is cut off
	}
	err := s.http.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// checked refuses what did not ask for this machine, and sets what every
// answer has.
func (s *Server) checked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if err := checkHost(r.Host, s.open); err != nil {
			http.Error(w, err.Error(), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) page(w http.ResponseWriter, _ *http.Request) {
	text, policy, err := s.view.wholePage()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	if text == nil {
		h.Set("Refresh", "1")
		http.Error(w, "The run is about to begin.", http.StatusServiceUnavailable)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	_, _ = w.Write(text)
}

// events sends the state as it changes. There is no queue: who is slow is sent
// the newest state when they are ready for it, and misses those between.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.watching <- struct{}{}:
		defer func() { <-s.watching }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many pages watch already", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	c := http.NewResponseController(w)
	send := func(text []byte) error {
		if err := c.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		return c.Flush()
	}
	if send([]byte("retry: 2000\n\n")) != nil {
		return
	}
	seen := stamp{-1, -1}
	for r.Context().Err() == nil {
		_, _, changed := s.run.watch()
		text, of, ended, wait, err := s.view.message(seen)
		if err != nil || text != nil && send(text) != nil || ended {
			return
		}
		seen = of
		alive := wait == 0
		if alive {
			wait = keepAlive
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-r.Context().Done():
		case <-timer.C:
			if alive && send([]byte(":\n\n")) != nil {
				return
			}
		}
		timer.Stop()
	}
}
