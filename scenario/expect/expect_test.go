package expect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

const schema = `
syntax = "proto3";
package shop.v1;
import "google/protobuf/duration.proto";
service Shop {
  rpc Get(Order) returns (Order);
  rpc Watch(Order) returns (stream Order);
}
enum State { STATE_UNSPECIFIED = 0; OPEN = 1; SETTLED = 2; }
message Item { string sku = 1; int32 price = 2; repeated string tags = 3; }
message Order {
  string order_id = 1;
  State status = 2;
  repeated Item items = 3;
  map<string, string> labels = 4;
  map<int32, Item> by_number = 5;
  double total = 6;
  optional string note = 7;
  oneof paid { string card = 8; Item voucher = 9; }
  bytes token = 10;
  bool urgent = 11;
  int64 at_ns = 12;
  uint64 big = 13;
  float rate = 14;
  Order parent = 15;
  google.protobuf.Duration took = 16;
  map<bool, State> flags = 17;
}
`

// shop is the service of the tests.
func shop(t testing.TB) protoreflect.ServiceDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"shop.proto": schema}),
	})}
	files, err := compiler.Compile(context.Background(), "shop.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Services().Get(0)
}

func methodOf(t testing.TB, name protoreflect.Name) protoreflect.MethodDescriptor {
	return shop(t).Methods().ByName(name)
}

