package xds_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/grpcbench/grpcbench/clientcore/xds"
)

// That a client follows a real control plane is tested in discovery/targets.
func TestBootstrapped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bootstrap.json")
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file, text string
		want       error
	}{
		{"", "", xds.ErrNoBootstrap},
		{"", "{}", nil},
		{file, "", nil},
		{file + ".none", "{}", fs.ErrNotExist}, // the file counts where both are set
	} {
		t.Setenv("GRPC_XDS_BOOTSTRAP", test.file)
		t.Setenv("GRPC_XDS_BOOTSTRAP_CONFIG", test.text)
		if err := xds.Bootstrapped(); !errors.Is(err, test.want) {
			t.Errorf("file %q, text %q: %v, want %v", test.file, test.text, err, test.want)
		}
	}
}
