package reports

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/grpcbench/grpcbench/reports/result"
)

// BenchmarkScale renders a result of 64 variants × 10 trials in every format;
// with GRPCBENCH_KEEP=FILE it keeps the result, to be rendered by the command.
func BenchmarkScale(b *testing.B) {
	r := many(b, 64, 10)
	if path := os.Getenv("GRPCBENCH_KEEP"); path != "" {
		if err := r.Save(filepath.Clean(path)); err != nil {
			b.Fatal(err)
		}
	}
	var stored bytes.Buffer
	if err := result.Write(&stored, r); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := result.Read(bytes.NewReader(stored.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, f := range quickFormats() {
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f.Parts == nil {
					if err := f.Render(io.Discard, r, Options{}); err != nil {
						b.Fatal(err)
					}
					continue
				}
				parts, err := f.Parts(r, Options{})
				if err != nil {
					b.Fatal(err)
				}
				for _, part := range parts {
					if err := part.Write(io.Discard); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
