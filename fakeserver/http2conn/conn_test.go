package http2conn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// wire is a connection that reads from a buffer, a few bytes at a time, and
// writes to another.
type wire struct {
	net.Conn
	random *rand.Rand // nil: as much as there is
	in     []byte
	out    bytes.Buffer
	broken error
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.in) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(w.in))
	if w.random != nil {
		n = min(n, 1+w.random.IntN(30))
	}
	copy(p, w.in[:n])
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	if w.broken != nil {
		return 0, w.broken
	}
	return w.out.Write(p)
}

// headers is a block of header fields. The encoder keeps its tables from one
// block to the next.
type headers struct {
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newHeaders() *headers {
	h := &headers{}
	h.encoder = hpack.NewEncoder(&h.block)
	return h
}

func (h *headers) encode(t *testing.T, kv ...string) []byte {
	t.Helper()
	h.block.Reset()
	for i := 0; i < len(kv); i += 2 {
		must(t, h.encoder.WriteField(hpack.HeaderField{Name: kv[i], Value: kv[i+1]}))
	}
	return slices.Clone(h.block.Bytes())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What a client sends, in whichever way it is cut up, comes through as it was,
// with the number of the stream added to each request's headers and to nothing
// else.
func TestRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var sent bytes.Buffer
		sent.WriteString(preface)
		f := http2.NewFramer(&sent, nil)
		h := newHeaders()
		var want []string
		must(t, f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 70_000}))
		want = append(want, "SETTINGS 0 6")
		for i := range uint32(1 + random.IntN(5)) {
			id := 2*i + 1
			fields := []string{":method", "POST", ":path", fmt.Sprint("/call/", random.IntN(3)), "user", fmt.Sprint(random.IntN(3))}
			block := h.encode(t, fields...)
			cut := random.IntN(len(block) + 1)
			param := http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: random.IntN(2) == 0}
			if random.IntN(2) == 0 {
				param.PadLength = uint8(random.IntN(9))
			}
			if random.IntN(2) == 0 {
				param.Priority = http2.PriorityParam{Weight: 3}
			}
			if random.IntN(2) == 0 {
				param.BlockFragment, param.EndHeaders = block[:cut], false
			}
			must(t, f.WriteHeaders(param))
			if !param.EndHeaders {
				must(t, f.WriteContinuation(id, true, block[cut:]))
			}
			want = append(want, fmt.Sprint("HEADERS ", id, " ", strings.Join(fields, " "), " ", StreamKey, " ", id))
			must(t, f.WriteData(id, false, make([]byte, random.IntN(100))))
			want = append(want, fmt.Sprint("DATA ", id))
			switch random.IntN(5) {
			case 0:
				must(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.encode(t, "trailer", "x"), EndHeaders: true, EndStream: true}))
				want = append(want, fmt.Sprint("HEADERS ", id, " trailer x"))
			case 1:
				must(t, f.WritePing(true, [8]byte{1, 2, 3}))
				want = append(want, "PING 0 8")
			case 2:
				must(t, f.WriteRSTStream(id, http2.ErrCodeCancel))
				want = append(want, fmt.Sprint("RST_STREAM ", id, " 4"))
			case 3:
				must(t, f.WriteSettingsAck())
				want = append(want, "SETTINGS 0 0")
			}
		}
		c := New(&wire{in: sent.Bytes(), random: random})
		if got := readAll(t, c, len(preface)); !cmp.Equal(want, got) {
			t.Fatalf("-want +got:\n%s", cmp.Diff(want, got))
		}
	}
}

// readAll reads frames to the end of r, behind so many bytes.
func readAll(t *testing.T, r io.Reader, skip int) (got []string) {
	t.Helper()
	_, err := io.CopyN(io.Discard, r, int64(skip))
	must(t, err)
	f := http2.NewFramer(nil, r)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := f.ReadFrame()
		if errors.Is(err, io.EOF) {
			return got
		}
		must(t, err)
		head := frame.Header()
		text := fmt.Sprint(head.Type, " ", head.StreamID)
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range frame.Fields {
				text += " " + field.Name + " " + field.Value
			}
		case *http2.DataFrame: // its length does not matter
		default:
			text += fmt.Sprint(" ", head.Length)
		}
		got = append(got, text)
	}
}

