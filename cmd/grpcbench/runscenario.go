package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// document puts the flags into a tree as a file would have it.
func (f *runFlags) document(a *app, c *cobra.Command, common *scenarioFlags) (*written, error) {
	if err := f.check(c, common); err != nil {
		return nil, err
	}
	d := &written{file: commandLine, root: strict.NewMap(), flags: map[string]string{}, comment: commentLine(c)}
	folder := "."
	if f.save != "" {
		d.file, folder = f.save, filepath.Dir(f.save)
	}
	d.set("name", "", scenarioName(f.method))
	if f.server.target != "" {
		d.set("target", "--target", f.server.target)
	}
	f.describeIn(d, folder)
	if err := f.clientIn(d, folder); err != nil {
		return nil, err
	}
	entry, err := f.entry(a, d, folder)
	if err != nil {
		return nil, err
	}
	if err := f.compareIn(d); err != nil {
		return nil, err
	}
	if common.trials > 0 {
		d.set("trials", fmt.Sprintf("--trials %d", common.trials), fmt.Sprint(common.trials))
	}
	d.setPlain(f, "warmup")
	if common.measure > 0 {
		d.set("measure", fmt.Sprintf("--measure %v", common.measure), common.measure.String())
	}
	if len(common.gates) > 0 {
		list := strict.NewSequence()
		for _, g := range common.gates {
			list.Items = append(list.Items, textNode(g))
		}
		d.put("gates", "--gate", list)
	}
	// As a file has it: the load after the client, before what is compared.
	d.root.Entries = ordered(append(d.root.Entries, strict.Entry{Key: "load", Value: strict.NewSequence(entry)}))
	return d, nil
}

// scenarioName is what a scenario about a method is called.
func scenarioName(method string) string {
	method = method[strings.LastIndexAny(method, "/.")+1:]
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(method))
	if name == "" {
		name = "call"
	}
	return name
}

// describeIn says where the methods are described.
func (f *runFlags) describeIn(d *written, folder string) {
	s := f.server
	named := func(paths []string) *strict.Node {
		list := strict.NewSequence()
		for _, p := range paths {
			list.Items = append(list.Items, textNode(from(folder, p)))
		}
		return list
	}
	switch {
	case len(s.protos) > 0:
		proto := strict.NewMap(strict.Entry{Key: "files", Value: named(s.protos)})
		if len(s.importPaths) > 0 {
			proto.Entries = append(proto.Entries, strict.Entry{Key: "import_paths", Value: named(s.importPaths)})
		}
		d.put("descriptors.proto", "--proto", proto)
		d.flags["descriptors"] = "--proto"
		d.flags["descriptors.proto.import_paths"] = "--import-path"
	case s.protoset != "":
		d.set("descriptors.protoset", "--protoset", from(folder, s.protoset))
		d.flags["descriptors"] = "--protoset"
	default:
		d.flags["descriptors"] = "--target"
	}
}

// clientIn is the client's settings.
func (f *runFlags) clientIn(d *written, folder string) error {
	s := f.server
	d.setPlain(f, "timeout")
	d.setPlain(f, "connections")
	if t := s.secure(); t != nil {
		d.put("client.tls", "--tls", strict.NewMap())
		for _, file := range []struct{ key, flag, value string }{{"ca", "--cacert", t.CA}, {"cert", "--cert", t.Cert}, {"key", "--key", t.Key}} {
			if file.value != "" {
				d.set("client.tls."+file.key, file.flag, from(folder, file.value))
			}
			d.flags["client.tls."+file.key] = file.flag
		}
		if t.ServerName != "" {
			d.set("client.tls.server_name", "--servername", t.ServerName)
		}
		if t.InsecureSkipVerify {
			d.put("client.tls.insecure_skip_verify", "--insecure-skip-verify", strict.NewScalar("true"))
		}
	}
	if s.authority != "" {
		d.set("client.authority", "--authority", s.authority)
	}
	pairs, err := s.pairs()
	if err != nil {
		return err
	}
	for _, p := range pairs {
		flag := "--metadata " + p.key
		if isSecret(p.key) && !strings.Contains(p.value, "${") && !p.templated() {
			return usageError("%s: its value must be named, as '${NAME}' from the environment or '${file:PATH}': what stands here would be stored with the result", flag)
		}
		if s.bearerFile != "" && p.key == "authorization" {
			flag = "--bearer-file"
			p.value = "Bearer ${file:" + from(folder, s.bearerFile) + "}"
		}
		if !p.templated() {
			d.child("client.metadata", p.key, flag, textNode(p.value))
		}
	}
	return nil
}

