package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grpcbench/grpcbench/fakeserver/memnet"
)

const ms = time.Millisecond

// sleep waits with a plain timer.
func sleep(d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	}
}

// pair is the two ends of a connection over a network; done is closed when
// nothing is left of the link.
func pair(t *testing.T, c Config) (client net.Conn, server *Conn, done <-chan struct{}) {
	t.Helper()
	network := memnet.New()
	listener, err := network.Listen("tcp", "")
	must(t, err)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err = network.Dial(t.Context(), listener.Addr().String())
	must(t, err)
	raw := <-accepted
	ended := make(chan struct{})
	server = Wrap(raw, c, 1, sleep, func() { close(ended) })
	t.Cleanup(func() { client.Close(); server.Abort(); listener.Close(); <-ended })
	return client, server, ended
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open lets the handshake be over.
func open(c Config) { time.Sleep(2 * c.RTT) }

func send(t *testing.T, c net.Conn, n int) {
	t.Helper()
	if _, err := c.Write(bytes.Repeat([]byte{'x'}, n)); err != nil {
		t.Error(err)
	}
}

func receive(t *testing.T, c net.Conn, n int) {
	t.Helper()
	if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
		t.Error(err)
	}
}

func took(t *testing.T, what string, want time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	if got := time.Since(began); got != want {
		t.Errorf("%s took %v, want %v", what, got, want)
	}
}

// The first bytes are as late as TCP's handshake makes them, later ones half a
// round trip each way, however many there are.
func TestRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, _ := pair(t, c)
		took(t, "the first way there", 15*ms, func() {
			send(t, client, 1)
			receive(t, server, 1)
		})
		took(t, "the first way back", 5*ms, func() {
			send(t, server, 1)
			receive(t, client, 1)
		})
		for range 3 {
			took(t, "a round trip", 10*ms, func() {
				send(t, client, 100_000)
				receive(t, server, 100_000)
				send(t, server, 100_000)
				receive(t, client, 100_000)
			})
		}
	})
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := pair(t, Config{RTT: 10 * ms})
		took(t, "the server's first word", 20*ms, func() {
			send(t, server, 1)
			receive(t, client, 1)
		})
	})
}

func TestBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms, Bandwidth: 1_000_000}
		client, server, _ := pair(t, c)
		open(c)
		const n = 3_000_000 // more than the link holds: the sender waits
		for _, way := range []struct {
			name     string
			from, to net.Conn
		}{{"there", client, server}, {"back", server, client}} {
			took(t, way.name, 3005*ms, func() {
				go send(t, way.from, n)
				receive(t, way.to, n)
			})
		}
		// Both ways at once do not share.
		took(t, "both ways", 1005*ms, func() {
			go send(t, client, 1_000_000)
			go send(t, server, 1_000_000)
			back := make(chan struct{})
			go func() { receive(t, client, 1_000_000); close(back) }()
			receive(t, server, 1_000_000)
			<-back
		})
	})
}

// Jitter moves the round trip by what it says, and its mean not at all; bytes
// stay in order.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms, Jitter: 4 * ms}
		client, server, _ := pair(t, c)
		open(c)
		const n = 4000
		var sum, least, most time.Duration
		least = time.Hour
		for range n {
			began := time.Now()
			send(t, client, 1)
			receive(t, server, 1)
			send(t, server, 1)
			receive(t, client, 1)
			d := time.Since(began)
			sum, least, most = sum+d, min(least, d), max(most, d)
		}
		// The sum of two even spreads over ±2 ms: ±1.6 ms as standard deviation.
		se := 4 / math.Sqrt(6) / math.Sqrt(n)
		if mean := sum.Seconds() * 1000 / n; math.Abs(mean-10) > 4*se {
			t.Errorf("mean %v ms, want 10 ± %v", mean, 4*se)
		}
		if least < 6*ms || least > 7*ms || most < 13*ms || most > 14*ms {
			t.Errorf("from %v to %v, want 6 to 14 ms", least, most)
		}

		go func() {
			for i := range 256 {
				client.Write([]byte{byte(i)})
				time.Sleep(100 * time.Microsecond)
			}
		}()
		got := make([]byte, 256)
		_, err := io.ReadFull(server, got)
		must(t, err)
		for i, b := range got {
			if int(b) != i {
				t.Fatalf("byte %d is %d", i, b)
			}
		}
	})
}

