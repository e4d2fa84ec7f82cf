package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Each file of testdata/mistakes holds one mistake and gives one message.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d mistakes, want at least 50: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			_, err = Read(name, text, Options{})
			var all strict.Errors
			if !errors.As(err, &all) {
				t.Fatalf("the error is %v, want strict.Errors", err)
			}
			if len(all) != 1 {
				t.Errorf("%d errors, want one", len(all))
			}
			for _, e := range all {
				if e.Pos.Source != name || e.Pos.Line < 1 || e.Pos.Column < 1 {
					t.Errorf("no place in the file: %+v", e)
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}