// request is the beginning of a connection with some open streams.
func request(t *testing.T, ids ...uint32) []byte {
	t.Helper()
	var sent bytes.Buffer
	sent.WriteString(preface)
	f := http2.NewFramer(&sent, nil)
	h := newHeaders()
	for _, id := range ids {
		must(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.encode(t, ":method", "POST"), EndHeaders: true}))
	}
	return sent.Bytes()
}

// message is a message as gRPC frames it.
func message(n int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(n)), make([]byte, n)...)
}

// A reset comes after the messages that it is to come after, in whichever way
// they are cut into frames and writes, and between two frames.
func TestReset(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		w := &wire{in: request(t, 1, 3)}
		c := New(w)
		_, err := io.Copy(io.Discard, c)
		must(t, err)
		// What gRPC writes: messages of stream 1 in several frames, with those
		// of stream 3 between.
		var plain bytes.Buffer
		f := http2.NewFramer(&plain, nil)
		h := newHeaders()
		var body []byte
		var ends []int
		for range 1 + random.IntN(5) {
			body = append(body, message(random.IntN(40)*random.IntN(2))...)
			ends = append(ends, len(body))
		}
		after := random.IntN(len(ends) + 1)
		must(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.encode(t, ":status", "200"), EndHeaders: true}))
		position, due, frames, resetAfter := 0, after == 0, 1, -1
		for position < len(body) {
			n := 1 + random.IntN(len(body)-position)
			must(t, f.WriteData(1, false, body[position:position+n]))
			position, frames = position+n, frames+1
			if !due && position >= ends[after-1] {
				due, resetAfter = true, frames
			}
			if random.IntN(2) == 0 {
				must(t, f.WriteData(3, false, message(9)))
				frames++
			}
		}
		early := random.IntN(2) == 0
		if early {
			must(t, c.reset(1, uint32(http2.ErrCodeRefusedStream), after))
		}
		for rest := plain.Bytes(); len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			m, err := c.Write(rest[:n])
			must(t, err)
			if m != n {
				t.Fatalf("%d of %d bytes written", m, n)
			}
			rest = rest[n:]
		}
		if !early {
			must(t, c.reset(1, uint32(http2.ErrCodeRefusedStream), after))
		}
		got := readAll(t, bytes.NewReader(w.out.Bytes()), 0)
		place := slices.Index(got, "RST_STREAM 1 4")
		want := frames // after all that there was
		switch {
		case early && after == 0:
			want = 0
		case early:
			want = resetAfter
		}
		if place != want || got[place+1] != "PING 0 8" || len(got) != frames+2 {
			t.Fatalf("after %d of %v, asked for before: %v; the reset is frame %d, want %d:\n%q", after, ends, early, place, want, got)
		}
		// The client's answer to the ping ends the stream on this side.
		var ping bytes.Buffer
		must(t, http2.NewFramer(&ping, nil).WritePing(true, [8]byte(pingFor(1))))
		w.in = ping.Bytes()
		if got := readAll(t, c, 0); !slices.Equal(got, []string{"RST_STREAM 1 4"}) {
			t.Fatalf("gRPC reads %q", got)
		}
		if len(c.open) != 1 || c.open[3] == nil {
			t.Fatalf("open streams: %v", c.open)
		}
	}
}

// A stream that has ended, either way, is forgotten, and not reset any more.
func TestEndedStreams(t *testing.T) {
	w := &wire{in: request(t, 1, 3, 5, 7)}
	c := New(w)
	_, err := io.Copy(io.Discard, c)
	must(t, err)
	if got := c.LastStream(); got != 7 {
		t.Errorf("the last stream is %d", got)
	}
	f := http2.NewFramer(c, nil)
	h := newHeaders()
	must(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: h.encode(t, ":status", "200"), EndHeaders: true, EndStream: true}))
	must(t, f.WriteRSTStream(3, http2.ErrCodeCancel))
	var cancelled bytes.Buffer
	must(t, http2.NewFramer(&cancelled, nil).WriteRSTStream(5, http2.ErrCodeCancel))
	w.in = cancelled.Bytes()
	_, err = io.Copy(io.Discard, c)
	must(t, err)
	if len(c.open) != 1 || c.open[7] == nil {
		t.Fatalf("open streams: %v", c.open)
	}
	written := w.out.Len()
	for _, id := range []uint32{1, 3, 5, 9} {
		must(t, c.reset(id, 0, 0))
	}
	if w.out.Len() != written {
		t.Error("a stream that has ended was reset")
	}
}