// expected reads what a document has below expect.
func expected(t testing.TB, text string) *Expect {
	t.Helper()
	doc, err := strict.Parse("x.yaml", []byte("expect: "+text+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	var into struct {
		Expect Expect `yaml:"expect"`
	}
	if err := strict.Decode(doc, nil, &into); err != nil {
		t.Fatal(err)
	}
	return &into.Expect
}

func compiled(t testing.TB, method protoreflect.MethodDescriptor, text string) *Checker {
	t.Helper()
	c, problems := expected(t, text).Compile(method)
	for _, p := range problems {
		t.Fatalf("%s: %s: %s", text, p.Path, p.Text)
	}
	return c
}

func order1(t testing.TB, m protoreflect.MethodDescriptor, json string) protoreflect.Message {
	t.Helper()
	message := dynamicpb.NewMessage(m.Output())
	if err := protojson.Unmarshal([]byte(json), message); err != nil {
		t.Fatal(err)
	}
	return message
}

func encoded(t testing.TB, m protoreflect.Message) []byte {
	t.Helper()
	text, err := proto.Marshal(m.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const settled = `{
	"orderId": "o-1", "status": "SETTLED", "total": 12.5, "urgent": true, "atNs": "-9007199254740993", "big": "18446744073709551615",
	"items": [{"sku": "a", "price": 12, "tags": ["x", "y"]}, {"sku": "b"}],
	"labels": {"env": "prod", "a.b": "c"}, "byNumber": {"7": {"sku": "seven"}}, "flags": {"true": "OPEN"},
	"voucher": {"sku": "v"}, "token": "AAEC", "rate": 0.1, "took": "1.5s", "parent": {"orderId": "o-0"}
}`

// Each condition holds, or is missed in words that name path, want and got.
func TestFields(t *testing.T) {
	get := methodOf(t, "Get")
	message := order1(t, get, settled)
	for _, c := range []struct{ fields, miss string }{
		{"{status: SETTLED}", ""},
		{"{status: 2}", ""},
		{"{status: OPEN}", "status: want OPEN, got SETTLED"},
		{"{status: {in: [OPEN, SETTLED]}}", ""},
		{"{status: {in: [OPEN, 0]}}", "status: want one of OPEN, STATE_UNSPECIFIED, got SETTLED"},
		{"{status: {not: SETTLED}}", "status: want other than SETTLED, got SETTLED"},
		{"{order_id: o-1, orderId: o-1}", ""},
		{`{order_id: "o\x1b"}`, `order_id: want "o\x1b", got "o-1"`},
		{"{order_id: {matches: '^o-[0-9]+$'}}", ""},
		{"{order_id: {matches: '^x'}}", `order_id: want what matches "^x", got "o-1"`},
		{`{"items[0].price": 12}`, ""},
		{`{"items[0].price": 13}`, "items[0].price: want 13, got 12"},
		{`{"items[1].price": 0}`, ""}, // left out is zero
		{`{"items[1].price": {exists: true}}`, "items[1].price: want it set, got 0"},
		{`{"items[2].price": 0}`, "items[2].price: want 0, got a list of 2"},
		{`{"items[2]": {exists: false}}`, ""},
		{`{"items[0]": {exists: false}}`, "items[0]: want it not set, got one"},
		{`{"items[0].tags[1]": y}`, ""},
		{`{items: {count: 2}}`, ""},
		{`{items: {count: {min: 3}}}`, "items: want at least 3 of them, got 2"},
		{`{items: {count: {max: 1}}}`, "items: want at most 1 of them, got 2"},
		{`{items: {count: {min: 3, max: 4}}}`, "items: want 3 to 4 of them, got 2"},
		{`{labels: {count: 2, exists: true}}`, ""},
		{`{labels.env: prod}`, ""},
		{`{'labels["a.b"]': c}`, ""},
		{`{labels.no: c}`, `labels.no: want "c", got no such key`},
		{`{"by_number[7].sku": seven}`, ""},
		{`{"flags[true]": OPEN}`, ""},
		{`{total: {min: 1, max: 12.5}}`, ""},
		{`{total: {min: 12.6}}`, "total: want >= 12.6, got 12.5"},
		{`{total: {max: 12}}`, "total: want <= 12, got 12.5"},
		{`{at_ns: -9007199254740993, big: 18446744073709551615}`, ""}, // beyond what a float can tell apart
		{`{at_ns: -9007199254740992}`, "at_ns: want -9007199254740992, got -9007199254740993"},
		{`{big: {min: 18446744073709551615}}`, ""},
		{`{rate: 0.1}`, ""},
		{`{urgent: true}`, ""},
		{`{urgent: false}`, "urgent: want false, got true"},
		{`{token: AAEC}`, ""},
		{`{token: AAED}`, "token: want AAED, got AAEC"},
		{`{note: ""}`, `note: want "", got nothing`}, // it can tell that it is not set
		{`{note: {exists: false}}`, ""},
		{`{note: {not: x}}`, ""},
		{`{card: {exists: false}, voucher.sku: v}`, ""},
		{`{parent.parent.order_id: x}`, `parent.parent.order_id: want "x", got nothing`},
		{`{parent.parent.items: {count: 0}}`, ""},
		{`{parent.order_id: o-0, parent.items: {count: 0}}`, ""},
		{`{took.seconds: 1}`, ""},
		{`{took: {exists: true}}`, ""},
	} {
		a := compiled(t, get, "{fields: "+c.fields+"}").Answer()
		a.Add(message)
		if got := a.Miss(codes.OK); got != c.miss {
			t.Errorf("%s: %q, want %q", c.fields, got, c.miss)
		}
		a.Reset()
		a.AddEncoded(encoded(t, message))
		if got := a.Miss(codes.OK); got != c.miss {
			t.Errorf("%s, encoded: %q, want %q", c.fields, got, c.miss)
		}
	}
}

// A float that is no number is no number's equal, above none and below none.
func TestNaN(t *testing.T) {
	get := methodOf(t, "Get")
	message := order1(t, get, `{"total": "NaN"}`)
	for _, fields := range []string{"{total: NaN}", "{total: {min: 0}}", "{total: {max: 0}}"} {
		a := compiled(t, get, "{fields: "+fields+"}").Answer()
		a.Add(message)
		if a.Miss(codes.OK) == "" {
			t.Errorf("%s holds", fields)
		}
	}
}

// What a server sends is cut, and does nothing to a terminal.
func TestHostileValues(t *testing.T) {
	get := methodOf(t, "Get")
	message := dynamicpb.NewMessage(get.Output())
	message.Set(get.Output().Fields().ByName("order_id"), protoreflect.ValueOfString(strings.Repeat("\x1b[2J", 10_000)))
	message.Set(get.Output().Fields().ByName("token"), protoreflect.ValueOfBytes(make([]byte, 10_000)))
	for _, fields := range []string{"{order_id: x}", "{token: AAEC}"} {
		a := compiled(t, get, "{fields: "+fields+"}").Answer()
		a.Add(message)
		if miss := a.Miss(codes.OK); miss == "" || len(miss) > 400 || strings.ContainsRune(miss, '\x1b') {
			t.Errorf("%d bytes: %q", len(miss), miss)
		}
	}
}

// Bytes that are no such message are a miss, not a panic.
func TestGarbage(t *testing.T) {
	a := compiled(t, methodOf(t, "Get"), "{fields: {order_id: x}}").Answer()
	a.AddEncoded([]byte{0xff, 0xff})
	if got, want := a.Miss(codes.OK), "fields: want a shop.v1.Order, got 2 bytes that are none"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCode(t *testing.T) {
	c := compiled(t, methodOf(t, "Get"), "{code: NOT_FOUND}")
	for code, want := range map[codes.Code]string{
		codes.NotFound:    "",
		codes.OK:          "code: want NOT_FOUND, got OK",
		codes.Unavailable: "code: want NOT_FOUND, got UNAVAILABLE",
	} {
		if got := c.Answer().Miss(code); got != want {
			t.Errorf("%v: %q, want %q", code, got, want)
		}
	}
}

// Of a stream the last message counts, or each; and how many came.
func TestStreams(t *testing.T) {
	watch := methodOf(t, "Watch")
	open, done := order1(t, watch, `{"status": "OPEN"}`), order1(t, watch, `{"status": "SETTLED"}`)
	many := make([]protoreflect.Message, 3*mostKept)
	for i := range many {
		many[i] = open
	}
	wrongLate := append(append([]protoreflect.Message(nil), many...), done, open)
	for _, c := range []struct {
		expect   string
		messages []protoreflect.Message
		miss     string
	}{
		{"{fields: {status: SETTLED}}", []protoreflect.Message{open, done}, ""},
		{"{fields: {status: SETTLED}}", []protoreflect.Message{done, open}, "status: want SETTLED, got OPEN"},
		{"{fields: {status: SETTLED}}", nil, "fields: want a message, got none"},
		{"{fields: {status: SETTLED}, messages: 0}", nil, "fields: want a message, got none"},
		{"{messages: 2}", []protoreflect.Message{open, done}, ""},
		{"{messages: 2}", []protoreflect.Message{open}, "messages: want 2, got 1"},
		{"{messages: {min: 1}}", nil, "messages: want at least 1, got 0"},
		{"{messages: 0}", nil, ""},
		{"{fields: {status: SETTLED}, each: true}", []protoreflect.Message{done, open, done}, "message 2: status: want SETTLED, got OPEN"},
		{"{fields: {status: OPEN}, each: true}", many, ""},
		{"{fields: {status: OPEN}, each: true}", nil, ""},
		{"{fields: {status: OPEN}, each: true, messages: 1}", nil, "messages: want 1, got 0"},
		{"{fields: {status: OPEN}, each: true}", wrongLate, fmt.Sprintf("message %d: status: want OPEN, got SETTLED", len(many)+1)},
	} {
		a := compiled(t, watch, c.expect).Answer()
		var reused []byte
		for again := range 2 { // the second time after Reset, encoded, in one buffer
			a.Reset()
			for _, m := range c.messages {
				if again == 0 {
					a.Add(m)
					continue
				}
				reused = append(reused[:0], encoded(t, m)...)
				a.AddEncoded(reused)
			}
			if len(a.kept) > mostKept {
				t.Errorf("%s: %d messages are kept", c.expect, len(a.kept))
			}
			if got := a.Miss(codes.OK); got != c.miss {
				t.Errorf("%s: %q, want %q", c.expect, got, c.miss)
			}
		}
	}
}

// All mistakes are found at once, each at what is wrong.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ method, expect, want string }{
		{"Get", "{}", ": must say what to expect: a code other than OK, fields or messages"},
		{"Get", "{code: OK}", ": must say what to expect: a code other than OK, fields or messages"},
		{"Get", "{code: NOT_FOUND, fields: {status: OPEN}}", "fields: are those of a call that ends OK: leave them out with code NOT_FOUND"},
		{"Get", "{messages: 2}", "messages: is for methods whose server sends a stream: there is one response"},
		{"Get", "{each: true, fields: {status: OPEN}}", "each: is for methods whose server sends a stream: there is one response"},
		{"Watch", "{each: true, messages: 1}", "each: needs fields, which each message must have"},
		{"Watch", "{messages: -1}", "messages: must be a number of at least 0, or {min: 1, max: 10} (got -1)"},
		{"Watch", "{messages: {min: 3, max: 2}}", "messages: must be a number of at least 0, or {min: 1, max: 10}, where max is no less than min (got {min: 3, max: 2})"},
		{"Get", "{fields: {statsu: OPEN}}", `fields.statsu: no field "statsu" in shop.v1.Order, did you mean status?`},
		{"Get", "{fields: {'items[0].cost': 1}}", `fields.items[0].cost: no field "cost" in shop.v1.Item: there are sku, price, tags`},
		{"Get", "{fields: {status: SETLED}}", "fields.status: must be a value of shop.v1.State, did you mean SETTLED? (got SETLED)"},
		{"Get", "{fields: {items.price: 1}}", "fields.items.price: items is a list: which item? Write items[0]"},
		{"Get", "{fields: {'items[x]': 1}}", "fields.items[x]: items is a list: which item? Write items[0]"},
		{"Get", "{fields: {items: a}}", "fields.items: items is a list: name one of its items (items[0]), or write {count: 1}"},
		{"Get", "{fields: {labels: {not: a}}}", `fields.labels.not: labels is a map: name one of its entries (labels["key"]), or write {count: 1}`},
		{"Get", "{fields: {status.x: 1}}", `fields.status.x: status is a shop.v1.State: it has no field "x"`},
		{"Get", "{fields: {'status[0]': 1}}", "fields.status[0]: status is neither a list nor a map"},
		{"Get", "{fields: {parent: x}}", "fields.parent: is a shop.v1.Order: name one of its fields, or write {exists: true}"},
		{"Get", "{fields: {total: high}}", "fields.total: must be a number (got high)"},
		{"Get", "{fields: {'items[0].price': 1.5}}", "fields.items[0].price: must be a whole number of 32 bits (got 1.5)"},
		{"Get", "{fields: {urgent: yes}}", "fields.urgent: must be true or false (got yes)"},
		{"Get", "{fields: {token: '?'}}", `fields.token: must be bytes, as base64 (got "?")`},
		{"Get", "{fields: {order_id: {min: 1}}}", "fields.order_id.min: is for numbers, and order_id is text"},
		{"Get", "{fields: {total: {matches: x}}}", "fields.total.matches: is for text, and total is a number"},
		{"Get", "{fields: {order_id: {matches: '('}}}", "fields.order_id.matches: must be a regular expression: error parsing regexp: missing closing ): `(`"},
		{"Get", "{fields: {order_id: {count: 1}}}", "fields.order_id.count: is for a list or a map, and order_id is none"},
		{"Get", "{fields: {items: {count: many}}}", "fields.items.count: must be a number of at least 0, or {min: 1, max: 10} (got many)"},
		{"Get", "{fields: {order_id: [a, b]}}", "fields.order_id: must be a value or a map of conditions; for one of several values write {in: [a, b]}"},
		{"Get", "{fields: {order_id: {}}}", "fields.order_id: must have a condition, such as {min: 1}"},
		{"Get", "{fields: {order_id: {in: []}}}", "fields.order_id.in: needs at least one value"},
		{"Get", "{fields: {order_id: {equal: a}}}", "fields.order_id.equal: unknown key, did you mean equals?"},
		{"Get", "{fields: {order_id: {not: [a]}}}", "fields.order_id.not: must be a single value (got [a])"},
		{"Get", "{fields: {status: {in: [OPEN, SHUT]}}}", "fields.status.in[1]: must be a value of shop.v1.State: there are STATE_UNSPECIFIED, OPEN, SETTLED (got SHUT)"},
		{"Get", "{fields: {'': 1}}", "fields.: must name a field, such as status or items[0].price"},
		{"Get", "{fields: {'a..b': 1}}", `fields.a..b: must have a name before and after each dot (got "a..b")`},
		{"Get", "{fields: {'[0]': 1}}", `fields.[0]: must begin with a field's name (got "[0]")`},
		{"Get", "{fields: {'a[0': 1}}", `fields.a[0: must have a closing ] (got "a[0")`},
		{"Get", "{fields: {'a[0]b': 1}}", `fields.a[0]b: must have a . or a [ after a ] (got "a[0]b")`},
		{"Get", "{fields: {'by_number[x]': 1}}", "fields.by_number[x]: by_number is a map with keys of int32: the key must be a whole number of 32 bits (got x)"},
	} {
		_, problems := expected(t, c.expect).Compile(methodOf(t, protoreflect.Name(c.method)))
		var got []string
		for _, p := range problems {
			got = append(got, p.Path+": "+p.Text)
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.expect, got, c.want)
		}
	}
	_, problems := expected(t, "{fields: {statsu: OPEN, total: high, order_id: {min: 1}}}").Compile(methodOf(t, "Get"))
	if len(problems) != 3 {
		t.Errorf("%d mistakes, want all three: %v", len(problems), problems)
	}
	for i, want := range []int{18, 32, 53} {
		if at := problems[i].Node.Pos.Column; at < want-2 || at > want+12 {
			t.Errorf("mistake %d is at column %d", i, at)
		}
	}
}

// Word is what can be read again.
func TestWord(t *testing.T) {
	for _, text := range []string{
		"{code: NOT_FOUND}",
		`{fields: {status: OPEN, "items[0].price": {min: 1, max: 2}, order_id: "12"}, each: true, messages: {min: 1}}`,
	} {
		if got := expected(t, text).Word(); got != text || expected(t, got).Word() != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
}

// A path that is read is written as it was read, however it is spelled.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"status", "items[0].price", `labels["a.b"].c[7]`, "a[b]", "a..b", "[", "a]", `a["\u00e9"]`, `a["`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parsePath(text)
		if err != nil {
			if steps != nil || errors.Unwrap(err) == err {
				t.Errorf("%q: %v with an error", text, steps)
			}
			return
		}
		again, err := parsePath(spell(steps))
		if err != nil || spell(again) != spell(steps) || len(again) != len(steps) {
			t.Errorf("%q is written %q: %v", text, spell(steps), err)
		}
	})
}
