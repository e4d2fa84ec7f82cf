package export

import "fmt"

// ServiceConfig is the client as a gRPC service config, for clients in other
// languages. What that cannot say comes back as lines, each with the setting's
// path.
func ServiceConfig(c Client) (text []byte, unsaid []string, err error) {
	text, left, err := c.Config.PortableServiceConfig(c.Service)
	if err != nil {
		return nil, nil, err
	}
	return text, lines(left), nil
}

// lines is the errors joined in err, with their paths.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range joined.Unwrap() {
			all = append(all, lines(one)...)
		}
		return all
	}
	if f, ok := err.(interface{ Field() string }); ok && f.Field() != "" {
		return []string{fmt.Sprintf("client.%s: %v", f.Field(), err)}
	}
	return []string{err.Error()}
}
