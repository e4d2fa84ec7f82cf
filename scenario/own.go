package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grpcbench/grpcbench/reports/result"
	"github.com/grpcbench/grpcbench/scenario/descriptor"
	"github.com/grpcbench/grpcbench/scenario/load"
	"github.com/grpcbench/grpcbench/scenario/message"
	"github.com/grpcbench/grpcbench/scenario/secret"
	"github.com/grpcbench/grpcbench/scenario/strict"
)

// Feed is a file of rows that a load entry's calls take their data from.
type Feed struct {
	File  string        `yaml:"file" doc:"a .csv or .jsonl file; its name is taken from the scenario's own folder"`
	Order message.Order `yaml:"order" doc:"how calls go through the rows: sequential (when left out), random or once"`
}

// Own is what a load entry of a method of the user's own service sends, checked
// against its descriptor.
type Own struct {
	Method   protoreflect.MethodDescriptor
	Messages []*message.Template
	// Feed is nil where no row is needed.
	Feed *message.Feed

	metadata map[string]string
}

// Metadata is what is sent beside the messages, with its secrets, which come back
// too.
func (o *Own) Metadata() (all []*message.Metadata, secrets []string, err error) {
	for _, key := range sortedNames(o.metadata) {
		value, hidden, err := reveal(o.metadata[key])
		if err != nil {
			return nil, nil, fmt.Errorf("metadata %s: %w", key, err)
		}
		m, err := message.CompileMetadata(key, value)
		if err != nil {
			return nil, nil, fmt.Errorf("metadata %s: %w", key, err)
		}
		all, secrets = append(all, m), append(secrets, hidden...)
	}
	return all, secrets, nil
}

// reveal is a text of templates with its secrets, which are no templates, whatever
// they hold.
func reveal(text string) (out string, secrets []string, err error) {
	for _, part := range secret.Split(text) {
		if part.Variable == "" {
			out += part.Text
			continue
		}
		value, hidden, err := secret.Expand(part.Text)
		if err != nil {
			return "", nil, err
		}
		out += strings.ReplaceAll(value, "{{", `{{ "{{" }}`)
		secrets = append(secrets, hidden...)
	}
	return out, secrets, nil
}

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// methodPath is a method's full name as it is written with a slash, where it is
// written as grpcurl or the wire have it.
func methodPath(name string) string {
	name = strings.TrimPrefix(name, "/")
	if at := strings.LastIndexByte(name, '.'); at > 0 && !strings.Contains(name, "/") {
		return name[:at] + "/" + name[at+1:]
	}
	return name
}

// markOwn finds the entries that call methods of the user's own service: all that
// are not the contract's, and those of the contract with messages of their own.
func (s *Scenario) markOwn() {
	for i := range s.Load {
		l := &s.Load[i]
		_, known := methodNamed(l.Call)
		l.own = s.Fleet == nil && l.Mix == nil && l.Call != "" && (l.Body != nil || !known)
	}
}

// owns is whether an entry calls a method of the user's own.
func (s *Scenario) owns() bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return l.own })
}

// Own is what the entry sends, where it calls a method of the user's own; nil is a
// method of the service contract.
func (l Load) Own() *Own { return l.bound }

// Unbound is whether there are methods whose descriptors have not been looked at:
// only the target has them.
func (s *Scenario) Unbound() bool {
	return slices.ContainsFunc(s.Load, func(l Load) bool { return l.own && l.bound == nil })
}

