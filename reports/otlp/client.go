package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/grpcbench/grpcbench/reports/exposition"
)

// metricsPath is where a receiver takes metrics, below its base address.
const metricsPath = "/v1/metrics"

// ParseURL reads a receiver's address: http or https, and /v1/metrics below it
// where it has no path of its own. There may be no user in it: a URL is printed,
// a secret belongs into a header.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("want http://HOST:PORT or https://HOST") // not with the text, which may hold a secret
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("want http://HOST:PORT or https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("want no user, query or fragment in the URL: use a header")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = metricsPath
	}
	return u, nil
}

// Client sends metrics to one receiver.
type Client struct {
	URL        *url.URL
	Headers    http.Header
	Attributes []Attribute
	Version    string
	HTTP       *http.Client // nil is one of its own
}

// Error is what a receiver answered, or why it did not.
type Error struct {
	reason string
	// Again says that the same may be taken later, After how long to wait, 0
	// where the receiver does not say.
	Again bool
	After time.Duration
}

func (e *Error) Error() string { return e.reason }

// Send sends the families. What fails is an *Error.
func (c *Client) Send(ctx context.Context, families []exposition.Family) error {
	body, err := proto.Marshal(encode(c.Attributes, c.Version, families))
	if err != nil {
		return &Error{reason: fmt.Sprintf("encoding the metrics: %v", err)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL.String(), bytes.NewReader(body))
	if err != nil {
		return &Error{reason: err.Error()}
	}
	for name, values := range c.Headers {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "grpcbench/"+c.Version)
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// Elsewhere is not where the headers were meant for.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	if err != nil {
		// The URL is known; why it failed is the news.
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err
		}
		return &Error{reason: err.Error(), Again: true}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // for what it may say
	switch response.StatusCode {
	case http.StatusOK:
		return rejected(text)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e := &Error{reason: "the receiver answered " + response.Status, Again: true}
		if s, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && s > 0 {
			e.After = time.Duration(min(s, 3600)) * time.Second
		}
		return e
	}
	return &Error{reason: "the receiver answered " + response.Status}
}

// rejected reads an ExportMetricsServiceResponse: its field 1, partial_success,
// has how many points were rejected (1), and why (2).
func rejected(response []byte) error {
	partial := field(response, 1)
	var n uint64
	for b := partial; len(b) > 0; {
		number, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return nil
		}
		b = b[size:]
		if number == 1 && kind == protowire.VarintType {
			if n, size = protowire.ConsumeVarint(b); size < 0 {
				return nil
			}
		} else if size = protowire.ConsumeFieldValue(number, kind, b); size < 0 {
			return nil
		}
		b = b[size:]
	}
	if n == 0 {
		return nil // what there may be is advice
	}
	return &Error{reason: fmt.Sprintf("the receiver rejected %d data points: %s", n, field(partial, 2))}
}

// field is the content of a message's first field of that number which has a
// length, nil where there is none.
func field(b []byte, wanted protowire.Number) []byte {
	for len(b) > 0 {
		number, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return nil
		}
		b = b[size:]
		if number == wanted && kind == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b)
			return v
		}
		if size = protowire.ConsumeFieldValue(number, kind, b); size < 0 {
			return nil
		}
		b = b[size:]
	}
	return nil
}
