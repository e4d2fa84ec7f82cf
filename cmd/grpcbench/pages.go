package main

import "io"

// pages holds what is written until it is known to be whole. Unlike a
// bytes.Buffer it never copies what it has to make room: results can be large.
type pages struct{ list [][]byte }

const pageSize = 1 << 20

func (p *pages) Write(text []byte) (int, error) {
	for rest := text; len(rest) > 0; {
		n := len(p.list)
		if n == 0 || len(p.list[n-1]) == cap(p.list[n-1]) {
			p.list = append(p.list, make([]byte, 0, pageSize))
			n++
		}
		last := p.list[n-1]
		fits := min(len(rest), cap(last)-len(last))
		p.list[n-1] = append(last, rest[:fits]...)
		rest = rest[fits:]
	}
	return len(text), nil
}

// WriteTo writes all of it.
func (p *pages) WriteTo(w io.Writer) (int64, error) {
	var sum int64
	for _, page := range p.list {
		n, err := w.Write(page)
		sum += int64(n)
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