// Frames are put in whole, between those of gRPC, whoever writes when.
func TestInject(t *testing.T) {
	server, client := net.Pipe()
	c := New(server)
	defer c.Close()
	defer client.Close()
	const n = 200
	var writers sync.WaitGroup
	writers.Go(func() {
		var plain bytes.Buffer
		f := http2.NewFramer(&plain, nil)
		for i := range n {
			if err := f.WriteData(1, false, make([]byte, i)); err != nil {
				t.Error(err)
			}
		}
		random := rand.New(rand.NewPCG(5, 6))
		for rest := plain.Bytes(); len(rest) > 0; {
			m := min(1+random.IntN(100), len(rest))
			if _, err := c.Write(rest[:m]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[m:]
		}
	})
	for range 2 {
		writers.Go(func() {
			for range n {
				if err := c.Inject(0x7, 0, 0, make([]byte, 8)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() {
		writers.Wait()
		c.Close()
	}()
	counts := map[string]int{}
	for _, frame := range readAll(t, client, 0) {
		counts[frame]++
	}
	if d := cmp.Diff(map[string]int{"DATA 1": n, "GOAWAY 0 8": 2 * n}, counts); d != "" {
		t.Error(d)
	}
}

// Whoever asks for a frame while the connection is stuck waits for it without
// holding up reading, and goes on when it is closed.
func TestStuckConnection(t *testing.T) {
	server, client := net.Pipe()
	c := New(server)
	stuck := make(chan error, 2)
	go func() { _, err := c.Write(make([]byte, headerLen)); stuck <- err }() // nobody reads
	go func() { stuck <- c.Inject(typePing, 0, 0, make([]byte, 8)) }()
	go func() { _, _ = client.Write([]byte(preface)) }()
	got := make([]byte, len(preface))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != preface {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, c.Close())
	failed := 0
	for range 2 {
		select {
		case err := <-stuck:
			if err != nil {
				failed++
			}
		case <-time.After(2 * time.Minute):
			t.Fatal("a writer is stuck")
		}
	}
	// The write may have brought the other's frame along.
	if failed == 0 {
		t.Error("writing to a closed connection succeeds")
	}
	_ = client.Close()
}

func TestBrokenConnection(t *testing.T) {
	w := &wire{broken: errors.New("broken")}
	c := New(w)
	if _, err := c.Write(make([]byte, headerLen)); !errors.Is(err, w.broken) {
		t.Errorf("writing: %v", err)
	}
	if err := New(w).Inject(0, 0, 0, nil); !errors.Is(err, w.broken) {
		t.Errorf("putting in: %v", err)
	}
}

// Bytes that are no HTTP/2 do no harm in either direction.
func FuzzGarbage(f *testing.F) {
	f.Add([]byte(preface), []byte("\x00\x00\x05\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"), 3)
	f.Add([]byte(preface+"\x00\x00\x00\x01\x04\x00\x00\x00\x01\x00\x00\x08\x06\x01\x00\x00\x00\x00rst#\x00\x00\x00\x01"), []byte("x"), 1)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n and then some more than the preface is long"), []byte{}, 1000)
	f.Fuzz(func(t *testing.T, in, out []byte, cut int) {
		w := &wire{in: in}
		c := New(w)
		read, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		if n := min(len(in), len(preface)); string(read[:min(n, len(read))]) != string(in[:min(n, len(read))]) {
			t.Errorf("the beginning %q became %q", in, read)
		}
		cut = max(0, min(cut, len(out)))
		for _, part := range [][]byte{out[:cut], out[cut:]} {
			if n, err := c.Write(part); n != len(part) || err != nil {
				t.Errorf("%d of %d bytes written: %v", n, len(part), err)
			}
		}
		if !bytes.Equal(w.out.Bytes(), out) {
			t.Errorf("%q was written as %q", out, w.out.Bytes())
		}
	})
}
