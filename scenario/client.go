package scenario

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/grpcbench/grpcbench/clientcore"
)

// maxClients keeps a slip of the pen from opening every port there is.
const maxClients = 1000

// Client is the client under test, and how many of it there are.
type Client struct {
	// Count is the independent clients that calls are dealt to, each with its
	// own pool, budgets and breakers: what a service with so many processes
	// looks like to its servers.
	Count             int `yaml:"count" doc:"independent clients, each with its own pool, budget and breaker; calls are dealt by call id"`
	clientcore.Config `yaml:",inline"`
}

// checkFiles reads the files that settings name, so that a wrong one is a
// mistake in the document and not a failure of the run. Names are taken from
// the document's own folder.
func (c *Client) checkFiles(p *problems, folder string) {
	names := []*string{&c.ServiceConfig}
	if c.TLS != nil {
		own := *c.TLS // it may be shared
		c.TLS = &own
		names = append(names, &own.CA, &own.Cert, &own.Key)
	}
	for _, name := range names {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(folder, *name)
		}
	}
	for _, err := range fieldErrors(under("client", c.ValidateFiles())) {
		p.addUnlessKnown(err.path, "%s", err)
	}
}

// checkFiles reads the files that the fleet's settings name, as the client's.
func (f *Fleet) checkFiles(p *problems, folder string) {
	for _, err := range fieldErrors(under("fleet", f.Load(folder))) {
		p.addUnlessKnown(err.path, "%s", err)
	}
}

// Validate returns what is wrong, joined; each error has a Field.
func (c Client) Validate() error {
	err := c.Config.Validate()
	if c.Count < 1 || c.Count > maxClients {
		wrong := fieldError{path: "count", err: fmt.Errorf("must be from 1 to %d (got %d)", maxClients, c.Count)}
		return errors.Join(wrong, err)
	}
	return err
}
