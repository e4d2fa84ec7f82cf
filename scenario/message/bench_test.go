package message

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// BenchmarkAppend is what a message costs that is made anew for each call, beside
// what is the same each time, and what protojson would take.
func BenchmarkAppend(b *testing.B) {
	s := testSchema(b)
	md := s.message(b, "test.Charge")
	feed := testFeed(b)
	row, _ := feed.Row(Sequential, 0, 0)
	for _, c := range []struct{ name, json string }{
		{"static", `{"customerId": "c-7", "amount": 42, "urgent": true, "tags": ["a", "b"], "items": [{"sku": "s", "quantity": 2}]}`},
		{"rows", `{"customerId": "{{ .row.id }}", "amount": "{{ .row.n }}", "urgent": true, "tags": ["a", "b"], "items": [{"sku": "s", "quantity": "{{ .row.text }}"}]}`},
		{"draws", `{"customerId": "c-{{ randInt 1 1000 }}", "card": "{{ uuid }}", "amount": "{{ randInt 1 100 }}", "rate": "{{ randFloat 0 1 }}", "state": "{{ randChoice 'STATE_ACTIVE' 'STATE_CLOSED' }}"}`},
		{"payload", `{"payload": "{{ randBytes 1024 }}"}`},
		{"converted", `{"at": "{{ .row.at }}"}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			of, err := Compile(md, Text{JSON: []byte(c.json)}, s)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			e := &Env{Row: row}
			var wire []byte
			for b.Loop() {
				e.Call++
				e.Seed += 0x9e3779b97f4a7c15
				if wire, err = of.Append(wire[:0], e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("protojson", func(b *testing.B) {
		json := []byte(`{"customerId": "c-7", "amount": 42, "urgent": true, "tags": ["a", "b"], "items": [{"sku": "s", "quantity": 43}]}`)
		b.ReportAllocs()
		for b.Loop() {
			m := dynamicpb.NewMessage(md)
			if err := protojson.Unmarshal(json, m); err != nil {
				b.Fatal(err)
			}
			if _, err := proto.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReadMessages is what a thousand messages of a file cost, before the first
// call.
func BenchmarkReadMessages(b *testing.B) {
	s := testSchema(b)
	md := s.message(b, "test.Charge")
	var text []byte
	const n = 1000
	for range n {
		text = append(text, `{"customerId": "c-7", "amount": 42, "urgent": true, "tags": ["a", "b"], "items": [{"sku": "s", "quantity": 2}]}`+"\n"...)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ReadMessages(md, "x.jsonl", text, s); err != nil {
			b.Fatal(err)
		}
	}
}