// ownKeys finds what only one of both kinds of methods has.
func (c entryCheck) ownKeys() {
	if !c.own {
		if c.Body != nil {
			c.body()
		}
		for _, key := range []string{"metadata", "feed", "answers"} {
			if !c.has(key) {
				continue
			}
			if c.p.root.Get("fleet") != nil {
				c.fail(key, "is for a method of your own service, which needs a target: a fleet has its own")
			} else {
				c.fail(key, "is for calls that send messages of your own: write them too, as request: {...}")
			}
		}
		return
	}
	for _, key := range []string{"response", "keys"} {
		if c.has(key) {
			c.fail(key, "is for the methods of user.v1.UserService with drawn payloads: a method of your own takes what request says")
		}
	}
	if c.has("request") && c.Body == nil {
		c.fail("request", "must be a message such as {user_id: \"7\"}, a list of them, or \"@file.json\": sizes are for the methods of user.v1.UserService")
	}
	if c.Answers < 0 {
		c.fail("answers", "must be >= 1 (got %d)", c.Answers)
	} else if c.has("answers") && c.Answers == 0 {
		c.fail("answers", "must be >= 1 (got 0): leave it out to read streams to their end")
	}
	if f := c.Feed; f != nil && f.File == "" {
		c.fail("feed", "needs file: a .csv or .jsonl file")
	}
	for _, key := range sortedNames(c.Metadata) {
		if m, err := message.CompileMetadata(key, c.Metadata[key]); err != nil {
			c.fail("metadata."+key, "%s", err)
		} else if m.NeedsRow() && c.Feed == nil {
			c.fail("metadata."+key, "takes a value from a row: it needs a feed, such as feed: {file: users.csv}")
		}
	}
}

// body reports messages where sizes are wanted, as if they were meant for some.
func (c entryCheck) body() {
	var kinds []string
	for _, k := range strict.Kinds(reflect.TypeFor[load.Sizes]()) {
		kinds = append(kinds, k.Name)
	}
	for _, e := range c.Body.Entries {
		if near := strict.Suggest(e.Key, kinds); near != "" {
			c.fail("request", "must be %s (got %s), did you mean %s?", orList(kinds), e.Key, near)
			return
		}
	}
	if c.Body.Kind == strict.Map && len(c.Body.Entries) > 0 || c.Body.Kind == strict.Sequence {
		c.fail("request", "is a message of your own, which is for a target: a fleet's methods take a payload size, such as 1KiB, or a distribution of it")
		return
	}
	c.fail("request", "must be a size such as 1KiB, or a distribution of it: messages of your own are for a target")
}

// sources is what variants have in common and is read once.
type sources struct {
	sets  map[string]described
	feeds map[string]feedRead
}

type described struct {
	set *descriptor.Set
	err error
}

type feedRead struct {
	feed *message.Feed
	err  error
}

func newSources() *sources {
	return &sources{sets: map[string]described{}, feeds: map[string]feedRead{}}
}

// feed reads a file of rows.
func (s *sources) feed(name string) (*message.Feed, error) {
	read, done := s.feeds[name]
	if !done {
		contents, err := os.ReadFile(name)
		if err == nil {
			read.feed, err = message.ReadFeed(name, contents)
		}
		read.err = err
		s.feeds[name] = read
	}
	return read.feed, read.err
}

// checkDescriptors finds what is wrong with where descriptors come from.
func (s *Scenario) checkDescriptors(p *problems) {
	if p.root.Get("descriptors") == nil {
		return
	}
	if s.Fleet != nil {
		p.addUnlessKnown("descriptors", "is for a target: what a fleet serves is known")
		return
	}
	for _, wrong := range s.Descriptors.Problems() {
		p.addUnlessKnown("descriptors."+wrong.Field, "%s", wrong.Text)
	}
}

// bindFiles binds the entries whose descriptors are in files. The others wait for
// the target: see Plan.Bind.
func (s *Scenario) bindFiles(p *problems, folder string) {
	s.Descriptors = s.Descriptors.In(folder)
	for i := range s.Load {
		l := &s.Load[i]
		if l.Feed != nil {
			own := *l.Feed // it may be shared
			own.File = inFolder(folder, own.File)
			l.Feed = &own
			// Whatever is wrong in it is told at once.
			if feed := p.readFeed(l); feed != nil {
				l.rows = feed.Len()
			}
		}
		if len(l.Metadata) > 0 {
			own := map[string]string{}
			for key, value := range l.Metadata {
				own[key] = secret.From(folder, value)
			}
			l.Metadata = own
		}
	}
	if !s.owns() || s.Descriptors.NeedsServer() || len(p.errs) > 0 {
		return
	}
	key := flowText(s.Descriptors)
	read, done := p.sources.sets[key]
	if !done {
		read.set, read.err = s.Descriptors.Load(p.context(), nil)
		p.sources.sets[key] = read
	}
	if read.err != nil {
		p.addUnlessKnown("descriptors", "%s", read.err)
		return
	}
	s.bind(p, read.set)
}

