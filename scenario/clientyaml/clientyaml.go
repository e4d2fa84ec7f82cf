// Package clientyaml reads and writes the settings of a clientcore.Client as
// YAML, in the words that a scenario has below `client`. It is how a service
// loads what a benchmark has shown to be good:
//
//	text, err := os.ReadFile("client.yaml") // from grpcbench explain --variant
//	cfg, err := clientyaml.Read("client.yaml", text)
//	client, err := clientcore.New(cfg, clientcore.WithTarget("dns:///users.internal:443"))
//
// It is apart from clientcore, which needs no YAML.
package clientyaml

import (
	"fmt"
	"maps"
	"slices"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/hedge"
	"github.com/grpcbench/grpcbench/scenario/secret"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Read is the settings in a document, over clientcore.Default, with the secrets
// that its metadata names. Reading is strict: an unknown key or a value that is
// out of range is an error that names file, line and what is allowed. An empty
// document is Default. Files that settings name are not read: clientcore.New does
// that.
func Read(file string, text []byte) (clientcore.Config, error) {
	cfg := clientcore.Default()
	if blank(text) {
		return cfg, nil
	}
	doc, parsed := strict.Parse(file, text)
	if doc == nil {
		return clientcore.Config{}, parsed
	}
	StandIns(&cfg, doc.Root)
	if err := strict.Join(parsed, strict.Decode(doc, nil, &cfg)); err != nil {
		return clientcore.Config{}, err
	}
	if path, message := CheckBreaker(cfg, doc.Root); path != "" {
		return clientcore.Config{}, strict.Errors{doc.Errorf(doc.Root.Get(path), path, "%s", message)}
	}
	cfg, _, err := Reveal(cfg)
	if err != nil {
		return clientcore.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return cfg, nil
}

// Reveal is cfg with its secrets: in the values of its metadata ${NAME} becomes
// what the environment has of that name, and ${file:PATH} what the file holds.
// secrets is what was put in.
func Reveal(cfg clientcore.Config) (revealed clientcore.Config, secrets []string, err error) {
	if len(cfg.Metadata) == 0 {
		return cfg, nil, nil
	}
	metadata := make(map[string]string, len(cfg.Metadata))
	for _, key := range slices.Sorted(maps.Keys(cfg.Metadata)) {
		value, found, err := secret.Expand(cfg.Metadata[key])
		if err != nil {
			return clientcore.Config{}, nil, fmt.Errorf("metadata.%s: %w", key, err)
		}
		metadata[key], secrets = value, append(secrets, found...)
	}
	cfg.Metadata = metadata
	if err := cfg.Validate(); err != nil {
		return clientcore.Config{}, nil, err
	}
	return cfg, secrets, nil
}

// Write is cfg as a document that Read reads back, defaults included. cfg must be
// valid, and is not to be one that Reveal returned.
func Write(cfg clientcore.Config) string {
	return strict.Print(strict.Encode(cfg, clientcore.Default()))
}

// StandIns puts aside the defaults that something written stands in for: a
// service config of a file says itself how calls are balanced and retried, and a
// call that is hedged is not retried. What is written besides is for Validate to
// judge.
func StandIns(cfg *clientcore.Config, written *strict.Node) {
	spoken := func(key string) bool { return written.Key(key) != nil }
	if hedges := written.Key("hedge"); hedges != nil && hedges.Kind == strict.Map {
		policy := hedge.Default()
		cfg.Hedge = &policy
		if !spoken("retry") {
			cfg.Retry.Off = true
		}
	}
	if !spoken("service_config") {
		return
	}
	if !spoken("balance") {
		cfg.Balance = balance.Policy{}
	}
	if !spoken("retry") {
		cfg.Retry.Off = true
	}
}

// blank is whether text has nothing but white space and comments.
func blank(text []byte) bool {
	comment := false
	for _, b := range text {
		switch {
		case b == '\n':
			comment = false
		case comment, b == ' ', b == '\t', b == '\r':
		case b == '#':
			comment = true
		default:
			return false
		}
	}
	return true
}
