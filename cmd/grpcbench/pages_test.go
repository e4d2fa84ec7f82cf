package main

import (
	"bytes"
	"errors"
	"testing"
)

func TestPages(t *testing.T) {
	var p pages
	var want bytes.Buffer
	for i, n := range []int{0, 1, pageSize - 1, 1, 3 * pageSize, 17} {
		text := bytes.Repeat([]byte{byte('a' + i)}, n)
		want.Write(text)
		if got, err := p.Write(text); got != n || err != nil {
			t.Fatalf("wrote %d of %d, %v", got, n, err)
		}
	}
	var got bytes.Buffer
	if n, err := p.WriteTo(&got); err != nil || n != int64(want.Len()) || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes of %d, %v", n, want.Len(), err)
	}
	full := errors.New("full")
	if n, err := p.WriteTo(failing{full}); n != 0 || !errors.Is(err, full) {
		t.Errorf("%d, %v", n, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
