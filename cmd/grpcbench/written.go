package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/plain"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// commandLine is the file's name of a scenario that is in none.
const commandLine = "command line"

// written is a document that flags stand for.
type written struct {
	file    string // its name for messages, and the folder of its files
	comment string
	root    *strict.Node
	text    string // of comment and root, --set applied
	// flags says which flag, with its value, is behind a path.
	flags map[string]string
}

// setPlain puts a plain flag at its path, if it is given.
func (d *written) setPlain(f *runFlags, name string) {
	for _, flag := range plainFlags() {
		if flag.name == name && *f.settings[name] != "" {
			d.set(flag.path, "--"+name, *f.settings[name])
		}
	}
}

// set puts a scalar at a path, for a flag.
func (d *written) set(path, flag, value string) { d.put(path, flag, plainNode(value)) }

// put puts a value at a path of maps, for a flag.
func (d *written) put(path, flag string, value *strict.Node) {
	if flag != "" {
		d.flags[path] = flag
	}
	at := d.root
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		below := at.Key(key)
		if below == nil {
			below = strict.NewMap()
			at.Entries = append(at.Entries, strict.Entry{Key: key, Value: below})
		}
		at = below
	}
	at.Entries = append(at.Entries, strict.Entry{Key: keys[len(keys)-1], Value: value})
}

// child puts a value at a key, dots and all, of the map at a path of one or more
// keys.
func (d *written) child(path, key, flag string, value *strict.Node) {
	at := d.root
	for _, k := range strings.Split(path, ".") {
		below := at.Key(k)
		if below == nil {
			below = strict.NewMap()
			at.Entries = append(at.Entries, strict.Entry{Key: k, Value: below})
		}
		at = below
	}
	at.Entries = append(at.Entries, strict.Entry{Key: key, Value: value})
	if flag != "" {
		d.flags[path+"."+key] = flag
	}
}

// textNode is a scalar that is text, whatever it looks like; plainNode one that is
// what it looks like.
func textNode(s string) *strict.Node {
	return &strict.Node{Kind: strict.Scalar, Text: s, Quoted: true}
}

func plainNode(s string) *strict.Node { return strict.NewScalar(s) }

// yamlValue is a value as --set takes it: a scalar, or a list or map in brackets.
func yamlValue(value string) (*strict.Node, error) {
	doc, err := strict.Parse("", []byte("value: "+value+"\n"))
	if err != nil {
		var one *strict.Error
		if errors.As(err, &one) {
			return nil, errors.New(one.Message)
		}
		return nil, err
	}
	if len(doc.Root.Entries) != 1 {
		return nil, fmt.Errorf("want one value (got %q)", value)
	}
	return doc.Root.Key("value"), nil
}

// ordered is the keys of a document in the order in which one is written.
func ordered(entries []strict.Entry) []strict.Entry {
	order := []string{"name", "target", "descriptors", "client", "load", "compare", "trials", "warmup", "measure", "gates"}
	slices.SortStableFunc(entries, func(a, b strict.Entry) int { return slices.Index(order, a.Key) - slices.Index(order, b.Key) })
	return entries
}

// read reads the document as a file, and tells mistakes by their flags.
func (d *written) read(options scenario.Options) (*scenario.Plan, error) {
	plan, err := scenario.Read(d.file, []byte(d.text), options)
	if all, ok := errors.AsType[strict.Errors](err); ok {
		return nil, d.mistakes(all)
	}
	if err != nil {
		return nil, scenarioError(err)
	}
	return plan, nil
}

// mistakes tells mistakes of the document by the flags that they come from. Those
// of --set, and of files that are named, have places of their own.
func (d *written) mistakes(all strict.Errors) error {
	var lines []string
	for _, e := range all {
		if e.Pos.Source != d.file || e.Pos.Line == 0 {
			lines = append(lines, e.Error())
			continue
		}
		lines = append(lines, "grpcbench: "+d.byFlag(e))
	}
	return scenarioError(errors.New(strings.Join(lines, "\n")))
}

// byFlag is a mistake, by the flag that its path comes from.
func (d *written) byFlag(e *strict.Error) string {
	// What to do instead is told as flags.
	message := strings.NewReplacer("(proto)", "(--proto)", "(protoset)", "(--protoset)").Replace(e.Message)
	path := e.Path
	for {
		if flag := d.flags[path]; flag != "" {
			below := strings.TrimLeft(strings.TrimPrefix(e.Path, path), ".")
			if below != "" {
				return fmt.Sprintf("%s: %s: %s", flag, below, message)
			}
			return fmt.Sprintf("%s: %s", flag, message)
		}
		at := strings.LastIndexAny(path, ".[")
		if at < 0 {
			break
		}
		path = path[:at]
	}
	if e.Path == "" {
		return message
	}
	return e.Path + ": " + message
}

// commentLine is the command that a saved scenario came from, on one line, fit to
// be pasted. It says nothing that the scenario does not.
func commentLine(c *cobra.Command) string {
	const longest = 60 // of a request; the scenario has it whole
	words := []string{c.CommandPath()}
	c.Flags().Visit(func(f *pflag.Flag) {
		if !ofScenario(f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			switch {
			case f.Value.Type() == "bool":
				words = append(words, "--"+f.Name)
				continue
			case f.Name == "data" && len(v) > longest:
				v = "…"
			}
			words = append(words, "--"+f.Name, shellWord(v))
		}
	})
	return "# " + strings.Join(words, " ") + "\n"
}

// ofScenario is whether a flag of run says something of the scenario. The others say
// what is done with it, and may hold what is nobody else's business, as
// --otlp-header does.
func ofScenario(flag string) bool {
	own := &cobra.Command{}
	(&runFlags{}).register(own)
	(&scenarioFlags{}).register(own)
	return flag == "gate" || own.Flags().Lookup(flag) != nil && flag != "save" && flag != "force"
}

// shellWord is text as one word for a shell, on one line.
func shellWord(s string) string {
	s = strings.Join(strings.Fields(plain.Text(s)), " ")
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_…", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
