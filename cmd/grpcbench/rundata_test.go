package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inFolder makes the files in a new working directory.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunSendsData: whatever way it is given, the calls send it, and the saved
// scenario sends it again.
func TestRunSendsData(t *testing.T) {
	files := map[string]string{
		"one.json":   "{\n  \"userId\": \"7\"\n}\n",
		"some.jsonl": "{\"userId\": \"a\"}\n{\"userId\": \"b\"}\n",
		"rows.csv":   "id\n1\n2\n",
		"token":      "s3cret-of-mine",
	}
	tests := map[string]struct {
		input, method string
		args          []string
		saved         []string // lines of the scenario
	}{
		"JSON":   {"", "GetUser", []string{"-d", `{"userId": "no: 7 # {}", "responseBytes": 3}`}, []string{"      userId: \"no: 7 # {}\"", "      responseBytes: 3"}},
		"a file": {"", "GetUser", []string{"-d", "@one.json"}, []string{`    request: "@../one.json"`}},
		"lines":  {"", "SyncUsers", []string{"-d", "@some.jsonl"}, []string{`    request: "@../some.jsonl"`}},
		"input":  {"{\"userId\": \"x\"}\n{\"userId\": \"y\"}", "SyncUsers", []string{"-d", "@-"}, []string{"      - userId: x", "      - userId: \"y\""}},
		"a feed": {"", "GetUser", []string{"-d", `{"userId": "{{ .row.id }}"}`, "--feed", "rows.csv"}, []string{"      file: ../rows.csv", "      userId: \"{{ .row.id }}\""}},
		"metadata of each call": {"", "GetUser", []string{"-d", `{}`, "-H", "x-run=r-{{ .call }}", "--bearer-file", "token"},
			[]string{`    authorization: "Bearer ${file:../token}"`, `      x-run: "r-{{ .call }}"`}},
		"metadata without data": {"", "GetUser", []string{"-H", "x-run=r-{{ .call }}"}, []string{"    request: {}"}},
		"nothing":               {"", "GetUser", nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inFolder(t, files)
			if err := os.Mkdir("sub", 0o755); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"run", "--target", own, "--call", "user.v1.UserService/" + test.method, "--rate", "50/s", "--arrivals", "constant",
				"--warmup", "0s", "--measure", "1s", "--save", "sub/it.yaml"}, test.args...)
			code, first, stderr := againstOwn(t, test.input, args...)
			if code != exitOK {
				t.Fatalf("code %d, %s%s", code, first, stderr)
			}
			if s := readJSON(t, filepath.Join("results", strings.ToLower(test.method), latestName, resultName)).Variants[0].Trials[0].Series[0]; s.OK() != s.Planned || s.Planned != 50 {
				t.Errorf("%d calls OK of %d: %v", s.OK(), s.Planned, s.Codes)
			}
			text, err := os.ReadFile("sub/it.yaml")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.saved {
				if !strings.Contains(string(text), strings.Replace(want, "../rows.csv", `"../rows.csv"`, 1)+"\n") {
					t.Errorf("no line %q in\n%s", want, text)
				}
			}
			code, second, stderr := againstOwn(t, "", "run", "sub/it.yaml", "--out", "again")
			if code != exitOK || second != first {
				t.Errorf("code %d, %s; the file's table is\n%s\nthe flags' was\n%s", code, stderr, second, first)
			}
			if strings.Contains(string(text)+first+stderr, "s3cret") {
				t.Error("a secret is told")
			}
		})
	}
}

// TestRunDataMistakes: what the server's descriptors find wrong, too, is told by
// its flag, before anything is written.
func TestRunDataMistakes(t *testing.T) {
	files := map[string]string{"wrong.json": "{\n  \"usrId\": \"7\"\n}\n", "rows.csv": "id\n1\n"}
	tests := map[string]struct {
		args []string
		want string
	}{
		"an unknown field":    {direct("--rate", "5/s", "-d", `{"usrId": "7"}`), "grpcbench: --data: usrId: unknown field, did you mean userId?\n"},
		"a wrong type":        {direct("--rate", "5/s", "-d", `{"responseBytes": "many"}`), "grpcbench: --data: responseBytes: must be "},
		"in a file":           {direct("--rate", "5/s", "-d", "@wrong.json"), "wrong.json:2:3: usrId: unknown field, did you mean userId?"},
		"a wrong method":      {[]string{"run", "--target", own, "--call", "user.v1.UserService/GetUsr", "--rate", "5/s"}, "grpcbench: --call: no method \"GetUsr\" in user.v1.UserService, did you mean GetUser?\n"},
		"no method's name":    {[]string{"run", "--target", own, "--call", "Charge", "--rate", "5/s"}, "grpcbench: --call: unknown method \"Charge\""},
		"no reflection":       {[]string{"run", "--target", "passthrough:///bare:1", "--call", "user.v1.UserService/GetUser", "-d", "{}", "--rate", "5/s"}, "grpcbench: --target: the server has no reflection: give its .proto files (--proto) or a file of descriptors (--protoset) instead\n"},
		"a row without feed":  {direct("--rate", "5/s", "-d", `{"userId": "{{ .row.id }}"}`), "grpcbench: --data: takes values from a row: it needs a feed"},
		"a column":            {direct("--rate", "5/s", "-d", `{"userId": "{{ .row.ident }}"}`, "--feed", "rows.csv"), "ident"},
		"a feed for nothing":  {direct("--rate", "5/s", "-d", `{"userId": "7"}`, "--feed", "rows.csv"), "grpcbench: --feed: is used by nothing"},
		"no feed":             {direct("--rate", "5/s", "-d", `{"userId": "{{ .row.id }}"}`, "--feed", "nowhere.csv"), "nowhere.csv"},
		"no proto":            {direct("--rate", "5/s", "-d", "{}", "--proto", "nowhere.proto"), "grpcbench: --proto: no file nowhere.proto"},
		"no protoset":         {direct("--rate", "5/s", "-d", "{}", "--protoset", "nowhere.binpb"), "grpcbench: --protoset: "},
		"messages of a unary": {direct("--rate", "5/s", "-d", "{}", "--messages", "3"), "grpcbench: --messages: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inFolder(t, files)
			code, stdout, stderr := againstOwn(t, "", append(test.args, "--save", "it.yaml")...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("code %d, stdout %q, stderr %q; want %q", code, stdout, stderr, test.want)
			}
			if left, _ := os.ReadDir("."); len(left) != len(files) {
				t.Errorf("it left %v behind", left)
			}
		})
	}
}
