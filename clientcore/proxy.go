package clientcore

import (
	"net"
	"net/http"
	"net/url"

	"google.golang.org/grpc/resolver"
)

// proxied is the address that grpc-go would give to an HTTP proxy of the
// environment (HTTPS_PROXY, NO_PROXY) to resolve and connect to; ok is false
// where it would resolve target itself. It does so for names of the scheme dns
// only, and then asks no resolver: what a resolver has to tell the balancer, such
// as who counts the attempts, would be lost. A resolver that says the same address
// is asked, and the proxy is grpc-go's business as before.
//
// Where the program has dial options of its own, which may say otherwise of
// proxies, and where it connects by itself, all is left as it is.
func (o *options) proxied(target string) (address string, ok bool) {
	if o.dialer != nil || len(o.dial) > 0 {
		return "", false
	}
	name := target
	if u, err := url.Parse(target); err == nil && o.resolves(u.Scheme) {
		if u.Scheme != "dns" {
			return "", false
		}
		name = resolver.Target{URL: *u}.Endpoint()
	}
	address = name
	if host, port, err := net.SplitHostPort(name); err != nil {
		address = net.JoinHostPort(name, "443")
	} else if host == "" {
		address = net.JoinHostPort("localhost", port)
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	return address, err == nil && proxy != nil
}

// resolves is whether there is a resolver of the scheme.
func (o *options) resolves(scheme string) bool {
	for _, b := range o.resolvers {
		if b.Scheme() == scheme {
			return true
		}
	}
	return resolver.Get(scheme) != nil
}
