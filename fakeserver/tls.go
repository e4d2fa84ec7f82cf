package fakeserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/grpcbench/grpcbench/fakeserver/fault"
)

// TLSName is what a fleet's certificates are for, besides its loopback
// addresses: what clients ask for as the server's name, wherever the fleet is.
const TLSName = "localhost"

// certificates are what a fleet with tls: self_signed shows: those that are
// good, and those of the fault tls_failure.
type certificates struct {
	authority string // PEM of the authority that clients are to trust
	good      tls.Certificate
	bad       map[fault.BadCertificate]tls.Certificate
}

// lifetime of certificates, which are made when a fleet is configured.
const lifetime = 10 * 365 * 24 * time.Hour

func newCertificates() (*certificates, error) {
	now := time.Now()
	trusted, err := newAuthority("grpcbench fleet", now)
	if err != nil {
		return nil, err
	}
	stranger, err := newAuthority("somebody else", now)
	if err != nil {
		return nil, err
	}
	c := &certificates{authority: trusted.pem(), bad: map[fault.BadCertificate]tls.Certificate{}}
	if c.good, err = trusted.issue(TLSName, now, now.Add(lifetime)); err != nil {
		return nil, err
	}
	for kind, issue := range map[fault.BadCertificate]func() (tls.Certificate, error){
		fault.UnknownAuthority: func() (tls.Certificate, error) { return stranger.issue(TLSName, now, now.Add(lifetime)) },
		fault.Expired: func() (tls.Certificate, error) {
			return trusted.issue(TLSName, now.Add(-lifetime), now.Add(-time.Hour))
		},
		fault.WrongName: func() (tls.Certificate, error) { return trusted.issue("elsewhere.invalid", now, now.Add(lifetime)) },
	} {
		if c.bad[kind], err = issue(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// credentials are those of a backend; bad says which certificate it shows.
func (c *certificates) credentials(bad func() (fault.BadCertificate, bool)) credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS12,
		// A session that is resumed shows no certificate.
		SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if kind, is := bad(); is {
				shown := c.bad[kind]
				return &shown, nil
			}
			return &c.good, nil
		},
	})
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &authority{certificate: parsed, key: key}, nil
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

// issue makes a server's certificate for a name, and where that is TLSName for
// the loopback addresses.
func (a *authority) issue(name string, from, to time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from.Add(-time.Hour), NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name == TLSName {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("tls: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
