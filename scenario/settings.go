package scenario

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// setting is one resolved value, defaults included, at its dotted path. Its text is
// whole, because what differs may do so at the end; where a document can hold any
// amount of it, it is cut to be shown.
type setting struct {
	path, text string
	cut        bool
}

// settings lists what a variant comes to, without what is zero: left out,
// unlimited, none.
func (s *Scenario) settings() []setting {
	var all []setting
	if s.Fleet != nil {
		all = flatten(all, "fleet", "", reflect.ValueOf(s.Fleet))
	}
	if s.Target != "" {
		all = append(all, setting{path: "target", text: s.Target})
	}
	if s.owns() {
		all = append(all, setting{path: "descriptors", text: s.Descriptors.Name()})
	}
	for i, c := range s.Churn {
		all = append(all, setting{path: fmt.Sprintf("churn[%d]", i), text: flowText(c)})
	}
	all = flatten(all, "client", "", reflect.ValueOf(s.Client))
	for _, l := range s.Load {
		all = flatten(all, "load."+l.Name, "", reflect.ValueOf(l))
	}
	return slices.DeleteFunc(all, func(x setting) bool { return strings.HasPrefix(x.path, "load.") && strings.HasSuffix(x.path, ".name") })
}

// flatten appends the settings at and below path. Choices, and items of lists,
// are one setting.
func flatten(all []setting, path, unit string, v reflect.Value) []setting {
	there := false // though every setting of it may be zero: tls: {}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return all
		}
		there, v = true, v.Elem()
	}
	if text, ok := inline(v, unit); ok {
		if text != "" {
			_, document := v.Interface().(strict.Node)
			all = append(all, setting{path, text, document})
		}
		return all
	}
	switch v.Kind() {
	case reflect.Map:
		for _, key := range sortedKeys(v) {
			all = flatten(all, path+"."+key, "", v.MapIndex(reflect.ValueOf(key)))
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, setting{path: fmt.Sprintf("%s[%d]", path, i), text: flow(v.Index(i), "")})
		}
	case reflect.Struct:
		before := len(all)
		eachField(v, func(name, unit string, f reflect.Value) {
			all = flatten(all, path+"."+name, unit, f)
		})
		if there && len(all) == before {
			all = append(all, setting{path: path, text: "{}"})
		}
	}
	return all
}

// inline is the value as one setting, empty when it is zero; ok is false for
// what has settings of its own.
func inline(v reflect.Value, unit string) (text string, ok bool) {
	if word, is := wordOf(v); is {
		return word, true
	}
	switch k := v.Kind(); {
	case len(strict.Kinds(v.Type())) > 0:
	case k == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct, k == reflect.Map, k == reflect.Struct:
		return "", false
	}
	if v.IsZero() {
		return "", true
	}
	return flow(v, unit), true
}

// wordOf is the text of a value that its type writes as one: none, for a retry
// policy that is off; method, for a breaker's scope.
func wordOf(v reflect.Value) (string, bool) {
	if node, ok := v.Interface().(strict.Node); ok {
		return node.String(), true
	}
	if worded, ok := v.Interface().(interface{ Word() string }); ok {
		word := worded.Word()
		return word, word != ""
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok && v.Kind() != reflect.Struct {
		written, err := text.MarshalText()
		// Zero may be a word of its own: a breaker whose scope is the client.
		off := v.IsZero() && slices.Contains([]string{"", "none", "off"}, string(written))
		return string(written), err == nil && !off
	}
	return "", false
}

// flowText is a configuration in YAML's flow form.
func flowText(v any) string { return flow(reflect.ValueOf(v), "") }

// flow is a value in YAML's flow form, without what is zero.
func flow(v reflect.Value, unit string) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if word, is := wordOf(v); is {
		return word
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return value.String()
	case codes.Code:
		return strict.CodeName(value)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Float64:
		return number(v.Float(), unit)
	case reflect.Int64:
		if unit == "bytes" {
			return strict.ByteText(v.Int())
		}
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, flow(v.Index(i), unit))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		var parts []string
		for _, key := range sortedKeys(v) {
			parts = append(parts, key+": "+flow(v.MapIndex(reflect.ValueOf(key)), unit))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Struct:
		return flowStruct(v)
	}
	return fmt.Sprint(v.Interface())
}

func flowStruct(v reflect.Value) string {
	if v.NumField() == 1 && v.Type().Field(0).Tag.Get("yaml") == ",value" {
		return flow(v.Field(0), v.Type().Field(0).Tag.Get("unit"))
	}
	isChoice := len(strict.Kinds(v.Type())) > 0
	var parts []string
	name := ""
	eachField(v, func(key, unit string, f reflect.Value) {
		if f.IsZero() {
			return
		}
		text := flow(f, unit)
		if isChoice && text == "{}" {
			name = key
			return
		}
		parts = append(parts, key+": "+text)
	})
	if name != "" {
		return name
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// eachField calls yield with the keys of a struct, those of inline structs in
// place.
func eachField(v reflect.Value, yield func(name, unit string, f reflect.Value)) {
	for f, value := range v.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			eachField(value, yield)
		case f.Tag.Get("tree") != "" && !v.FieldByName(f.Tag.Get("tree")).IsZero():
			yield(name, "", v.FieldByName(f.Tag.Get("tree")))
		case f.Tag.Get("or") != "" && value.CanInt() && !v.FieldByName(f.Tag.Get("or")).IsZero():
			yield(name, "", v.FieldByName(f.Tag.Get("or"))) // it was written as a list, or as a map
		case name != "" && name != "-":
			yield(name, f.Tag.Get("unit"), value)
		}
	}
}

func number(x float64, unit string) string {
	switch unit {
	case "share":
		return strconv.FormatFloat(100*x, 'g', 6, 64) + "%"
	case "rate":
		return strconv.FormatFloat(x, 'f', -1, 64) + "/s"
	default:
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
}

func sortedKeys(m reflect.Value) []string {
	var keys []string
	for _, k := range m.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}
