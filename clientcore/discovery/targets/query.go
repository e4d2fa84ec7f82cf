package targets

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// query is a text of a kind, taken apart: scheme://place/path?settings.
type query struct {
	kind        Kind
	place, path string
	settings    url.Values
}

// newQuery takes apart what follows scheme: in a text. net/url would put the text
// into its errors, which may have a password that does not belong there.
func newQuery(kind Kind, rest string) (*query, error) {
	q := &query{kind: kind}
	rest, settings, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "?")
	q.place, q.path, _ = strings.Cut(rest, "/")
	if strings.Contains(q.place, "@") {
		return nil, errors.New("must have no user and no password before the host: they come from the environment")
	}
	if strings.Contains(rest, "#") {
		return nil, fmt.Errorf("must have no # (got %q)", rest)
	}
	var err error
	if q.path, err = url.PathUnescape(q.path); err != nil {
		return nil, fmt.Errorf("must have %% only before two hex digits (got %q)", rest)
	}
	if q.settings, err = url.ParseQuery(settings); err != nil {
		return nil, fmt.Errorf("must have settings as key=value&key=value after the ? (got %q)", settings)
	}
	var known []string
	for _, key := range kind.Keys {
		known = append(known, key.Name)
	}
	for _, name := range sorted(q.settings) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown setting %q of %s: must be %s", name, kind.Scheme, list(known))
		}
		if len(q.settings[name]) > 1 && name != "tag" {
			return nil, fmt.Errorf("setting %s must be there once", name)
		}
		if slices.Contains(q.settings[name], "") {
			return nil, fmt.Errorf("setting %s must have a value", name)
		}
	}
	return q, nil
}

func sorted(v url.Values) []string {
	var all []string
	for name := range v {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// noPlace is an error where the kind has none, as static:///a:1.
func (q *query) noPlace() error {
	if q.place != "" {
		return fmt.Errorf("must begin with %s:/// and its own three slashes, as %s (got %q after the second)", q.kind.Scheme, q.kind.Example, q.place)
	}
	return nil
}

// duration is a setting; 0 when it is left out.
func (q *query) duration(name string) (time.Duration, error) {
	text := q.settings.Get(name)
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("setting %s must be a duration > 0, such as 5s (got %q)", name, text)
	}
	return d, nil
}

// complete is the settings that all kinds have.
func (q *query) complete(s *source) error {
	authority := q.settings.Get(authorityKey.Name)
	if strings.ContainsAny(authority, "/?#@ ") {
		return fmt.Errorf("setting authority must be a host, or host:port (got %q)", authority)
	}
	if authority != "" {
		s.authority = authority
	}
	s.settings = len(q.settings) > 0
	return nil
}
