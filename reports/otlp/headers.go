package otlp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// errHeader does not say what was written: that may hold the secret.
var errHeader = errors.New("want NAME=VALUE, as HTTP headers are")

// AddHeader adds NAME=VALUE.
func AddHeader(to http.Header, text string) error {
	name, value, ok := strings.Cut(text, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		return errHeader
	}
	to.Add(name, value)
	return nil
}

// AddHeaders adds what OTEL_EXPORTER_OTLP_HEADERS holds: NAME=VALUE with commas
// between, the values percent-encoded.
func AddHeaders(to http.Header, text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return errHeader
		}
		if err := AddHeader(to, name+"="+plain); err != nil {
			return err
		}
	}
	return nil
}
