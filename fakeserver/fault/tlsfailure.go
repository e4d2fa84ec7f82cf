package fault

import "fmt"

// TLSFailure is a backend whose certificate clients do not accept: new
// connections fail in the handshake, those that are there stay.
type TLSFailure struct {
	Certificate BadCertificate `yaml:"certificate" json:",omitempty" doc:"what is wrong with it: unknown_authority (when left out), expired or wrong_name"`
}

// BadCertificate is what is wrong with a certificate.
type BadCertificate int

// What can be.
const (
	UnknownAuthority BadCertificate = iota
	Expired
	WrongName
)

var badCertificates = [...]string{UnknownAuthority: "unknown_authority", Expired: "expired", WrongName: "wrong_name"}

// Words are what can be wrong, as users write it.
func (*BadCertificate) Words() []string { return badCertificates[:] }

// UnmarshalText reads a word.
func (b *BadCertificate) UnmarshalText(text []byte) error {
	for i, word := range badCertificates {
		if word == string(text) {
			*b = BadCertificate(i)
			return nil
		}
	}
	return fmt.Errorf("must be unknown_authority, expired or wrong_name (got %q)", text)
}

// MarshalText is the word.
func (b BadCertificate) MarshalText() ([]byte, error) {
	if b < 0 || int(b) >= len(badCertificates) {
		return nil, fmt.Errorf("must be unknown_authority, expired or wrong_name (got %d)", int(b))
	}
	return []byte(badCertificates[b]), nil
}

// Begin implements OnBackend.
func (f *TLSFailure) Begin(h Host) { h.ShowBad(f, f.Certificate) }

// End implements OnBackend.
func (f *TLSFailure) End(h Host) error {
	h.ShowGood(f)
	return nil
}

// Validate implements Fault.
func (f *TLSFailure) Validate() error { return nil }