func (p *problems) readFeed(l *Load) *message.Feed {
	feed, err := p.sources.feed(l.Feed.File)
	p.addFile(fmt.Sprintf("load[%d].feed.file", l.place), err)
	return feed
}

// addFile reports what is wrong with a file, in it, or that it cannot be read.
func (p *problems) addFile(path string, err error) {
	if inside, ok := errors.AsType[strict.Errors](err); ok {
		p.errs = append(p.errs, inside...)
	} else if err != nil {
		p.addUnlessKnown(path, "%s", err)
	}
}

// bind checks the entries of own methods against their descriptors, and makes what
// they send.
func (s *Scenario) bind(p *problems, set *descriptor.Set) {
	for i := range s.Load {
		if l := &s.Load[i]; l.own && l.bound == nil {
			b := binding{Scenario: s, p: p, set: set, l: l, path: fmt.Sprintf("load[%d]", l.place)}
			b.bind()
		}
	}
}

// binding is one load entry being bound.
type binding struct {
	*Scenario
	p    *problems
	set  *descriptor.Set
	l    *Load
	path string
	own  Own
}

func (b *binding) fail(key, format string, args ...any) {
	b.p.addUnlessKnown(b.path+"."+key, format, args...)
}

func (b *binding) bind() {
	method, err := b.set.Method(b.l.Call)
	if err != nil {
		b.fail("call", "%s", err)
		return
	}
	before := len(b.p.errs)
	b.own = Own{Method: method, metadata: b.l.Metadata}
	b.streams()
	b.messages()
	b.rows()
	b.balanced()
	b.hedged()
	if e := b.l.Expect; e != nil {
		_, problems := e.Compile(method)
		entryCheck{Load: *b.l, p: b.p, path: b.path}.mistaken(problems)
	}
	if len(b.p.errs) == before {
		b.l.bound = &b.own
	}
}

// streams finds settings of streams that the method is none of.
func (b *binding) streams() {
	m := b.own.Method
	kind := strings.ReplaceAll(string(kindOf(m)), "_", " ")
	if b.p.root.Get(b.path+".messages") != nil && !m.IsStreamingClient() {
		b.fail("messages", "is for streams of messages that the client sends: %s is a %s call", m.Name(), kind)
	}
	if b.l.Answers > 0 && !m.IsStreamingServer() {
		b.fail("answers", "is for streams that the server sends: %s is a %s call", m.Name(), kind)
	}
}

