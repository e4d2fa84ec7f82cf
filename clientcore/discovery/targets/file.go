package targets

import (
	"errors"
	"path"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/file"
)

// parseFile: file:///etc/backends/users.
func parseFile(q *query) (source, error) {
	if err := q.noPlace(); err != nil {
		return source{}, err
	}
	if q.path == "" || strings.HasSuffix(q.path, "/") {
		return source{}, errors.New("must name a file by its whole path, as " + q.kind.Example)
	}
	every, err := q.duration("every")
	if err != nil {
		return source{}, err
	}
	config := file.Config{Path: "/" + q.path, Every: every}
	return source{authority: path.Base(q.path), open: func() (discovery.Registry, error) { return file.New(config) }}, nil
}
