package scenario

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/grpcbench/grpcbench/clientcore/balance"
	"github.com/grpcbench/grpcbench/clientcore/pool"
	"github.com/grpcbench/grpcbench/clientcore/retry"
	"github.com/grpcbench/grpcbench/fakeserver/fault"
	"github.com/grpcbench/grpcbench/fakeserver/servicetime"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// choiceAt is a choice and where a document makes it.
type choiceAt struct {
	path string
	doc  string
	typ  reflect.Type
}

// choices lists every choice of the document.
func choices() []choiceAt {
	return []choiceAt{
		{"client.pool.pick", "which channel a call is made on", reflect.TypeFor[pool.Pick]()},
		{"client.balance", "how each channel spreads calls over backends", reflect.TypeFor[balance.Policy]()},
		{"client.retry.backoff", "how the wait grows from retry to retry", reflect.TypeFor[retry.Backoff]()},
		{"client.retry.jitter", "how the wait b is spread at random", reflect.TypeFor[retry.Jitter]()},
		{"client.retry.budget", "what bounds the retries of all calls together", reflect.TypeFor[retry.Budget]()},
		{"client.hedge.budget", "what bounds the hedges of all calls together", reflect.TypeFor[retry.Budget]()},
		{"fleet.service_time", "how long serving one call takes", reflect.TypeFor[servicetime.Choice]()},
		{"fleet.backends[].service_time", "the same, of one backend", reflect.TypeFor[servicetime.Choice]()},
		{"fleet.message_time", "how long serving one message of a stream takes", reflect.TypeFor[servicetime.Choice]()},
		{"fleet.faults[].inject", "what goes wrong", reflect.TypeFor[fault.Inject]()},
		{"fleet.faults[].inject.status.details[]", "what a status says beside its code", reflect.TypeFor[fault.Detail]()},
		{"descriptors", "where the methods of a target are described", reflect.TypeFor[descriptor.Source]()},
		{"load[].arrivals", "how an open loop spreads calls over time", reflect.TypeFor[load.Arrivals]()},
		{"load[].shape", "how rate or workers change over the measurement", reflect.TypeFor[load.Shape]()},
		{"load[].keys", "how calls are spread over users", reflect.TypeFor[load.Keys]()},
		{"load[].request", "how large a request is, where that differs from call to call", reflect.TypeFor[load.Sizes]()},
		{"load[].response", "how large a response is, where that differs from call to call", reflect.TypeFor[load.Sizes]()},
	}
}

// Section is something else to list: names, and what each is.
type Section struct {
	Title string
	Rows  [][]string
}

// List writes every choice with its kinds, what each is and how it is written, then
// the other sections, for a terminal of some columns.
func List(w io.Writer, columns int, more ...Section) error {
	page := &page{columns: columns}
	page.line("load[].call: the methods that can be called")
	page.table(2, methodRows())
	listed := map[reflect.Type]string{}
	for _, c := range choices() {
		page.line("")
		page.paragraph(c.path+": "+c.doc, 2)
		if at, told := listed[c.typ]; told {
			page.line("  as " + at)
			continue
		}
		listed[c.typ] = c.path
		var rows [][]string
		for _, k := range strict.Kinds(c.typ) {
			rows = append(rows, []string{k.Name, k.Doc})
			if k.Example != k.Name {
				rows = append(rows, []string{"", k.Example})
			}
		}
		page.table(2, rows)
	}
	for _, s := range more {
		page.line("")
		page.paragraph(s.Title, 2)
		page.table(2, s.Rows)
	}
	_, err := io.WriteString(w, page.String())
	return err
}

func methodRows() [][]string {
	var rows [][]string
	for _, m := range methods() {
		rows = append(rows, []string{m.short, fmt.Sprintf("%s; %s", strings.ReplaceAll(string(m.kind), "_", " "), m.full)})
	}
	return rows
}
