package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// decode is a message from its wire, or from its JSON as protojson reads it.
func decode(t testing.TB, s schema, md protoreflect.MessageDescriptor, wire []byte) proto.Message {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{Resolver: s}).Unmarshal(wire, m); err != nil {
		t.Fatalf("the wire does not decode: %v", err)
	}
	return m
}

func wanted(t testing.TB, s schema, md protoreflect.MessageDescriptor, json string) proto.Message {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	if err := (protojson.UnmarshalOptions{Resolver: s}).Unmarshal([]byte(json), m); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return m
}

// render is the message of a template, which must be right.
func render(t testing.TB, s schema, md protoreflect.MessageDescriptor, json string, e *Env) proto.Message {
	t.Helper()
	of, err := Compile(md, Text{Name: "x.json", JSON: []byte(json)}, s)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := of.Append([]byte("before"), e)
	if err != nil {
		t.Fatal(err)
	}
	if string(wire[:6]) != "before" {
		t.Fatalf("what was there before is gone: %q", wire[:6])
	}
	return decode(t, s, md, wire[6:])
}

func same(t testing.TB, want, got proto.Message) {
	t.Helper()
	if !proto.Equal(want, got) {
		t.Errorf("not the message that it stands for (-want +got):\n%s", cmp.Diff(want, got, protocmp.Transform()))
	}
}

