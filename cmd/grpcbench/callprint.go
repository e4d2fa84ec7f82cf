package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/dial"
	"github.com/grpcbench/grpcbench/scenario/engine"
	"github.com/grpcbench/grpcbench/scenario/plain"
)

// json is a message of the answer.
func (r *request) json(wire []byte, defaults bool) (string, error) {
	m := dynamicpb.NewMessage(r.method.Output())
	if err := (proto.UnmarshalOptions{Resolver: r.set.Resolver()}).Unmarshal(wire, m); err != nil {
		return "", fmt.Errorf("the answer is no %s: %w", m.Descriptor().FullName(), err)
	}
	text, err := protojson.MarshalOptions{EmitUnpopulated: defaults, Resolver: r.set.Resolver()}.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("the answer cannot be printed as JSON: %w", err)
	}
	return shownJSON(text), nil
}

// shownJSON is JSON as a terminal can show it: what would be obeyed, or make text
// look like another, is escaped. Protobuf's own layout differs from build to build
// on purpose, this one does not.
func shownJSON(text []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return plain.Text(string(text))
	}
	var b strings.Builder
	for _, c := range out.String() {
		switch {
		case c == '\n', unicode.IsPrint(c):
			b.WriteRune(c)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// statusText is a status that is not OK, for a terminal.
func (r *request) statusText(s *status.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n  %s", engine.CodeName(uint32(s.Code())), plain.Text(s.Message()), clientcore.Explain(s.Code()))
	for _, detail := range s.Proto().GetDetails() {
		text, err := protojson.MarshalOptions{Resolver: r.set.Resolver()}.Marshal(detail)
		if err != nil {
			// Of a type that nobody has described.
			text, _ = json.Marshal(map[string]any{"@type": detail.GetTypeUrl(), "bytes": detail.GetValue()})
		}
		fmt.Fprintf(&b, "\n%s", shownJSON(text))
	}
	return b.String()
}

// printPhases says on standard error how the call went.
func (a *app) printPhases(f callFlags, conn *dial.Conn, r *request, watch *callWatch) {
	w := watch.seen()
	steps := conn.Steps
	t := tabwriter.NewWriter(a.stderr, 0, 0, 2, ' ', 0)
	line := func(name string, took time.Duration, note string) {
		fmt.Fprintf(t, "%s\t%s", name, shortDuration(took))
		if note != "" {
			fmt.Fprintf(t, "\t%s", note)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(t, "%s of %s at %s\n", descriptor.FullName(r.method), plain.Text(f.server.target), plain.Text(steps.Address))
	printMetadata(t, "headers", w.header)
	printMetadata(t, "trailers", w.trailer)
	if steps.Resolve > 0 {
		line("name resolution", steps.Resolve, "")
	}
	connecting := ""
	if steps.Failed > 0 {
		connecting = fmt.Sprintf("with %s that failed", count(steps.Failed, "handshake"))
	}
	line("connect", steps.Connect, connecting)
	if s := steps.Security; s != nil {
		line("TLS handshake", steps.TLS, securityText(s, f.server.insecure))
	}
	line("HTTP/2 settings", steps.HTTP2, "")
	fmt.Fprintf(t, "from the start of the call:\n")
	line("  request sent", w.sent, count(w.sentMessages, "message"))
	if w.headers > 0 {
		line("  headers", w.headers, "network and server together: nothing on the wire tells them apart")
	}
	if w.messages > 0 {
		line("  first message", w.first, "")
		if w.messages > 1 {
			line("  last message", w.last, count(w.messages, "message"))
		}
	}
	line("  total", w.total, "")
	line("total", steps.Total()+w.total, "connection and call, without asking what methods there are")
	_ = t.Flush()
}

func printMetadata(w io.Writer, name string, md metadata.MD) {
	for _, key := range slices.Sorted(maps.Keys(md)) {
		for _, value := range md[key] {
			if strings.HasSuffix(key, "-bin") {
				value = fmt.Sprintf("%q", value)
			}
			fmt.Fprintf(w, "%s\t%s: %s\n", name, plain.Text(key), plain.Text(value))
			name = ""
		}
	}
}

// shortDuration is a duration with three significant digits.
func shortDuration(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
