package export

import (
	"fmt"
	"go/format"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/breaker"
	"github.com/grpcbench/grpcbench/clientcore/discovery/targets"
	"github.com/grpcbench/grpcbench/scenario/secret"
)

// Go is the source of a file that builds exactly the client of c: its function
// Config returns an equal clientcore.Config, and New a client by it. Everything
// is written out, so that the client stays the measured one when defaults change.
//
// A secret that the settings name as ${NAME} is read from the environment by what
// is printed. One that is in a file is an error: Go has no word for that.
func Go(c Client) ([]byte, error) {
	for key, value := range c.Config.Metadata {
		if slices.ContainsFunc(secret.Split(value), secret.Part.InFile) {
			return nil, fmt.Errorf("client.metadata.%s: a secret in a file cannot be printed as Go: name an environment variable, as ${TOKEN}", key)
		}
	}
	w := &source{imports: map[string]bool{}}
	config := w.literal(reflect.ValueOf(c.Config))
	core := w.pkg(reflect.TypeFor[clientcore.Config]())
	if c.Discovered {
		w.pkg(reflect.TypeFor[targets.Target]())
	}
	var b strings.Builder
	for _, line := range c.about() {
		fmt.Fprintf(&b, "// %s\n", line)
	}
	b.WriteString("package client\n\nimport (\n")
	for _, imported := range w.groups() {
		for _, one := range imported {
			fmt.Fprintf(&b, "\t%q\n", one)
		}
		b.WriteString("\n")
	}
	if c.needsXDS() {
		fmt.Fprintf(&b, "\t_ %q // links grpc-go's xDS, of which outlier_detection is a part\n", path.Join(corePath(), "xds"))
	}
	b.WriteString(")\n\n")
	fmt.Fprintf(&b, "// Config is the settings that were measured.\nfunc Config() %s.Config {\n\treturn %s\n}\n\n", core, config)
	fmt.Fprintf(&b, "// New makes the client%s.\nfunc New(opts ...%s.Option) (*%s.Client, error) {\n", c.whereTo(), core, core)
	switch {
	case c.Discovered:
		fmt.Fprintf(&b, "\ttarget, err := targets.Parse(%q)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n", c.Target)
		b.WriteString("\tdial, resolvers, err := target.Dial()\n\tif err != nil {\n\t\treturn nil, err\n\t}\n")
		fmt.Fprintf(&b, "\topts = append([]%s.Option{%s.WithTarget(dial), %s.WithResolvers(resolvers...)}, opts...)\n", core, core, core)
	case c.Target != "":
		fmt.Fprintf(&b, "\topts = append([]%s.Option{%s.WithTarget(%q)}, opts...)\n", core, core, c.Target)
	}
	fmt.Fprintf(&b, "\treturn %s.New(Config(), opts...)\n}\n", core)
	return format.Source([]byte(b.String()))
}

// corePath is the import path of clientcore.
func corePath() string { return reflect.TypeFor[clientcore.Config]().PkgPath() }

// whereTo is how the reader says where the backends are.
func (c Client) whereTo() string {
	var options []string
	if c.Target == "" {
		options = append(options, `where its backends are: clientcore.WithTarget("dns:///users.internal:443")`)
	}
	if c.Config.Balance.NeedsLookaside() {
		options = append(options, "clientcore.WithLookaside, unless the resolver knows the look-aside balancers")
	}
	if len(options) == 0 {
		return ""
	}
	return "; say by options\n// " + strings.Join(options, ",\n// and ")
}

// source is Go text that is being written.
type source struct{ imports map[string]bool }

// groups is the imports as gofmt has them: the standard library, then others,
// then ours.
func (w *source) groups() [][]string {
	groups := make([][]string, 3)
	own := path.Dir(corePath())
	for _, imported := range slices.Sorted(maps.Keys(w.imports)) {
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case strings.HasPrefix(imported, own+"/"):
			groups[2] = append(groups[2], imported)
		case strings.Contains(first, "."):
			groups[1] = append(groups[1], imported)
		default:
			groups[0] = append(groups[0], imported)
		}
	}
	return groups
}

// pkg is the name of a type's package, which is imported.
func (w *source) pkg(t reflect.Type) string {
	w.imports[t.PkgPath()] = true
	return path.Base(t.PkgPath())
}