func testFeed(t testing.TB) *Feed {
	t.Helper()
	row := strings.ReplaceAll(`{"id": "c-7", "n": 42, "text": "43", "neg": -3, "zero": 0, "empty": "", "yes": true, "price": 1.5, "state": "STATE_ACTIVE",
		"nothing": null, "user": {"name": {"first name": "A\"b\u00e9"}, "tags": ["a", "b"]}, "item": {"sku": "s", "quantity": 2}, "at": "2026-01-02T03:04:05Z",
		"limits": {"a": 1}, "base64": "AQID", "truth": "true", "one": "1"}`, "\n", " ")
	f, err := ReadFeed("rows.jsonl", []byte(row+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A template gives what the JSON gives that has its value by hand.
func TestTemplatesStandForTheirValue(t *testing.T) {
	s := testSchema(t)
	feed := testFeed(t)
	row, _ := feed.Row(Sequential, 0, 0)
	for _, c := range []struct{ message, template, json string }{
		{"test.Charge", `{"customerId": "{{ .row.id }}"}`, `{"customerId": "c-7"}`},
		{"test.Charge", `{"customerId": "cust-{{ .row.id }}/{{.call}}"}`, `{"customerId": "cust-c-7/9"}`},
		{"test.Charge", `{"customerId": "{{ .row.n }}", "card": "{{ .row.yes }}", "note": "{{ .row.price }}"}`, `{"customerId": "42", "card": "true", "note": "1.5"}`},
		{"test.Charge", `{"customerId": "{{ .call }}", "note": "{{ .message }}"}`, `{"customerId": "9", "note": "2"}`},
		{"test.Charge", `{"amount": "{{ .row.n }}", "big": "{{ .row.text }}", "count": "{{ .call }}", "total": "{{ .row.n }}"}`, `{"amount": 42, "big": 43, "count": 9, "total": 42}`},
		{"test.Charge", `{"zig": "{{ .row.neg }}", "z64": "{{ .row.neg }}", "s64": "{{ .row.neg }}", "sfixed": "{{ .row.neg }}", "fixed": "{{ .row.n }}", "f32": "{{ .row.n }}"}`, `{"zig": -3, "z64": -3, "s64": -3, "sfixed": -3, "fixed": 42, "f32": 42}`},
		{"test.Charge", `{"rate": "{{ .row.price }}", "share": "{{ .row.text }}"}`, `{"rate": 1.5, "share": 43}`},
		{"test.Charge", `{"urgent": "{{ .row.yes }}", "sure": "{{ .row.truth }}"}`, `{"urgent": true, "sure": true}`},
		{"test.Charge", `{"state": "{{ .row.state }}", "states": ["{{ .row.one }}", "STATE_{{ randChoice 'ACTIVE' }}", 2]}`, `{"state": "STATE_ACTIVE", "states": [1, 1, 2]}`},
		{"test.Charge", `{"payload": "{{ .row.base64 }}", "blob": "{{ .row.base64 }}"}`, `{"payload": "AQID", "blob": "AQID"}`},
		{"test.Charge", `{"amount": "1{{ .row.n }}", "rate": "{{ .row.n }}e2"}`, `{"amount": 142, "rate": 4200}`},
		{"test.Charge", `{"customerId": "{{ .row.user.name[\"first name\"] }}", "note": "{{ .row.user.tags }}-"}`, `{"customerId": "A\"bé", "note": "[\"a\", \"b\"]-"}`},
		{"test.Charge", `{"customerId": "{{ \"{{\" }} {{ '}}' }}", "amount": "{{ 5 }}"}`, `{"customerId": "{{ }}", "amount": 5}`},
		{"test.Charge", `{"customerId": "a }} b"}`, `{"customerId": "a }} b"}`},
		{"test.Charge", `{"customerId": "{{ .row.nothing }}", "amount": "{{ .row.nothing }}", "at": "{{ .row.nothing }}", "item": "{{ .row.nothing }}", "maybe": "{{ .row.nothing }}", "tags": "{{ .row.nothing }}", "anything": "{{ .row.nothing }}"}`, `{"anything": null}`},
		{"test.Charge", `{"amount": "{{ .row.zero }}", "chosen": "{{ .row.zero }}", "customerId": "{{ .row.empty }}", "card": "{{ .row.empty }}", "maybe": "{{ .row.zero }}"}`, `{"chosen": 0, "card": "", "maybe": 0}`},
		{"test.Charge", `{"at": "{{ .row.at }}", "within": "{{ .row.price }}s", "times": ["2026-01-01T00:00:00Z", "{{ .row.at }}"]}`, `{"at": "2026-01-02T03:04:05Z", "within": "1.5s", "times": ["2026-01-01T00:00:00Z", "2026-01-02T03:04:05Z"]}`},
		{"test.Charge", `{"item": "{{ .row.item }}", "items": [{"sku": "x"}, "{{ .row.item }}", {"sku": "{{ .row.id }}", "part": {"quantity": "{{ .call }}"}}, {"quantity": 3}]}`, `{"item": {"sku": "s", "quantity": 2}, "items": [{"sku": "x"}, {"sku": "s", "quantity": 2}, {"sku": "c-7", "part": {"quantity": 9}}, {"quantity": 3}]}`},
		{"test.Charge", `{"tags": "{{ .row.user.tags }}", "limits": "{{ .row.limits }}"}`, `{"tags": ["a", "b"], "limits": {"a": 1}}`},
		{"test.Charge", `{"tags": ["x", "{{ .row.id }}", "y", "z"], "steps": [1, 2, "{{ .row.n }}", -4], "numbers": [1, "{{ .row.n }}"]}`, `{"tags": ["x", "c-7", "y", "z"], "steps": [1, 2, 42, -4], "numbers": [1, 42]}`},
		{"test.Charge", `{"limits": {"a": 1, "b": "{{ .row.n }}"}, "flags": {"true": "{{ .row.id }}", "false": "f"}, "byNumber": {"-07": {"sku": "{{ .row.id }}"}, "1": {}}, "by_id": {"18446744073709551615": "{{ .row.state }}"}}`, `{"limits": {"a": 1, "b": 42}, "flags": {"true": "c-7", "false": "f"}, "byNumber": {"-7": {"sku": "c-7"}, "1": {}}, "byId": {"18446744073709551615": 1}}`},
		{"test.Charge", `{"extra": {"a": ["{{ .row.n }}", "x{{ .row.n }}"], "{b": {"c": "{{ .row.item }}"}}, "anything": "{{ .row.yes }}", "list": [1, "{{ .row.id }}"], "values": {"a": "{{ .row.price }}"}}`, `{"extra": {"a": [42, "x42"], "{b": {"c": {"sku": "s", "quantity": 2}}}, "anything": true, "list": [1, "c-7"], "values": {"a": 1.5}}`},
		{"test.Charge", `{"detail": {"@type": "x/test.Account", "iban": "{{ .row.id }}"}}`, `{"detail": {"@type": "x/test.Account", "iban": "c-7"}}`},
		{"test.Charge", `{"detail": {"@type": "x/google.protobuf.StringValue", "value": "{{ .call }}"}}`, `{"detail": {"@type": "x/google.protobuf.StringValue", "value": "9"}}`},
		{"test.Charge", `{"detail": {"@type": "x/test.Item", "sku": "{{ .call }}", "part": {"quantity": "{{ .row.text }}"}, "weight": 2}}`, `{"detail": {"@type": "x/test.Item", "sku": "9", "part": {"quantity": 43}, "weight": 2}}`},
		{"test.Charge", `{"detail": {"value": {"@type": "x/google.protobuf.Duration", "value": "{{ .call }}s"}, "@type": "x/google.protobuf.Any"}}`, `{"detail": {"value": {"@type": "x/google.protobuf.Duration", "value": "9s"}, "@type": "x/google.protobuf.Any"}}`},
		{"google.protobuf.Any", `{"@type": "x/test.Charge", "urgent": "{{ .row.truth }}"}`, `{"@type": "x/test.Charge", "urgent": true}`},
		{"test.Charge", `{"account": {"iban": "{{ .row.id }}"}}`, `{"account": {"iban": "c-7"}}`},
		{"old.Order", `{"id": "{{ .row.n }}", "note": "{{ .row.id }}", "plain": [1, "{{ .row.n }}"], "packed": [1, "{{ .row.n }}"], "detail": {"text": "{{ .row.id }}"}, "Line": [{"number": 1}, {"number": "{{ .row.n }}"}]}`, `{"id": 42, "note": "c-7", "plain": [1, 42], "packed": [1, 42], "detail": {"text": "c-7"}, "line": [{"number": 1}, {"number": 42}]}`},
		{"old.Order", `{"id": 1, "[old.remark]": "{{ .row.id }}", "[old.ranks]": [1, "{{ .row.n }}"], "[old.sibling]": {"id": "{{ .call }}"}}`, `{"id": 1, "[old.remark]": "c-7", "[old.ranks]": [1, 42], "[old.sibling]": {"id": 9}}`},
		{"google.protobuf.Struct", `{"a": "{{ .row.n }}"}`, `{"a": 42}`},
		{"google.protobuf.StringValue", `"{{ .row.id }}"`, `"c-7"`},
		{"google.protobuf.Timestamp", `"{{ .row.at }}"`, `"2026-01-02T03:04:05Z"`},
		{"test.Item", `"{{ .row.item }}"`, `{"sku": "s", "quantity": 2}`},
	} {
		md := s.message(t, c.message)
		e := &Env{Seed: 1, Call: 9, Message: 2, Row: row}
		same(t, wanted(t, s, md, c.json), render(t, s, md, c.template, e))
		if t.Failed() {
			t.Fatalf("%s", c.template)
		}
		of, err := Compile(md, Text{JSON: []byte(c.template)}, s)
		if err == nil {
			err = of.Check(feed)
		}
		if err != nil {
			t.Errorf("%s: the feed fits, but: %v", c.template, err)
		}
	}
}

// What has no template is encoded once, and as protojson and a deterministic
// proto.Marshal have it.
func TestStatic(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	json := `{"customerId": "a", "limits": {"c": 1, "a": 2, "b": 3}, "items": [{"sku": "x"}]}`
	of, err := Compile(md, Text{JSON: []byte(json)}, s)
	if err != nil {
		t.Fatal(err)
	}
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(wanted(t, s, md, json))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := of.Static()
	if !ok || string(got) != string(want) {
		t.Errorf("Static: %x, %v, want %x", got, ok, want)
	}
	for _, empty := range []string{`{}`, `{"amount": 0}`, `{"item": null}`} {
		of, err := Compile(md, Text{JSON: []byte(empty)}, s)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := of.Static(); !ok || len(got) != 0 || got == nil {
			t.Errorf("%s: Static: %x, %v, want no bytes", empty, got, ok)
		}
	}
	of, err = Compile(md, Text{JSON: []byte(`{"customerId": "{{ uuid }}"}`)}, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := of.Static(); ok {
		t.Error("a message with a template is static")
	}
}

// A part of a YAML document is read like JSON, and mistakes are shown there.
func TestDocument(t *testing.T) {
	s := testSchema(t)
	md := s.message(t, "test.Charge")
	parse := func(text string) *strict.Node {
		doc, err := strict.Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Root.Get("load[0].request")
	}
	of, err := CompileNode(md, parse(`
load:
  - request:
      customerId: c1
      amount: 0x10
      big: +5
      rate: .5
      share: -.inf
      urgent: True
      at: 2026-01-02T03:04:05Z
      item:
      tags: [a, "5", "{{ .call }}"]
      limits: {a: 0o17}
`), "load[0].request", s)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := of.Append(nil, &Env{Call: 3})
	if err != nil {
		t.Fatal(err)
	}
	same(t, wanted(t, s, md, `{"customerId": "c1", "amount": 16, "big": 5, "rate": 0.5, "share": "-Infinity", "urgent": true, "at": "2026-01-02T03:04:05Z", "tags": ["a", "5", "3"], "limits": {"a": 15}}`), decode(t, s, md, wire))

	_, err = CompileNode(md, parse(`
load:
  - request:
      custumerId: c1
      amount: many
      tags: [a, 5]
      note: "{{ uid }}"
      limits:
        a: {b: 1}
`), "load[0].request", s)
	if err == nil {
		t.Fatal("no error")
	}
	checkPositions(t, err)
	golden(t, "document.golden", fmt.Sprintln(err))
}
