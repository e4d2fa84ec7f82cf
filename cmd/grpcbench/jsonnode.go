package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// jsonNodes are the JSON values of a text, one after the other.
func jsonNodes(input []byte) ([]*strict.Node, error) {
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.UseNumber()
	var all []*strict.Node
	for {
		n, err := jsonNode(decoder)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			end := int(decoder.InputOffset())
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				end = int(syntax.Offset) - 1
			}
			line, column := after(input[:max(0, min(end, len(input)))], 1, 1)
			return nil, fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(err.Error(), "json: "))
		}
		all = append(all, n)
	}
}

// jsonNode is the next value. io.EOF is that there is none.
func jsonNode(d *json.Decoder) (*strict.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		n := strict.NewSequence()
		if t == '{' {
			n = strict.NewMap()
		}
		for d.More() {
			if t == '[' {
				item, err := inner(jsonNode(d))
				if err != nil {
					return nil, err
				}
				n.Items = append(n.Items, item)
				continue
			}
			key, err := d.Token()
			if err != nil {
				return nil, unexpectedEnd(err)
			}
			value, err := inner(jsonNode(d))
			if err != nil {
				return nil, err
			}
			if n.Key(key.(string)) != nil {
				return nil, fmt.Errorf("the key %q is there twice", key)
			}
			n.Entries = append(n.Entries, strict.Entry{Key: key.(string), Value: value})
		}
		_, err := d.Token()
		return n, unexpectedEnd(err)
	case string:
		return textNode(t), nil
	case json.Number:
		return plainNode(t.String()), nil
	case bool:
		return plainNode(fmt.Sprint(t)), nil
	}
	return &strict.Node{Kind: strict.Null}, nil
}

func inner(n *strict.Node, err error) (*strict.Node, error) { return n, unexpectedEnd(err) }

// unexpectedEnd is for an end in the middle of a value.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
