package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/plain"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

func (a *app) baselineCommand() *cobra.Command {
	var dir string
	var force, asJSON bool
	c := &cobra.Command{
		Use:   "baseline save NAME RESULT | show NAME | list",
		Short: "Keep results under a name, which gates compare with as @NAME",
		Long: `baseline keeps results in a folder that can be committed or cached. A gate names
one as @NAME: 'p99 <= @main + 5%'.

save stores a copy of RESULT, a result.json or its folder, under NAME, in place of
what was there; it refuses one that is INVALID or partial. show prints a table of
it, list names all.`,
		Example: `  grpcbench baseline save main results/quick/latest
  grpcbench run scenarios/quick.yaml --gate 'p99 <= @main + 5%'
  grpcbench baseline list`,
		Args: func(_ *cobra.Command, args []string) error {
			want := map[string]int{"save": 3, "show": 2, "list": 1}
			if len(args) == 0 || want[args[0]] != len(args) {
				return usageError("want save NAME RESULT, show NAME or list. See `grpcbench baseline --help`.")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			kept := baselines{dir}
			if force && args[0] != "save" {
				return usageError("--force is of save")
			}
			switch args[0] {
			case "save":
				if asJSON {
					return usageError("--json is of show and list")
				}
				return a.saveBaseline(kept, args[1], args[2], force)
			case "show":
				r, err := kept.read(args[1])
				if err != nil {
					return usageError("%v", err)
				}
				name := "table"
				if asJSON {
					name = jsonName
				}
				f, err := findFormat(name)
				if err != nil {
					return err
				}
				return a.render(f, r)
			}
			return a.listBaselines(kept, asJSON)
		},
	}
	c.Flags().StringVar(&dir, "dir", defaultBaselines, "`DIR` to keep results in")
	c.Flags().BoolVar(&asJSON, "json", false, "list, show: print one JSON document")
	c.Flags().BoolVar(&force, "force", false, "save: take a result that is INVALID or partial, too")
	return c
}

func (a *app) saveBaseline(kept baselines, name, path string, force bool) error {
	file, err := kept.path(name)
	if err != nil {
		return usageError("%v", err)
	}
	r, err := readResult(path)
	if err != nil {
		return err
	}
	switch {
	case force:
	case r.Partial:
		return usageError("%s is partial: nothing to measure others by (--force takes it)", path)
	case result.Worst(r.Validity.Verdict, result.Suspect) == result.Invalid:
		return usageError("%s is INVALID: nothing to measure others by (--force takes it)", path)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return usageError("--dir: %v", err)
	}
	if err := r.Save(file); err != nil {
		return usageError("--dir: %v", err)
	}
	fmt.Fprintf(a.stdout, "%s\n", file)
	return nil
}

// storedBaseline is one line of the list.
type storedBaseline struct {
	Name     string            `json:"name"`
	File     string            `json:"file"`
	Scenario string            `json:"scenario"`
	Started  time.Time         `json:"started"`
	Verdict  result.Verdict    `json:"verdict"`
	Partial  bool              `json:"partial"`
	Labels   map[string]string `json:"labels"`
}

func (a *app) listBaselines(kept baselines, asJSON bool) error {
	names, err := kept.names()
	if err != nil {
		return usageError("--dir: %v", err)
	}
	all := []storedBaseline{}
	var wrong []error
	for _, name := range names {
		r, err := kept.read(name)
		if err != nil {
			wrong = append(wrong, usageError("%v", err))
			continue
		}
		file, err := kept.path(name)
		if err != nil {
			return internalError(err)
		}
		one := storedBaseline{name, file, r.Scenario.Name, r.Started.UTC(), r.Validity.Verdict, r.Partial, r.Labels}
		if one.Labels == nil {
			one.Labels = map[string]string{}
		}
		all = append(all, one)
	}
	if asJSON {
		err = result.WriteJSON(a.stdout, map[string]any{"baselines": all})
	} else {
		err = tabulateBaselines(a.stdout, all)
	}
	if err != nil {
		return internalError(err)
	}
	return mostImportant(wrong)
}

func tabulateBaselines(out io.Writer, all []storedBaseline) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(all) > 0 {
		fmt.Fprintln(w, "NAME\tSCENARIO\tMEASURED\tVERDICT\tLABELS")
	}
	for _, b := range all {
		var labels []string
		for _, key := range slices.Sorted(maps.Keys(b.Labels)) {
			labels = append(labels, key+"="+b.Labels[key])
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.Name, plain.Text(b.Scenario), b.Started.Format(time.RFC3339),
			plain.Text(string(b.Verdict)), plain.Text(strings.Join(labels, " ")))
	}
	return w.Flush()
}

// baselines is a folder of results by name.
type baselines struct{ dir string }

var baselineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]*$`)

// path is the file of a name.
func (b baselines) path(name string) (string, error) {
	if !baselineName.MatchString(name) || !filepath.IsLocal(filepath.FromSlash(name)) || strings.HasSuffix(name, "/") {
		return "", fmt.Errorf("a baseline's name must be letters, digits, _, ., / and - (got %q)", name)
	}
	return filepath.Join(b.dir, filepath.FromSlash(name)+".json"), nil
}

// read reads the result of a name.
func (b baselines) read(name string) (*result.Result, error) {
	path, err := b.path(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		names, _ := b.names()
		hint := "save one: grpcbench baseline save " + name + " RESULT"
		if guess := strict.Suggest(name, names); guess != "" {
			hint = fmt.Sprintf("did you mean %q?", guess)
		}
		return nil, fmt.Errorf("there is no baseline %q in %s; %s", name, b.dir, hint)
	}
	return readResult(path)
}

// names is what is stored, in order.
func (b baselines) names() ([]string, error) {
	var names []string
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if path == b.dir && errors.Is(err, fs.ErrNotExist) {
				return fs.SkipAll
			}
			return err
		}
		if name, ok := strings.CutSuffix(path, ".json"); ok && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
			if rel, err := filepath.Rel(b.dir, name); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		}
		return nil
	})
	return names, err
}
