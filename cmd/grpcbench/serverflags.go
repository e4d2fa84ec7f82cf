package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
	"github.com/grpcbench/grpcbench/clientcore/interceptor"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/dial"
	"github.com/grpcbench/grpcbench/scenario/message"
	"github.com/grpcbench/grpcbench/scenario/plain"
	"github.com/grpcbench/grpcbench/scenario/secret"
)

// serverFlags say whom to call, how, and where its methods are described: the
// flags of every command that calls a server without a scenario.
type serverFlags struct {
	target                    string
	tls                       bool
	ca, cert, key, serverName string
	insecure                  bool
	authority                 string
	metadata                  []string
	bearerFile                string
	protos, importPaths       []string
	protoset                  string
}

func (f *serverFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.target, "target", "", "`SERVER` to call: host:port, dns:///…, static:///…, consul://…, etcd://…, unix:///…, xds:///…")
	flags.BoolVar(&f.tls, "tls", false, "use TLS and trust the system's CAs; plain text when left out, unless another flag is about TLS")
	flags.StringVar(&f.ca, "cacert", "", "PEM `FILE` with the CA to trust instead of the system's")
	flags.StringVar(&f.cert, "cert", "", "PEM `FILE` with the client's certificate, for mTLS")
	flags.StringVar(&f.key, "key", "", "PEM `FILE` with the private key of --cert")
	flags.StringVar(&f.serverName, "servername", "", "`NAME` that the server's certificate must have, and the :authority of calls")
	flags.BoolVar(&f.insecure, "insecure-skip-verify", false, "use TLS and accept ANY certificate: for tests only")
	flags.StringVar(&f.authority, "authority", "", "`HOST` that calls name as their :authority")
	flags.StringArrayVarP(&f.metadata, "metadata", "H", nil, "`KEY=VALUE` to send with each call (repeatable); secrets as '${NAME}' from the environment or '${file:PATH}'")
	flags.StringVar(&f.bearerFile, "bearer-file", "", "`FILE` with a token, sent as authorization: Bearer …")
	flags.StringArrayVar(&f.protos, "proto", nil, ".proto `FILE` that describes the methods, instead of the server's reflection (repeatable)")
	flags.StringArrayVar(&f.importPaths, "import-path", nil, "`DIR` to look for imports of --proto in (repeatable)")
	flags.StringVar(&f.protoset, "protoset", "", "`FILE` of descriptors (protoc -o, buf build -o), instead of the server's reflection")
}

// check finds what is wrong with the flags by themselves.
func (f *serverFlags) check() error {
	switch {
	case len(f.protos) > 0 && f.protoset != "":
		return usageError("--proto and --protoset are two ways to describe the methods: give one")
	case len(f.importPaths) > 0 && len(f.protos) == 0:
		return usageError("--import-path is for --proto")
	case f.bearerFile != "" && slices.ContainsFunc(f.metadata, isAuthorization):
		return usageError("--bearer-file and --metadata authorization are the same metadata: give one")
	}
	_, err := f.pairs()
	return err
}

func isAuthorization(text string) bool {
	key, _, _ := cutMetadata(text)
	return strings.EqualFold(key, "authorization")
}

// cutMetadata takes KEY=VALUE apart, or KEY: VALUE as curl has it.
func cutMetadata(text string) (key, value string, ok bool) {
	at := strings.IndexAny(text, "=:")
	if at <= 0 {
		return "", "", false
	}
	value = text[at+1:]
	if text[at] == ':' {
		value = strings.TrimLeft(value, " ")
	}
	return strings.TrimRight(text[:at], " "), value, true
}

// pair is metadata as it was given: secrets by their names.
type pair struct{ key, value string }

// templated is whether the value is made for each call.
func (p pair) templated() bool { return strings.Contains(p.value, "{{") }

// reveal is the value to send with one call.
func (p pair) reveal() (string, error) {
	if !p.templated() {
		value, _, err := secret.Expand(p.value)
		return value, err
	}
	text := ""
	for _, part := range secret.Split(p.value) {
		if part.Variable == "" {
			text += part.Text
			continue
		}
		value, _, err := secret.Expand(part.Text)
		if err != nil {
			return "", err
		}
		text += strings.ReplaceAll(value, "{{", `{{ "{{" }}`) // a secret is no template
	}
	m, err := message.CompileMetadata(p.key, text)
	if err != nil {
		return "", err
	}
	if err := m.Check(nil); err != nil {
		return "", err
	}
	return m.Render(&message.Env{Seed: rand.Uint64()})
}

