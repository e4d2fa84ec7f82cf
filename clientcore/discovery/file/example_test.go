package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grpcbench/grpcbench/clientcore"
	"github.com/grpcbench/grpcbench/clientcore/discovery"
	"github.com/grpcbench/grpcbench/clientcore/discovery/file"
)

// A client that follows a file of endpoints.
func Example() {
	users, err := file.New(file.Config{Path: "/etc/backends/users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := clientcore.New(clientcore.Default(),
		clientcore.WithTarget("users:///users.internal"),
		clientcore.WithResolvers(discovery.Resolver("users", users)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
}

func ExampleRegistry_Discover() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "users")
	if err := os.WriteFile(path, []byte("10.0.0.1:443\n10.0.0.2:443 3 # the large one\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	users, err := file.New(file.Config{Path: path})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(users.Discover(context.Background()))
	// Output: [{10.0.0.1:443 0} {10.0.0.2:443 3}] <nil>
}

func ExampleParse() {
	_, err := file.Parse([]byte("10.0.0.1:443\n10.0.0.2\n10.0.0.3:443 many\n"))
	fmt.Println(err)
	// Output:
	// line 2: must be host:port (got "10.0.0.2")
	// line 3: weight must be from 1 to 4294967295 (got "many")
}
