package fakeserver

import (
	"fmt"
	"strings"
)

// OnCancel is what a backend does about a call whose caller has left.
type OnCancel int

// What it can do.
const (
	// Stop gives the call up: its place in the line, or its slot, is free.
	Stop OnCancel = iota
	// Ignore serves the call all the same, for nobody, as servers do that do
	// not look at their context.
	Ignore
)

// Work is how service times pass.
type Work int

// How they can.
const (
	// Wait sleeps: a backend has as many processors as calls.
	Wait Work = iota
	// Burn computes.
	Burn
)

// Front is what stands before the backends.
type Front int

// What can stand there.
const (
	// NoFront is nothing: clients know each backend's address.
	NoFront Front = iota
	// L4 is one address whose connections go to the backends in turn.
	L4
)

// TLS is how connections are secured.
type TLS int

// How they can be.
const (
	// PlainText is not at all.
	PlainText TLS = iota
	// SelfSigned is by certificates of an authority that the fleet makes when
	// it is configured.
	SelfSigned
)

var (
	onCancelWords = []string{Stop: "stop", Ignore: "ignore"}
	workWords     = []string{Wait: "wait", Burn: "burn"}
	frontWords    = []string{NoFront: "none", L4: "l4"}
	tlsWords      = []string{PlainText: "none", SelfSigned: "self_signed"}
)

// Words are the values as users write them.
func (*OnCancel) Words() []string { return onCancelWords }

// Words are the values as users write them.
func (*Work) Words() []string { return workWords }

// Words are the values as users write them.
func (*Front) Words() []string { return frontWords }

// Words are the values as users write them.
func (*TLS) Words() []string { return tlsWords }

// UnmarshalText reads a word.
func (o *OnCancel) UnmarshalText(text []byte) error { return readWord(o, onCancelWords, text) }

// UnmarshalText reads a word.
func (w *Work) UnmarshalText(text []byte) error { return readWord(w, workWords, text) }

// UnmarshalText reads a word.
func (f *Front) UnmarshalText(text []byte) error { return readWord(f, frontWords, text) }

// UnmarshalText reads a word.
func (t *TLS) UnmarshalText(text []byte) error { return readWord(t, tlsWords, text) }

// MarshalText is the word.
func (o OnCancel) MarshalText() ([]byte, error) { return word(o, onCancelWords) }

// MarshalText is the word.
func (w Work) MarshalText() ([]byte, error) { return word(w, workWords) }

// MarshalText is the word.
func (f Front) MarshalText() ([]byte, error) { return word(f, frontWords) }

// MarshalText is the word.
func (t TLS) MarshalText() ([]byte, error) { return word(t, tlsWords) }

func readWord[T ~int](into *T, words []string, text []byte) error {
	for i, w := range words {
		if w == string(text) {
			*into = T(i)
			return nil
		}
	}
	return fmt.Errorf("must be %s (got %q)", strings.Join(words, " or "), text)
}

func word[T ~int](v T, words []string) ([]byte, error) {
	if v < 0 || int(v) >= len(words) {
		return nil, fmt.Errorf("must be %s (got %d)", strings.Join(words, " or "), int(v))
	}
	return []byte(words[v]), nil
}