// name is a type as the file writes it.
func (w *source) name(t reflect.Type) string {
	switch {
	case t.Name() != "" && t.PkgPath() == "":
		return t.Name()
	case t.Name() != "":
		return w.pkg(t) + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + w.name(t.Elem())
	case reflect.Slice:
		return "[]" + w.name(t.Elem())
	case reflect.Map:
		return "map[" + w.name(t.Key()) + "]" + w.name(t.Elem())
	}
	panic(fmt.Sprintf("export: no name for %s", t))
}

// literal is an expression of v's type whose value is v.
func (w *source) literal(v reflect.Value) string {
	t := v.Type()
	switch value := v.Interface().(type) {
	case time.Duration:
		return w.duration(value)
	case codes.Code:
		return w.pkg(t) + "." + value.String()
	case breaker.Scope:
		return w.pkg(t) + "." + map[breaker.Scope]string{breaker.Client: "Client", breaker.Method: "Method", breaker.Backend: "Backend"}[value]
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if v.Elem().Kind() == reflect.Struct {
			return "&" + w.literal(v.Elem())
		}
		return "new(" + w.typed(v.Elem()) + ")"
	case reflect.Struct:
		return w.composite(t, w.fields(v))
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, w.literal(v.Index(i)))
		}
		if len(items) == 0 {
			return "nil"
		}
		return w.name(t) + "{" + strings.Join(items, ", ") + "}"
	case reflect.Map:
		var items []string
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			items = append(items, strconv.Quote(key.String())+": "+w.literal(v.MapIndex(key)))
		}
		return w.composite(t, items)
	case reflect.String:
		return w.text(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	if v.Type().PkgPath() != "" && v.Type().ConvertibleTo(reflect.TypeFor[time.Duration]()) && v.Kind() == reflect.Int64 {
		return w.name(t) + "(" + w.duration(time.Duration(v.Int())) + ")"
	}
	if v.CanInt() {
		return strconv.FormatInt(v.Int(), 10)
	}
	return strconv.FormatUint(v.Uint(), 10)
}

// text is a string, in which ${NAME} is the environment's.
func (w *source) text(s string) string {
	var parts []string
	for _, part := range secret.Split(s) {
		if part.Variable == "" {
			parts = append(parts, strconv.Quote(part.Text))
			continue
		}
		w.imports["os"] = true
		parts = append(parts, fmt.Sprintf("os.Getenv(%q)", part.Variable))
	}
	if len(parts) == 0 {
		return `""`
	}
	return strings.Join(parts, " + ")
}

// typed is a literal that has v's type wherever it stands.
func (w *source) typed(v reflect.Value) string {
	text := w.literal(v)
	switch v.Kind() {
	case reflect.Int, reflect.Bool, reflect.String, reflect.Struct:
		return text
	}
	if v.Type() == reflect.TypeFor[time.Duration]() && v.Int() != 0 {
		return text
	}
	return w.name(v.Type()) + "(" + text + ")"
}

// fields is what is not zero in a struct.
func (w *source) fields(v reflect.Value) []string {
	var items []string
	for f, value := range v.Fields() {
		if f.IsExported() && !value.IsZero() {
			items = append(items, f.Name+": "+w.literal(value))
		}
	}
	return items
}

// shortest is how much of a composite stands on one line.
const shortest = 60

func (w *source) composite(t reflect.Type, items []string) string {
	joined := strings.Join(items, ", ")
	if len(joined) <= shortest && !strings.Contains(joined, "\n") {
		return w.name(t) + "{" + joined + "}"
	}
	return w.name(t) + "{\n" + strings.Join(items, ",\n") + ",\n}"
}

// duration is d in the largest unit that it is a whole number of.
func (w *source) duration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	w.imports["time"] = true
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"Hour", time.Hour}, {"Minute", time.Minute}, {"Second", time.Second}, {"Millisecond", time.Millisecond}, {"Microsecond", time.Microsecond}} {
		if d%unit.size == 0 {
			if d == unit.size {
				return "time." + unit.name
			}
			return fmt.Sprintf("%d * time.%s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d * time.Nanosecond", d)
}
