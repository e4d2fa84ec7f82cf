package targets

// Kind is a scheme.
type Kind struct {
	// Scheme is what comes before ://.
	Scheme string
	// Doc says what it is, in a line.
	Doc string
	// Example is a text of the kind.
	Example string
	// Keys are the settings that may follow a question mark.
	Keys []Key

	parse func(*query) (source, error) // nil for grpc-go's own
}

// Key is a setting of a kind.
type Key struct {
	Name string
	Doc  string
}

// authorityKey is a key of every kind that is not grpc-go's own.
var authorityKey = Key{"authority", "whom the backends must be able to speak for: sent as :authority, checked by TLS"}

// Kinds is all there are.
func Kinds() []Kind {
	return []Kind{
		{"static", "fixed addresses", "static:///10.0.0.1:443,10.0.0.2:443", []Key{authorityKey}, parseStatic},
		{"file", "a file of addresses, looked at regularly", "file:///etc/backends/users?every=2s",
			[]Key{{"every", "time between looks, 1s when left out"}, authorityKey}, parseFile},
		{"dns", "A and AAAA records of host:port, or SRV records of a service, looked up regularly", "dns://10.0.0.53:53/users.internal:443?every=5s",
			[]Key{{"every", "time between looks, 30s when left out"},
				{"floor", "least time between looks, whatever asks for them; 5s when left out"},
				{"timeout", "bound on a look, 10s when left out"},
				{"network", "ip4 for A records only, ip6 for AAAA records only"}, authorityKey}, parseDNS},
		{"consul", "the passing instances of a Consul service", "consul://127.0.0.1:8500/users?tag=v2&dc=eu",
			[]Key{{"tag", "a tag that instances must have; may be repeated"}, {"dc", "datacenter, the agent's when left out"},
				{"wait", "how long a query waits for a change, 5m when left out"}, authorityKey}, parseConsul},
		{"etcd", "endpoints in etcd, as its naming package writes them", "etcd://10.0.0.1:2379,10.0.0.2:2379/users",
			[]Key{{"timeout", "bound on reading all endpoints, 5s when left out"}, authorityKey}, parseEtcd},
		{"passthrough", "one address, as it is: grpc-go's own", "passthrough:///10.0.0.1:443", nil, nil},
		{"unix", "a Unix domain socket: grpc-go's own", "unix:///run/users.sock", nil, nil},
		{"unix-abstract", "a Unix domain socket in the abstract namespace: grpc-go's own", "unix-abstract:users", nil, nil},
		{"xds", "what an xDS server says: grpc-go's own, see clientcore/xds", "xds:///users", nil, nil},
	}
}
