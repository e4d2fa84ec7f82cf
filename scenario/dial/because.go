package dial

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/grpcbench/grpcbench/scenario/plain"
)

// because is why there is no connection, in words that say what can be done about
// it, where something can. message is grpc-go's. final is that it would be the
// same the next time.
func (w *watch) because(message string) (reason string, final bool) {
	w.mu.Lock()
	failed, secure := w.failed, w.security != nil
	w.mu.Unlock()
	if failed != nil && strings.Contains(message, "handshake failed") {
		return handshakeReason(failed)
	}
	cause := rootCause(message)
	switch {
	case strings.Contains(cause, "remote error: tls: "):
		// The server's word, after a handshake that had seemed to be good.
		return "the server does not accept the client's certificate, or wants one (" + ownCertificate + "): " + cause, true
	case secure:
		return "the server ends the connection after the TLS handshake; it may want a client certificate (" + ownCertificate + "): " + cause, false
	case strings.Contains(message, "error reading server preface"):
		return "it does not answer as a gRPC server without TLS does (if it speaks TLS, say so: client.tls; --tls): " + cause, false
	}
	return cause, false
}

// ownCertificate is where the client's own certificate is set.
const ownCertificate = "client.tls.cert and key; --cert and --key"

// handshakeReason is why a TLS handshake failed.
func handshakeReason(err error) (reason string, final bool) {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired && e.Cert != nil {
		const day = "2006-01-02 15:04 MST"
		if time.Now().Before(e.Cert.NotBefore) {
			return fmt.Sprintf("its certificate %s is not valid before %s", subject(e.Cert), e.Cert.NotBefore.UTC().Format(day)), true
		}
		return fmt.Sprintf("its certificate %s expired at %s", subject(e.Cert), e.Cert.NotAfter.UTC().Format(day)), true
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("its certificate is %s, not for %s (the name that it must have can be set: client.tls.server_name; --servername)", subject(e.Certificate), e.Host), true
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		by := "an authority"
		if e.Cert != nil && e.Cert.Issuer.String() != "" {
			by = plain.Text(e.Cert.Issuer.String())
		}
		return fmt.Sprintf("its certificate is signed by %s, which is not trusted (give its CA: client.tls.ca; --cacert)", by), true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS (leave client.tls out; leave --tls and its like out)", true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is refused: " + plain.Text(strings.TrimPrefix(err.Error(), "tls: failed to verify certificate: ")), true
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "it does not answer to a TLS handshake", false
	}
	return "the TLS handshake failed: " + plain.Text(err.Error()), false
}

// subject is whom a certificate is for.
func subject(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) > 3:
		return plain.Text(fmt.Sprintf("for %s and %d more names", strings.Join(names[:3], ", "), len(names)-3))
	case len(names) > 0:
		return "for " + plain.Text(strings.Join(names, ", "))
	case c.Subject.CommonName != "":
		return "for no name but the common name " + plain.Text(c.Subject.CommonName) + ", which does not count"
	}
	return "for no name"
}

// rootCause is what is at the bottom of grpc-go's message about a connection:
// connection error: desc = "transport: Error while dialing: dial tcp …".
func rootCause(message string) string {
	for _, before := range []string{"Error while dialing: ", "error reading server preface: ", "handshake failed: ", "produced zero addresses", "name resolver error: "} {
		if at := strings.LastIndex(message, before); at >= 0 {
			if rest := message[at+len(before):]; rest != "" {
				message = rest
			} else {
				message = "its name has no addresses"
			}
			break
		}
	}
	return plain.Text(strings.TrimSuffix(message, `"`))
}
