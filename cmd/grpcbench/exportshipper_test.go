package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/clientcore/retry"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/clientyaml"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// shipped is one client that is printed as Go, compiled and run.
type shipped struct {
	name   string
	file   string
	source string
	config []byte // as JSON
	target bool   // whether the source says whom it calls
}

// spoken is cfg without the settings of policies that are off, which nobody reads,
// and no text says.
func spoken(cfg clientcore.Config) clientcore.Config {
	retries := func(p *retry.Policy) {
		if p != nil && p.Off {
			*p = retry.Policy{Off: true}
		}
	}
	hedges := func(p *hedge.Policy) *hedge.Policy {
		if p != nil && p.Off {
			return &hedge.Policy{Off: true}
		}
		return p
	}
	retries(&cfg.Retry)
	cfg.Hedge = hedges(cfg.Hedge)
	if cfg.Breaker != nil && cfg.Breaker.Off {
		cfg.Breaker = &breaker.Policy{Off: true}
	}
	cfg.Methods = maps.Clone(cfg.Methods)
	for name, m := range cfg.Methods {
		if m.Retry != nil {
			own := *m.Retry
			m.Retry = &own
			retries(m.Retry)
		}
		m.Hedge = hedges(m.Hedge)
		cfg.Methods[name] = m
	}
	return cfg
}

// note collects the dotted paths of the settings in a value that are not as in def;
// those of a type, where there is no value.
func note(paths map[string]bool, path string, typ reflect.Type, v, def reflect.Value) {
	all := !v.IsValid()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
		if v.IsValid() {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		}
		if def = reflect.Indirect(def); !def.IsValid() && !all {
			def = reflect.Zero(typ)
		}
	}
	same := !all && reflect.DeepEqual(v.Interface(), def.Interface())
	if _, word := reflect.New(typ).Interface().(encoding.TextUnmarshaler); word && path != "" && !same {
		paths[path] = true // the word itself, such as none
	}
	kinds := strict.Kinds(typ) != nil
	switch {
	case typ.Kind() == reflect.Struct && strings.Count(path, ".child") < 1:
		for f := range typ.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || key == "-" {
				continue
			}
			below := strings.TrimPrefix(path+"."+key, ".")
			if all {
				if kinds {
					paths[below] = true
				}
				note(paths, below, f.Type, reflect.Value{}, reflect.Value{})
				continue
			}
			if kinds && !v.FieldByIndex(f.Index).IsNil() {
				paths[below] = true
			}
			note(paths, below, f.Type, v.FieldByIndex(f.Index), def.FieldByIndex(f.Index))
		}
	case typ.Kind() == reflect.Map && typ.Elem().Kind() == reflect.Struct:
		if all {
			note(paths, path+".*", typ.Elem(), reflect.Value{}, reflect.Value{})
			return
		}
		for _, key := range v.MapKeys() {
			note(paths, path+".*", typ.Elem(), v.MapIndex(key), reflect.Zero(typ.Elem()))
		}
	case !same && path != "":
		paths[path] = true
	}
}

// serveHealth serves the health of "" and of the user service, and says where.
func serveHealth(t *testing.T, opts ...grpc.ServerOption) string {
	t.Helper()
	server := grpc.NewServer(opts...)
	service := health.NewServer()
	service.SetServingStatus("user.v1.UserService", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, service)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(lis) }()
	t.Cleanup(server.Stop)
	return lis.Addr().String()
}

// selfSigned writes a certificate for localhost that is its own authority, and its
// key, to self.pem and self.key.
func selfSigned(t *testing.T, folder string) tls.Certificate {
	t.Helper()
	return selfSignedFor(t, folder, time.Hour)
}

// selfSignedFor is selfSigned for a certificate that is valid for a time from now,
// which may be negative.
func selfSignedFor(t *testing.T, folder string, valid time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, text := range map[string][]byte{"self.pem": certificate, "self.key": secret} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certificate, secret)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// clientsOf prints every variant of a scenario as Go, and holds it against the
// variant as YAML. It notes the settings that the variants use. instead, where it is
// not empty, is another target than the scenario's.
func clientsOf(t *testing.T, file, instead string, used map[string]bool) []shipped {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := scenario.Read(file, text, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []shipped
	for _, v := range plan.Variants {
		explain := []string{"explain", file, "--variant", v.Name}
		if v.Scenario.Target != "" && instead != "" {
			explain = append(explain, "--set", "target="+instead)
		}
		code, yaml, stderr := command(t, explain...)
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", v.Name, code, stderr)
		}
		cfg, err := clientyaml.Read("client.yaml", []byte(yaml))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		note(used, "", reflect.TypeFor[clientcore.Config](), reflect.ValueOf(v.Scenario.Client.Config), reflect.ValueOf(clientcore.Default()))
		want, err := json.Marshal(v.Scenario.Client.Config)
		if err != nil {
			t.Fatal(err)
		}
		read, err := json.Marshal(spoken(v.Scenario.Client.Config))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(spoken(cfg))
		if err != nil {
			t.Fatal(err)
		}
		if revealed := bytes.ReplaceAll(read, []byte("${EXPORTED_TOKEN}"), []byte("from-the-environment")); !bytes.Equal(got, revealed) {
			t.Errorf("%s as YAML gives\n%s\nwant\n%s", v.Name, got, revealed)
		}
		code, source, stderr := command(t, append(explain, "--go")...)
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", v.Name, code, stderr)
		}
		all = append(all, shipped{name: v.Name, file: file, source: source, config: want, target: v.Scenario.Target != ""})
	}
	return all
}

// overlayOf writes the clients, each a package, and a main that tells of each and
// makes a call with it.
func overlayOf(t *testing.T, module string, clients []shipped) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	add := func(name, text string) {
		real := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(real, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(module, "cmd/grpcbench/shipped", name)] = real
	}
	var imports, tells strings.Builder
	for i, c := range clients {
		add(fmt.Sprintf("c%d/client.go", i), c.source)
		fmt.Fprintf(&imports, "\tc%d %q\n", i, fmt.Sprintf("github.com/grpcbench/grpcbench/cmd/grpcbench/shipped/c%d", i))
		fmt.Fprintf(&tells, "\ttell(%q, %v, c%d.Config(), c%d.New)\n", c.name, c.target, i, i)
	}
	add("main.go", fmt.Sprintf(shipper, imports.String(), tells.String()))
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

const shipper = `package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/grpcbench/grpcbench/clientcore"
%s)

func main() {
%s}

func tell(name string, knows bool, cfg clientcore.Config, make func(...clientcore.Option) (*clientcore.Client, error)) {
	text, err := json.Marshal(cfg)
	if err != nil {
		log.Fatalf("%%s: %%v", name, err)
	}
	os.Stdout.Write(append(text, '\n'))
	var where []clientcore.Option
	if !knows {
		where = append(where, clientcore.WithEndpoints(os.Args[1]))
	}
	client, err := make(where...)
	if err != nil {
		log.Fatalf("%%s: %%v", name, err)
	}
	defer client.Close()
	if cfg.Balance.NeedsLookaside() {
		return // there is none here
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, header, ok := cfg.Balance.Key(); ok {
		ctx = metadata.AppendToOutgoingContext(ctx, header, "key")
	}
	// The client's own timeout may be shorter than a busy machine takes.
	for {
		_, err := grpc_health_v1.NewHealthClient(client).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err == nil {
			return
		}
		if code := status.Code(err); code != codes.DeadlineExceeded && code != codes.Unavailable || ctx.Err() != nil {
			log.Fatalf("%%s: %%v", name, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
`
