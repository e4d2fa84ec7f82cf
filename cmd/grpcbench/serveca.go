package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grpcbench/grpcbench/fakeserver"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
)

// writeCA is the flag that names the file for the certificate of a fleet's authority.
const writeCA = "write-ca"

// checkCA is what is wrong with the flag for the fleet that is to be served, nil where
// it waits to be configured.
func (s *serving) checkCA(fleet *scenario.Fleet) error {
	switch {
	case s.ca == "" || fleet != nil && fleet.TLS == fakeserver.SelfSigned:
		return nil
	case fleet == nil:
		return usageError("--%s needs a FILE whose fleet has tls: self_signed: what a run configures, it trusts by itself", writeCA)
	}
	return usageError("--%s needs a fleet with tls: self_signed: this one speaks plain text", writeCA)
}

// tellCA has those who are to call the fleet know whom to trust: the certificate, PEM,
// goes to the file that was asked for, which is then a line of standard output as
// every address is. Without such a file standard error says how to have one.
func (a *app) tellCA(authority, path string) error {
	switch {
	case authority == "":
		return nil
	case path == "":
		fmt.Fprintf(a.stderr, "grpcbench: backends show certificates of the fleet's own authority, for %s; --%s FILE.pem writes whom to trust\n", fakeserver.TLSName, writeCA)
		return nil
	}
	if err := result.WriteFile(path, func(w io.Writer) error { return writePublic(w, authority) }); err != nil {
		return usageError("--%s: %v", writeCA, err)
	}
	fmt.Fprintf(a.stdout, "ca %s\n", path)
	return nil
}

// writePublic writes what everybody may read, whatever the umask: who calls the fleet
// may be somebody else than who serves it.
func writePublic(w io.Writer, text string) error {
	if f, is := w.(*os.File); is {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if err := f.Chmod(0o644); err != nil {
				return err
			}
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