// messages makes what is sent.
func (b *binding) messages() {
	of, types, body, path := b.own.Method.Input(), b.set.Resolver(), b.l.Body, b.path+".request"
	compile := func(n *strict.Node, path string) {
		m, err := message.CompileNode(of, n, path, types)
		b.p.addFile(path, err)
		b.own.Messages = append(b.own.Messages, m)
	}
	switch {
	case body == nil:
		empty, err := message.Compile(of, message.Text{JSON: []byte("{}")}, types)
		if err != nil {
			b.fail("request", "is left out, and an empty %s cannot be sent: %s", of.FullName(), headOf(err))
		}
		b.own.Messages = append(b.own.Messages, empty)
	case body.Kind == strict.Map:
		compile(body, path)
	case body.Kind == strict.Sequence && len(body.Items) == 0:
		b.fail("request", "must have at least one message")
	case body.Kind == strict.Sequence:
		for i, item := range body.Items {
			compile(item, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		name := inFolder(filepath.Dir(b.p.doc.File()), strings.TrimPrefix(body.Text, "@"))
		contents, err := os.ReadFile(name)
		if err == nil {
			b.own.Messages, err = message.ReadMessages(of, name, contents, types)
		}
		b.p.addFile(path, err)
	}
}

// headOf is a mistake without the place where nobody has written anything.
func headOf(err error) string {
	if all, ok := errors.AsType[strict.Errors](err); ok && len(all) > 0 {
		return all[0].Message
	}
	return err.Error()
}

// rows checks templates against the feed.
func (b *binding) rows() {
	var feed *message.Feed
	if b.l.Feed != nil {
		if feed = b.p.readFeed(b.l); feed == nil {
			return
		}
	}
	needed := false
	for _, m := range b.own.Messages {
		if m == nil {
			return // reported
		}
		needed = needed || m.NeedsRow()
		if feed == nil && m.NeedsRow() {
			b.fail("request", "takes values from a row: it needs a feed, such as feed: {file: users.csv}")
			return
		}
		b.p.addFile(b.path+".request", m.Check(feed))
	}
	for _, key := range sortedNames(b.l.Metadata) {
		m, err := message.CompileMetadata(key, b.l.Metadata[key])
		if err != nil {
			continue // reported
		}
		needed = needed || m.NeedsRow()
		b.p.addFile(b.path+".metadata."+key, m.Check(feed))
	}
	if feed != nil && !needed {
		b.fail("feed", "is used by nothing: neither request nor metadata takes a value from its rows, such as {{ .row.%s }}", feed.Columns()[0])
	}
	b.own.Feed = feed
}

// balanced finds calls without the key by which their balancer places them.
func (b *binding) balanced() {
	field, header, ok := b.Client.Balance.Key()
	if !ok {
		return
	}
	for key := range b.l.Metadata {
		if strings.EqualFold(key, header) {
			return
		}
	}
	m := b.own.Method
	if m.IsStreamingClient() {
		b.fail("call", "has no key for consistent_hash: messages of a %s come too late to be one; add metadata: {%s: ...}",
			strings.ReplaceAll(string(kindOf(m)), "_", " "), header)
		return
	}
	if field == "" || m.Input().Fields().ByName(protoreflect.Name(field)) == nil {
		b.fail("call", "has no key for consistent_hash: %s has no field %q; name another one as client.balance.consistent_hash.field, or add metadata: {%s: ...}",
			m.Input().FullName(), field, header)
	}
}

// ShowsFields is whether the balancer takes a call's key from a field of requests.
func (s *Scenario) ShowsFields() bool {
	field, _, ok := s.Client.Balance.Key()
	return ok && field != ""
}

// hedged finds hedges of calls that are never hedged.
func (b *binding) hedged() {
	if !b.own.Method.IsStreamingClient() {
		return
	}
	name := b.l.Method()
	settings, ok := b.Client.Methods[name]
	if h := settings.Hedge; ok && h != nil && !h.Off {
		b.p.addUnlessKnown("client.methods."+name+".hedge", "must be none: only unary calls and server streams are hedged, and %s is a %s",
			b.own.Method.Name(), strings.ReplaceAll(string(kindOf(b.own.Method)), "_", " "))
	}
}

// kindOf is the RPC kind of a method.
func kindOf(m protoreflect.MethodDescriptor) result.Kind {
	switch {
	case m.IsStreamingClient() && m.IsStreamingServer():
		return result.BidiStream
	case m.IsStreamingClient():
		return result.ClientStream
	case m.IsStreamingServer():
		return result.ServerStream
	}
	return result.Unary
}

// Unbound names the methods whose descriptors only the target has, each once: what
// is said of them is not checked yet.
func (p *Plan) Unbound() []string {
	var all []string
	for _, v := range p.Variants {
		for _, l := range v.Scenario.Load {
			if l.own && l.bound == nil && !slices.Contains(all, l.Method()) {
				all = append(all, l.Method())
			}
		}
	}
	return all
}

// UncheckedText says what could not be checked without the target, as a sentence;
// it is "" where all is.
func (p *Plan) UncheckedText() string {
	names := p.Unbound()
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%s and what is sent to %s not checked: the descriptors are the target's, which is asked when the run begins",
		andList(names), map[bool]string{true: "it are", false: "them are"}[len(names) == 1])
}

// Bind checks the methods that only their target can describe, and makes what is
// sent to them. describe asks the target of a variant. The error is strict.Errors,
// as Read's.
func (p *Plan) Bind(describe func(*Scenario) (*descriptor.Set, error)) error {
	found := newFindings()
	for i := range p.Variants {
		v := &p.Variants[i]
		if !v.Scenario.Unbound() {
			continue
		}
		mine := &problems{doc: p.doc, root: v.Node, sources: p.sources}
		if set, err := describe(v.Scenario); err == nil {
			v.Scenario.bind(mine, set)
		} else if v.Node.Get("descriptors") != nil {
			mine.addUnlessKnown("descriptors", "%s", err)
		} else {
			mine.addUnlessKnown("target", "%s", err)
		}
		found.add(v.Name, mine.errs)
	}
	return strict.Join(found.all(len(p.Variants)))
}