// isSecret is whether the values of a metadata key mostly are.
func isSecret(key string) bool {
	for _, word := range []string{"authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// entry is the load.
func (f *runFlags) entry(a *app, d *written, folder string) (*strict.Node, error) {
	load := &written{root: strict.NewMap(), flags: d.flags}
	load.root.Entries = append(load.root.Entries, strict.Entry{Key: "call", Value: textNode(f.method)})
	d.flags["load[0].call"] = "--call"
	if f.data != "" {
		request, err := f.request(a, folder)
		if err != nil {
			return nil, err
		}
		load.root.Entries = append(load.root.Entries, strict.Entry{Key: "request", Value: request})
	}
	if f.data == "" && slices.ContainsFunc(f.server.metadata, func(text string) bool { return strings.Contains(text, "{{") }) {
		// What is made for each call is of a method that is known by its descriptor.
		load.root.Entries = append(load.root.Entries, strict.Entry{Key: "request", Value: strict.NewMap()})
	}
	d.flags["load[0].request"] = "--data"
	if f.feed != "" {
		load.set("feed.file", "", from(folder, f.feed))
		d.flags["load[0].feed"] = "--feed"
	}
	pairs, err := f.server.pairs()
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if p.templated() {
			load.child("metadata", p.key, "", textNode(p.value))
			d.flags["load[0].metadata."+p.key] = "--metadata " + p.key
		}
	}
	for _, flag := range plainFlags() {
		if key, ok := strings.CutPrefix(flag.path, "load[0]."); ok && *f.settings[flag.name] != "" {
			value, err := yamlValue(*f.settings[flag.name])
			if err != nil {
				return nil, usageError("--%s: %v", flag.name, err)
			}
			load.root.Entries = append(load.root.Entries, strict.Entry{Key: key, Value: value})
			d.flags[flag.path] = "--" + flag.name
		}
	}
	return load.root, nil
}

// request is --data as a document has it: a file by its name, JSON as a part of
// the document.
func (f *runFlags) request(a *app, folder string) (*strict.Node, error) {
	if name, file := strings.CutPrefix(f.data, "@"); file && name != "-" {
		if _, err := os.Stat(name); err != nil {
			return nil, usageError("--data: %s: %v", name, pathError(err))
		}
		return textNode("@" + from(folder, name)), nil
	}
	d, err := a.readData(f.data)
	if err != nil {
		return nil, err
	}
	all, err := jsonNodes(d.text)
	switch {
	case err != nil:
		return nil, usageError("--data: %v", err)
	case len(all) == 0:
		return nil, usageError("--data @-: there is nothing on standard input")
	case len(all) > 1:
		return strict.NewSequence(all...), nil
	}
	return all[0], nil
}

// compareIn is what is compared.
func (f *runFlags) compareIn(d *written) error {
	for _, text := range f.compare {
		path, values, ok := strings.Cut(text, "=")
		if !ok || path == "" || values == "" {
			return usageError("--compare %s: want PATH=A,B, such as client.pool.size=1,4", text)
		}
		for _, flag := range plainFlags() {
			if *f.settings[flag.name] != "" && strings.Replace(flag.path, "[0]", ".0", 1) == path {
				return usageError("--compare %s and --%s set the same: give one", path, flag.name)
			}
		}
		list, err := yamlValue("[" + values + "]")
		if err != nil {
			return usageError("--compare %s: %v", path, err)
		}
		flag := "--compare " + path
		d.child("compare", path, flag, list)
		// A mistake in a value is reported where the value goes.
		if keys := strings.SplitN(path, ".", 3); keys[0] == "load" && len(keys) == 3 {
			path = "load[0]." + keys[2]
		}
		d.flags[path] = flag
	}
	return nil
}
