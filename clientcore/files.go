package clientcore

import (
	"errors"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// files is what the files say that settings name.
type files struct {
	service     *rawServiceConfig // nil without one
	credentials credentials.TransportCredentials
}

// ValidateFiles reports what is wrong with the files that settings name, as
// Validate does with the settings. New does the same; it is for whoever wants to
// know before.
func (c Config) ValidateFiles() error {
	_, err := c.readFiles()
	return err
}

func (c Config) readFiles() (files, error) {
	f := files{credentials: insecure.NewCredentials()}
	var errs []error
	var err error
	if f.service, err = c.readServiceConfig(); err != nil {
		errs = append(errs, err)
	}
	if c.TLS != nil {
		if f.credentials, err = c.TLS.Credentials(); err != nil {
			errs = append(errs, field.Prefix("tls", err)...)
		}
	}
	return f, errors.Join(errs...)
}
