package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/scenario/message"
)

// data is the text of --data and where it comes from.
type data struct {
	name string // of the file; --data for what stood on the command line
	text []byte
	from origin
}

type origin int

const (
	fromFlag origin = iota
	fromFile
	fromInput
)

// readData reads what --data names.
func (a *app) readData(flag string) (data, error) {
	name, file := strings.CutPrefix(flag, "@")
	switch {
	case !file:
		return data{name: "--data", text: []byte(flag)}, nil
	case name == "-":
		if a.In == nil {
			return data{}, usageError("--data @-: there is no standard input")
		}
		text, err := io.ReadAll(a.In)
		if err != nil {
			return data{}, usageError("--data @-: %v", err)
		}
		return data{name: "standard input", text: text, from: fromInput}, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return data{}, usageError("--data: %s: %v", name, pathError(err))
	}
	return data{name: name, text: text, from: fromFile}, nil
}

// messages reads the messages that a call of the method sends.
func (d data) messages(method protoreflect.MethodDescriptor, types message.Types) ([]*message.Template, error) {
	if len(d.text) == 0 && d.from == fromFlag && !method.IsStreamingClient() {
		d.text = []byte("{}")
	}
	all, err := d.all(method, types)
	if err == nil && !method.IsStreamingClient() && len(all) != 1 {
		err = fmt.Errorf("--data: %s takes one message (got %d)", method.Name(), len(all))
	}
	return all, err
}

func (d data) all(method protoreflect.MethodDescriptor, types message.Types) ([]*message.Template, error) {
	if d.from == fromFile {
		return message.ReadMessages(method.Input(), d.name, d.text, types)
	}
	values := valuesOf(d)
	if len(values) == 1 && method.IsStreamingClient() && bytes.HasPrefix(values[0].JSON, []byte("[")) {
		return message.ReadMessages(method.Input(), d.name+".json", d.text, types)
	}
	var all []*message.Template
	for _, text := range values {
		t, err := message.Compile(method.Input(), text, types)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// valuesOf is the JSON values of a text, one after the other with or without white
// space between them. What is no JSON is the last one, for its reader to complain
// of.
func valuesOf(d data) []message.Text {
	var all []message.Text
	for rest, line, column := d.text, 1, 1; ; {
		begin := len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
		line, column = after(rest[:begin], line, column)
		if rest = rest[begin:]; len(rest) == 0 {
			return all
		}
		text := message.Text{Name: d.name, Line: line, Column: column, JSON: rest}
		decoder := json.NewDecoder(bytes.NewReader(rest))
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return append(all, text)
		}
		end := int(decoder.InputOffset())
		text.JSON = rest[:end]
		all = append(all, text)
		line, column = after(rest[:end], line, column)
		rest = rest[end:]
	}
}

// after is the place behind a text that begins at a line and column, in
// characters.
func after(text []byte, line, column int) (int, int) {
	for _, r := range string(text) {
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}
