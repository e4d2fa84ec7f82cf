package clientcore

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/clientcore/internal/field"
)

// TLS secures connections by TLS 1.2 or newer; a nil *TLS is plain text, the
// zero TLS trusts the system's roots and has no certificate of its own. Files
// are PEM, and read by New, relative to the working directory.
//
// A client certificate is read again when a connection is made after its files
// have changed, so that it can be renewed without a restart. While the new files
// cannot be used, as in the middle of being written, the old certificate stays.
// Connections that are up keep theirs. CA is read once.
type TLS struct {
	// CA is whom a server's certificate must come from.
	CA string `yaml:"ca" doc:"file with the certificates that sign servers' ones; the system's when left out"`
	// Cert and Key are the client's own certificate, with the chain that leads
	// to its CA, and its private key, for mTLS. Set both or neither.
	Cert string `yaml:"cert" doc:"file with the client's certificate, for mTLS; together with key"`
	Key  string `yaml:"key" doc:"file with the private key of cert"`
	// ServerName is checked against the server's certificate, instead of the
	// target's host, and sent as the calls' :authority.
	ServerName string `yaml:"server_name" doc:"name that the server's certificate must have, and the :authority of calls; the target's host when left out"`
	// InsecureSkipVerify accepts any server. It is for tests: a man in the
	// middle is not noticed.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify" doc:"accept any server certificate; for tests only"`
}

// validate reports settings that do not go together. It does not look at files.
func (t *TLS) validate() error {
	var errs checks
	if t.Cert != "" && t.Key == "" {
		errs.wrong("key", "must be set as well, because cert is")
	}
	if t.Key != "" && t.Cert == "" {
		errs.wrong("cert", "must be set as well, because key is")
	}
	if t.InsecureSkipVerify && t.CA != "" {
		errs.wrong("ca", "must be left out, because insecure_skip_verify accepts any server (got %q)", t.CA)
	}
	if strings.ContainsAny(t.ServerName, ":/ ") {
		errs.wrong("server_name", "must be a host name without a port (got %q)", t.ServerName)
	}
	return errors.Join(errs...)
}

// Credentials is TLS as it is set, for a grpc.ClientConn of the program's own. It
// reads the files; each of its errors, joined, has a method Field() string.
func (t *TLS) Credentials() (credentials.TransportCredentials, error) {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify,
	}
	var errs checks
	if t.CA != "" {
		certs, wrong := readCertificates(t.CA)
		if wrong != "" {
			errs.wrong("ca", "%s", wrong)
		}
		cfg.RootCAs = x509.NewCertPool()
		for _, cert := range certs {
			cfg.RootCAs.AddCert(cert)
		}
	}
	if t.Cert != "" {
		own := &keyPair{cert: t.Cert, key: t.Key}
		if err := own.read(own.stamp()); err != nil {
			errs = append(errs, err)
		}
		cfg.GetClientCertificate = own.certificate
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return credentials.NewTLS(cfg), nil
}

// keyPair is a certificate and its key, as last read from their files.
type keyPair struct {
	cert, key string

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]stamp // of the files that current is from
}

// stamp is how a file that has changed is known. Renewals replace the file, so
// that time or size differ.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

func (p *keyPair) stamp() [2]stamp { return [2]stamp{stampOf(p.cert), stampOf(p.key)} }

// certificate is asked for with each handshake: seldom enough to look at the
// files every time.
func (p *keyPair) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The files are looked at before they are read: one that changes in between
	// is read again the next time.
	if now := p.stamp(); now != p.seen {
		_ = p.read(now) // what was good stays, and the next handshake tries again
	}
	return p.current, nil
}

// read makes the files the current certificate, if they can be used.
func (p *keyPair) read(now [2]stamp) error {
	if _, wrong := readCertificates(p.cert); wrong != "" {
		return field.Errorf("cert", "%s", wrong)
	}
	certPEM, err := os.ReadFile(p.cert)
	if err != nil {
		return field.Errorf("cert", "%s", unreadable(p.cert, err))
	}
	keyPEM, err := os.ReadFile(p.key)
	if err != nil {
		return field.Errorf("key", "%s", unreadable(p.key, err))
	}
	if wrong := notAKey(keyPEM); wrong != "" {
		return field.Errorf("key", "must be a file with a private key (%s %s)", p.key, wrong)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return field.Errorf("key", "must be the private key of %s (%s is not: %s)", p.cert, p.key, strings.TrimPrefix(err.Error(), "tls: "))
	}
	p.current, p.seen = &pair, now
	return nil
}

// readCertificates is the certificates in a file, or what is wrong with it.
func readCertificates(name string) (certs []*x509.Certificate, wrong string) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Sprintf("must be a file with certificates (number %d in %s is broken: %v)", len(certs)+1, name, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Sprintf("must be a file with a PEM certificate (%s has none)", name)
	}
	return certs, ""
}

// notAKey is what keeps a file from being a private key, "" when nothing does.
func notAKey(text []byte) string {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return "has none in PEM form"
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return "is encrypted; store it without a passphrase"
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return ""
		}
	}
}

func unreadable(name string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("must be a file that exists (%s does not)", name)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Sprintf("must be a file that can be read (%s: %v)", name, err)
}