// What was written before Close arrives, then the end; both late.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, done := pair(t, c)
		open(c)
		took(t, "the end", 5*ms, func() {
			send(t, server, 1000)
			must(t, server.Close())
			must(t, server.Close())
			if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after Close: %v", err)
			}
			if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}
			got, err := io.ReadAll(client)
			if len(got) != 1000 || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
		<-done
	})
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, done := pair(t, c)
		open(c)
		took(t, "the client's end", 5*ms, func() {
			send(t, client, 1000)
			client.Close()
			got, err := io.ReadAll(server)
			if len(got) != 1000 || err != nil {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
		must(t, server.Close())
		<-done
	})
}

// A reset is at once, and loses what is on the way.
func TestAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, done := pair(t, c)
		open(c)
		took(t, "the reset", 0, func() {
			send(t, server, 1000)
			must(t, server.SetLinger(0))
			server.Close()
			if got, _ := io.ReadAll(client); len(got) != 0 {
				t.Errorf("%d bytes arrived", len(got))
			}
			<-done
		})
	})
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, _ := pair(t, c)
		open(c)
		read := func() error { _, err := server.Read(make([]byte, 10)); return err }
		took(t, "a read of nothing", 3*ms, func() {
			must(t, server.SetReadDeadline(time.Now().Add(3*ms)))
			if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		took(t, "a read of what comes later", 3*ms, func() {
			send(t, client, 1)
			must(t, server.SetDeadline(time.Now().Add(3*ms)))
			if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		took(t, "a read after the deadline was taken back", 2*ms, func() {
			must(t, server.SetDeadline(time.Time{}))
			must(t, read())
		})
		took(t, "a deadline that is moved while a read waits", 7*ms, func() {
			time.AfterFunc(2*ms, func() { server.SetReadDeadline(time.Now().Add(5 * ms)) })
			if err := read(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
		})
		took(t, "a write that finds no room", 3*ms, func() {
			must(t, server.SetWriteDeadline(time.Now().Add(3*ms)))
			n, err := server.Write(make([]byte, 2*window))
			if !errors.Is(err, os.ErrDeadlineExceeded) || n < window-chunk || n > window {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	})
}

// A receiver that does not read stops the sender: the link holds no more than
// its window, whatever the sender has.
func TestBackpressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{RTT: 10 * ms}
		client, server, _ := pair(t, c)
		open(c)
		sent := make(chan struct{})
		go func() {
			send(t, client, 3*window)
			close(sent)
		}()
		time.Sleep(time.Second)
		server.in.mu.Lock()
		held := server.in.held
		server.in.mu.Unlock()
		select {
		case <-sent:
			t.Error("all was sent")
		default:
		}
		if held > window || held < window-chunk {
			t.Errorf("the link holds %d bytes, want %d", held, window)
		}
		receive(t, server, 3*window)
		<-sent
	})
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{RTT: ms, Jitter: ms, Bandwidth: 1000}, ""},
		{Config{RTT: -ms, Jitter: -ms, Bandwidth: 1}, "must be >= 0 (got -1ms)\nmust be from 0 to rtt, -1ms (got -1ms)\nmust be at least 100 bytes a second (got 1)"},
		{Config{RTT: ms, Jitter: 2 * ms}, "must be from 0 to rtt, 1ms (got 2ms)"},
	} {
		got := ""
		if err := c.config.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", strings.ReplaceAll(got, "\n", " | "), c.want)
		}
	}
}
