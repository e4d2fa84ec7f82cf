package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRemoteFleet(t *testing.T) {
	const load = "\nload: [{call: GetUser, rate: 1/s}]\n"
	for _, c := range []struct{ fleet, want string }{
		{"{backends: 3, remote: [10.0.0.5:7000, fleet.internal:7000], token: ${TOKEN}}", ""},
		{"{remote: ['[::1]:7000'], token: ${TOKEN}}", ""},
		{"{remote: [10.0.0.5:7000], token: hunter2}", "fleet.token: must name the environment variable that has it, as ${TOKEN}"},
		{"{remote: [10.0.0.5:7000]}", "fleet: needs token: ${TOKEN}, the environment variable with what the remote fleets ask for"},
		{"{token: ${TOKEN}}", "fleet.token: is for fleet.remote: a fleet on this machine has a token of its own in every run"},
		{"{remote: [], token: ${TOKEN}}", "fleet.remote: must name a control address, such as 10.0.0.5:7000"},
		{"{remote: [10.0.0.5], token: ${TOKEN}}", `fleet.remote[0]: must be host:port, where the fleet's machine serves control (got "10.0.0.5")`},
		{"{backends: 2, remote: [':70', 'a:0'], token: ${T}}", `fleet.remote[1]: must be host:port, where the fleet's machine serves control (got "a:0")`},
		{"{backends: 2, remote: [a:1, a:1], token: ${T}}", "fleet.remote[1]: names a:1 twice: its backends would be configured twice"},
		{"{backends: 1, remote: [a:1, b:1], token: ${T}}", "fleet.remote: names 2 machines for 1 backend: some would have none"},
		{"{remote: [a:1], token: ${T}, isolation: process}", "fleet.isolation: must be left out with fleet.remote"},
		{"{backends: 2, remote: [a:1, b:1], token: ${T}, front: l4}", "fleet.front: must be left out with more than one remote: it stands before backends of its own machine"},
	} {
		_, err := Read("x.yaml", []byte("fleet: "+c.fleet+load), Options{})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.fleet, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.fleet, err, c.want)
		case err != nil && strings.Contains(strings.Split(err.Error(), "\n")[0], "hunter2"):
			t.Errorf("the message shows the secret: %v", err)
		}
	}
	_, err := Read("x.yaml", []byte("fleet: {backends: 2, remote: [a:1, b:1], token: ${T}}\nclient: {balance: grpclb}"+load), Options{})
	if err == nil || !strings.Contains(err.Error(), "must be one machine with balance grpclb") {
		t.Errorf("grpclb: %v", err)
	}
	// A fleet alone is enough where nothing but it is of interest.
	if _, err := Read("x.yaml", []byte("fleet: {backends: 2}\n"), Options{}); err == nil {
		t.Error("a scenario without load has a plan")
	}
	if _, err := Read("x.yaml", []byte("fleet: {backends: 2}\n"), Options{FleetOnly: true}); err != nil {
		t.Errorf("a fleet alone: %v", err)
	}
}

// The files of secrets are named from the scenario's own folder, and a run learns
// before it begins that one is missing.
func TestSecretsInFiles(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "x.yaml")
	const document = "fleet: {remote: [10.0.0.5:7000], token: ${file:fleet.token}}\nload: [{call: GetUser, rate: 1/s}]\nclient: {metadata: {authorization: 'Bearer ${file:call.token}'}}\n"
	plan, err := Read(file, []byte(document), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := plan.Variants[0].Scenario
	if want := "Bearer ${file:" + filepath.Join(folder, "call.token") + "}"; s.Client.Metadata["authorization"] != want {
		t.Errorf("metadata %v, want %s", s.Client.Metadata, want)
	}
	for _, c := range []struct{ name, want string }{
		{"call.token", "client.metadata.authorization: ${file:"},
		{"fleet.token", "fleet.token: ${file:"},
		{"", ""},
	} {
		err := plan.CheckSecrets()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("before there is %s: %v, want %s", c.name, err, c.want)
		}
		if c.name == "" {
			break
		}
		if err := os.WriteFile(filepath.Join(folder, c.name), []byte("hunter2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if value, err := s.Fleet.Token.Reveal(); value != "hunter2" || err != nil {
		t.Errorf("%q, %v", value, err)
	}
}
