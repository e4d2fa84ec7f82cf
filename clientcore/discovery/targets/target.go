package targets

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/resolver"

	"github.com/grpcbench/grpcbench/clientcore/discovery"
)

// Target is a text that was understood. The zero Target is none.
type Target struct {
	text   string
	scheme string
	source source
}

// source is where the endpoints of a target come from.
type source struct {
	// authority is whom the backends speak for.
	authority string
	// hosts are the addresses that the text itself has, host:port each; none where
	// they come from elsewhere.
	hosts []string
	// open makes the registry. Only here is the environment looked at.
	open func() (discovery.Registry, error)
	// settings is whether the text has any.
	settings bool
}

// Parse understands text. It asks nobody, and looks at no file and no
// environment: a text is right or wrong everywhere.
func Parse(text string) (Target, error) {
	if text == "" {
		return Target{}, errors.New("must name a server, such as localhost:50051")
	}
	// Neither belongs into any kind, and what is unseen makes errors unreadable.
	if i := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }); i >= 0 {
		return Target{}, fmt.Errorf("must have no spaces and no control characters (got %q)", text)
	}
	kind, rest, err := split(text)
	if err != nil {
		return Target{}, err
	}
	t := Target{text: text, scheme: kind.Scheme}
	if kind.parse == nil {
		return t, nil
	}
	q, err := newQuery(kind, rest)
	if err != nil {
		return Target{}, err
	}
	t.source, err = kind.parse(q)
	if err == nil {
		err = q.complete(&t.source)
	}
	if err != nil {
		return Target{}, err
	}
	return t, nil
}

// split is a text's kind, and what follows its scheme.
func split(text string) (Kind, string, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if i := slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Scheme == scheme }); ok && i >= 0 {
		// A host may be called so as well: file:443.
		if kind := Kinds()[i]; kind.parse == nil || strings.HasPrefix(rest, "//") {
			return kind, rest, nil
		}
	}
	if scheme == "dns" && ok && discovery.CheckAddress(text) != nil {
		return named("dns"), "///" + rest, nil // dns:users.internal:443
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return Kind{}, "", fmt.Errorf("unknown scheme %q: must be %s, or host:port without a scheme", scheme, list(schemes()))
	}
	// No scheme, as grpc.NewClient takes it.
	return named("dns"), "///" + text, nil
}

func named(scheme string) Kind {
	all := Kinds()
	return all[slices.IndexFunc(all, func(k Kind) bool { return k.Scheme == scheme })]
}

func schemes() []string {
	var all []string
	for _, k := range Kinds() {
		all = append(all, k.Scheme)
	}
	return all
}

// list is "a, b or c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// String is the text.
func (t Target) String() string { return t.text }

// Scheme is the name of the target's kind.
func (t Target) Scheme() string { return t.scheme }

// HasSettings is whether settings follow a question mark.
func (t Target) HasSettings() bool { return t.source.settings }

// ByGRPC is whether grpc-go itself finds the endpoints: Registry is nil.
func (t Target) ByGRPC() bool { return t.source.open == nil }

// Registry is where the endpoints come from; nil where grpc-go itself finds
// them. Settings that come from the environment are read now.
func (t Target) Registry() (discovery.Registry, error) {
	if t.ByGRPC() {
		return nil, nil
	}
	return t.source.open()
}

// Dial is what to dial, and the resolvers to do it with: for
// clientcore.WithTarget and WithResolvers, or grpc.NewClient and
// grpc.WithResolvers. Channels that are given the same resolvers share a watch.
func (t Target) Dial(opts ...discovery.ResolverOption) (target string, resolvers []resolver.Builder, err error) {
	registry, err := t.Registry()
	if err != nil {
		return "", nil, fmt.Errorf("target %s: %w", t.text, err)
	}
	if registry == nil {
		return t.text, nil, nil
	}
	dial := t.scheme + ":///" + url.PathEscape(t.source.authority)
	return dial, []resolver.Builder{discovery.Resolver(t.scheme, registry, opts...)}, nil
}
