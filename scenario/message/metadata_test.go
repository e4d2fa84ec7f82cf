package message

import (
	"strings"
	"testing"
)

func TestMetadata(t *testing.T) {
	feed := testFeed(t)
	row, _ := feed.Row(Sequential, 0, 0)
	e := &Env{Seed: 3, Call: 12, Row: row}
	for _, c := range []struct {
		value, want string
		static      bool
	}{
		{"plain", "plain", true},
		{`{{ "{{" }} as it is`, "{{ as it is", true},
		{"", "", true},
		{"tenant-{{ .row.n }}/{{ .call }}", "tenant-42/12", false},
		{"{{ .row.yes }}", "true", false},
	} {
		m, err := CompileMetadata("X-Tenant", c.value)
		if err == nil {
			err = m.Check(feed)
		}
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		got, err := m.Render(e)
		if _, static := m.Static(); got != c.want || err != nil || static != c.static || m.Key() != "x-tenant" {
			t.Errorf("%s: %s=%q, %v, static %v; want %q, static %v", c.value, m.Key(), got, err, static, c.want, c.static)
		}
		if static, ok := m.Static(); ok && static != c.want {
			t.Errorf("%s: static %q", c.value, static)
		}
	}
	// Two keys of a call draw for themselves.
	a, _ := CompileMetadata("a", "{{ uuid }}")
	b, _ := CompileMetadata("b", "{{ uuid }}")
	one, _ := a.Render(e)
	two, _ := b.Render(e)
	if one == two {
		t.Error("two keys have the same UUID")
	}
}

func TestMetadataMistakes(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"", "a", "cannot be empty"},
		{"grpc-timeout", "1S", `begin with grpc- belong to gRPC (got "grpc-timeout")`},
		{":path", "/", `has a-z, 0-9, -, _ and . only (got ":path")`},
		{"te", "x", "belongs to HTTP/2 or gRPC"},
		{"key", "ä", "printable ASCII, but for keys that end in -bin (byte 1 is 0xc3)"},
		{"key", "{{ uuid }}\n", "printable ASCII"},
		{"key", "é {{ uid }}", "there is no function uid, did you mean uuid? (at character 6)"},
		{"key", "{{ uid }}{{ randInt }}", "randInt takes two whole numbers"},
	} {
		_, err := CompileMetadata(c.key, c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: %v, want %q", c.key, c.value, err, c.want)
		}
	}
	feed, err := ReadFeed("rows.csv", []byte("name,other\nAda,x\nZoë,y\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value, want string
		feed        *Feed
	}{
		{"{{ .row.name }}", "needs a feed", nil},
		{"{{ .row.names }}", "did you mean .row.name?", feed},
		{"{{ .row.name }}", "x-name: metadata values are printable ASCII, but for keys that end in -bin (byte 3 is 0xc3) (rows.csv:3)", feed},
	} {
		m, err := CompileMetadata("x-name", c.value)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Check(c.feed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.value, err, c.want)
		}
	}
	if m, err := CompileMetadata("name-bin", "{{ .row.name }}\xff"); err != nil || m.Check(feed) != nil {
		t.Errorf("any bytes may be the value of a key that ends in -bin: %v", err)
	}
}
