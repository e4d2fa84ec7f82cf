package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// runFlags are a scenario on the command line: one load entry against a server of
// the user's own. They become a document, which is then read as any file is.
type runFlags struct {
	server       serverFlags
	method, data string
	feed         string
	settings     map[string]*string // the value of each plainFlag
	compare      []string
	save         string
	force        bool
}

// plainFlag is a flag whose value is put into the document as it stands.
type plainFlag struct {
	name, path, usage string
}

// plainFlags are those of them that only a run without FILE has.
func plainFlags() []plainFlag {
	return []plainFlag{
		{"rate", "load[0].rate", "open loop: `RATE` of calls, such as 500/s (/ms, /m too)"},
		{"workers", "load[0].workers", "closed loop: `N` workers that each make one call after the other"},
		{"arrivals", "load[0].arrivals", "open loop: how calls are spread over time, poisson when left out; see 'grpcbench list' for each `KIND`"},
		{"max-in-flight", "load[0].max_in_flight", "open loop: at most `N` calls at once, an arrival beyond is dropped and counted; 10000 when left out"},
		{"slo", "load[0].slo", "response `TIME` within which a call counts as good; --timeout when left out"},
		{"messages", "load[0].messages", "`N` messages per stream"},
		{"timeout", "client.timeout", "bound on a whole call, a `TIME` such as 500ms"},
		{"connections", "client.pool.size", fmt.Sprintf("`N` channels of the client, %d when left out", clientcore.Default().Pool.Size)},
		{"warmup", "warmup", "`TIME` of load before each measurement, 2s when left out"},
	}
}

func (f *runFlags) register(c *cobra.Command) {
	f.server.register(c)
	c.Flags().StringVar(&f.method, "call", "", "`METHOD` to call: pkg.Service/Method")
	c.Flags().StringVarP(&f.data, "data", "d", "", "the request: `JSON`, @FILE.json, @FILE.jsonl, or @- for standard input; templates such as {{ uuid }} in it")
	c.Flags().StringVar(&f.feed, "feed", "", ".csv or .jsonl `FILE` of rows that templates take values from: {{ .row.name }}")
	f.settings = map[string]*string{}
	for _, flag := range plainFlags() {
		f.settings[flag.name] = c.Flags().String(flag.name, "", flag.usage)
	}
	c.Flags().StringArrayVar(&f.compare, "compare", nil, "compare values of a setting, as `PATH=A,B`: client.pool.size=1,4 or target=old:443,new:443 (repeatable)")
	c.Flags().StringVar(&f.save, "save", "", "write the scenario that the flags stand for to `FILE.yaml`, before it is run")
	c.Flags().BoolVar(&f.force, "force", false, "let --save replace a file")
}

// withFile refuses flags that describe a scenario beside one in a file.
func (f *runFlags) withFile(c *cobra.Command, file string) error {
	paths := map[string]string{"target": "target", "call": "load.0.call", "data": "load.0.request", "feed": "load.0.feed.file", "authority": "client.authority",
		"tls": "client.tls", "cacert": "client.tls.ca", "cert": "client.tls.cert", "key": "client.tls.key",
		"servername": "client.tls.server_name", "insecure-skip-verify": "client.tls.insecure_skip_verify", "metadata": "client.metadata"}
	for _, flag := range plainFlags() {
		paths[flag.name] = strings.Replace(flag.path, "[0]", ".0", 1)
	}
	own := &cobra.Command{}
	(&runFlags{}).register(own)
	var wrong error
	own.Flags().VisitAll(func(flag *pflag.Flag) {
		if wrong != nil || !c.Flags().Changed(flag.Name) {
			return
		}
		instead := "give one of the two"
		if path := paths[flag.Name]; path != "" {
			instead = fmt.Sprintf("give --set %s=… to change that", path)
		}
		wrong = usageError("--%s is of a scenario on the command line, and %s is one in a file: %s", flag.Name, file, instead)
	})
	return wrong
}

// plan is the plan of the scenario that the flags stand for, and its document.
func (f *runFlags) plan(a *app, c *cobra.Command, common *scenarioFlags) (*scenario.Plan, *written, error) {
	if err := common.check(c); err != nil {
		return nil, nil, err
	}
	d, err := f.document(a, c, common)
	if err != nil {
		return nil, nil, err
	}
	d.text = d.comment + strict.Print(d.root)
	plan, err := d.read(scenario.Options{Set: common.set})
	if err == nil && len(common.set) > 0 {
		// What is saved, and has the plan's hash, is the scenario with its changes.
		d.text = d.comment + plan.Document
		plan, err = d.read(scenario.Options{})
	}
	return plan, d, err
}

// check finds what is missing, and flags that do not go together.
func (f *runFlags) check(c *cobra.Command, common *scenarioFlags) error {
	targets := slices.ContainsFunc(f.compare, func(s string) bool { return strings.HasPrefix(s, "target=") })
	rate, workers := f.says(c, "rate"), f.says(c, "workers")
	switch {
	case f.server.target == "" && f.method == "" && !targets:
		return usageError("want a scenario file, or a scenario on the command line: --target, --call and --rate. See `%s --help`.", c.CommandPath())
	case f.server.target == "" && !targets:
		return usageError("which server? Give --target host:port")
	case f.server.target != "" && targets:
		return usageError("--compare target and --target both say whom to call: give one")
	case f.method == "":
		return usageError("which method? Give --call pkg.Service/Method; 'grpcbench services' lists them")
	case !rate && !workers && !strings.Contains(*f.settings["arrivals"], "replay"):
		return usageError("how much? Give --rate 500/s (calls come at their time) or --workers 8 (each makes one call after the other)")
	case rate && workers:
		return usageError("--rate and --workers are two kinds of load: give one")
	case len(common.only) > 0:
		return usageError("--only chooses variants of a scenario file: without one, compare less")
	case f.force && f.save == "":
		return usageError("--force is for --save")
	}
	if f.save != "" {
		if ext := filepath.Ext(f.save); ext != ".yaml" && ext != ".yml" {
			return usageError("--save: want a name that ends in .yaml (got %s)", f.save)
		}
		switch _, err := os.Lstat(f.save); {
		case err == nil && !f.force:
			return usageError("--save: %s is there already (--force replaces it)", f.save)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return usageError("--save: %s: %v", f.save, pathError(err))
		}
	}
	return f.server.check()
}

// says is whether there is a value for a key of the load entry: by its flag, or by
// several that are compared.
func (f *runFlags) says(c *cobra.Command, key string) bool {
	return c.Flags().Changed(key) || slices.ContainsFunc(f.compare, func(s string) bool {
		path, _, _ := strings.Cut(s, "=")
		return strings.HasPrefix(path, "load.") && strings.HasSuffix(path, "."+key)
	})
}

// keep writes the scenario, if that is asked for: all of it or nothing.
func (f *runFlags) keep(d *written) error {
	if f.save == "" {
		return nil
	}
	err := result.WriteFile(f.save, func(w io.Writer) error {
		_, err := io.WriteString(w, d.text)
		return err
	})
	if err != nil {
		return usageError("--save: %v", err)
	}
	return nil
}