// pairs is the metadata of every call, in the order of the flags.
func (f *serverFlags) pairs() ([]pair, error) {
	var all []pair
	for _, text := range f.metadata {
		key, value, ok := cutMetadata(text)
		if !ok {
			return nil, usageError("--metadata: want KEY=VALUE (got no =)") // it may be the secret itself
		}
		key = strings.ToLower(key)
		if slices.ContainsFunc(all, func(p pair) bool { return p.key == key }) {
			return nil, usageError("--metadata: %q is given twice", key)
		}
		all = append(all, pair{key, value})
	}
	if f.bearerFile != "" {
		all = append(all, pair{"authorization", "Bearer ${file:" + f.bearerFile + "}"})
	}
	return all, nil
}

// secure is the TLS that the flags ask for, nil for none.
func (f *serverFlags) secure() *clientcore.TLS {
	t := clientcore.TLS{CA: f.ca, Cert: f.cert, Key: f.key, ServerName: f.serverName, InsecureSkipVerify: f.insecure}
	if !f.tls && t == (clientcore.TLS{}) {
		return nil
	}
	return &t
}

// source is where the methods are described.
func (f *serverFlags) source() descriptor.Source {
	var s descriptor.Source
	switch {
	case len(f.protos) > 0:
		s.Proto = &descriptor.Proto{Files: f.protos, ImportPaths: f.importPaths}
	case f.protoset != "":
		s.Protoset = &descriptor.Protoset{File: f.protoset}
	}
	return s.In(".")
}

// describing is the flag that says where the methods are described.
func (f *serverFlags) describing() string {
	switch {
	case len(f.protos) > 0:
		return "--proto"
	case f.protoset != "":
		return "--protoset"
	}
	return "--target"
}

// reveal is the metadata with its secrets.
func (f *serverFlags) reveal() (metadata.MD, error) {
	pairs, err := f.pairs()
	if err != nil {
		return nil, err
	}
	md := metadata.MD{}
	for _, p := range pairs {
		value, err := p.reveal()
		if err == nil {
			_, err = interceptor.Metadata(p.key, value)
		}
		if err != nil {
			return nil, usageError("--metadata %s: %v", p.key, err)
		}
		md.Append(p.key, value)
	}
	return md, nil
}

// open connects to the target.
func (a *app) open(ctx context.Context, f *serverFlags, patience time.Duration, opts ...grpc.DialOption) (*dial.Conn, error) {
	target, err := targets.Parse(f.target)
	if err != nil {
		return nil, usageError("--target: %v", err)
	}
	cfg := clientcore.Default()
	cfg.TLS, cfg.Authority = f.secure(), f.authority
	if err := cfg.Validate(); err != nil {
		return nil, f.flagError(err)
	}
	address, resolvers, err := target.Dial()
	if err != nil {
		return nil, usageError("%v", err)
	}
	if f.insecure {
		fmt.Fprintln(a.stderr, "grpcbench: warning: --insecure-skip-verify accepts ANY server's certificate: whoever is in between can read and change every call, secrets included")
	}
	conn, err := dial.Open(ctx, dial.Config{
		Target: f.target, Dial: address, Resolvers: resolvers, TLS: cfg.TLS, Authority: f.authority,
		Patience: patience, Connect: a.Dial, Options: opts,
	})
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, &exitError{code: exitInterrupted, message: "grpcbench: interrupted before the call"}
	}
	return nil, f.flagError(err)
}

// flagError is an error about settings of the client, by the flags that they come
// from.
func (f *serverFlags) flagError(err error) error {
	type fielded interface{ Field() string }
	flags := map[string]string{
		"ca": "--cacert", "tls.ca": "--cacert", "cert": "--cert", "tls.cert": "--cert", "key": "--key", "tls.key": "--key",
		"server_name": "--servername", "tls.server_name": "--servername", "authority": "--authority",
	}
	var lines []string
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		if at, ok := err.(fielded); ok && flags[at.Field()] != "" {
			lines = append(lines, fmt.Sprintf("%s: %v", flags[at.Field()], err))
			return
		}
		lines = append(lines, err.Error())
	}
	walk(err)
	return usageError("%s", strings.Join(lines, "\n"))
}

// describe reads what the methods take and answer; conn is nil where no server is
// asked. With md it may ask as the call itself may.
func (f *serverFlags) describe(ctx context.Context, conn grpc.ClientConnInterface, md metadata.MD) (*descriptor.Set, error) {
	set, err := f.source().Load(metadata.NewOutgoingContext(ctx, md), conn)
	if err != nil {
		text := plain.Text(err.Error())
		if conn != nil {
			// What to do instead, as flags.
			text = strings.NewReplacer("(proto)", "(--proto)", "(protoset)", "(--protoset)").Replace(text)
			return nil, usageError("%s: %s", f.target, text)
		}
		return nil, usageError("%s: %s", f.describing(), text)
	}
	return set, nil
}

// from is a path as it is named from a folder.
func from(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(folder, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}
