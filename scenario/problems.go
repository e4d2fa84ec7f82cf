package scenario

import (
	"context"
	"slices"
	"strings"

	"github.com/grpcbench/grpcbench/scenario/strict"
)

// problems collects what is wrong with one tree of one document.
type problems struct {
	doc  *strict.Document
	root *strict.Node
	errs strict.Errors
	// fleetOnly is that a document without load has no problem.
	fleetOnly bool
	sources   *sources
}

// context is for reading files: nothing ends it.
func (p *problems) context() context.Context { return context.Background() }

// add reports the node at path, or the nearest one above it.
func (p *problems) add(path, format string, args ...any) {
	p.errs = append(p.errs, p.doc.Errorf(nearest(p.root, path), path, format, args...))
}

// failAt reports the node n under a path.
func (p *problems) failAt(n *strict.Node, path, format string, args ...any) {
	p.errs = append(p.errs, p.doc.Errorf(n, path, format, args...))
}

// knows is whether something at, below or above path is reported already.
func (p *problems) knows(path string) bool {
	return slices.ContainsFunc(p.errs, func(e *strict.Error) bool { return within(e.Path, path) || within(path, e.Path) })
}

// addUnlessKnown reports path unless the document is known to be wrong there: a
// setting that could not be read is not missing too.
func (p *problems) addUnlessKnown(path, format string, args ...any) {
	if !p.knows(path) {
		p.add(path, format, args...)
	}
}

// decoded takes in what the decoder found.
func (p *problems) decoded(err error) {
	p.errs = append(p.errs, asErrors(p.doc, p.root, err)...)
}

// asErrors is err as the decoder's errors; one that is not is reported at n.
func asErrors(doc *strict.Document, n *strict.Node, err error) strict.Errors {
	switch e := err.(type) {
	case nil:
		return nil
	case strict.Errors:
		return e
	case *strict.Error:
		return strict.Errors{e}
	default:
		return strict.Errors{doc.Errorf(n, "", "%s", err)}
	}
}

// err is nil when nothing was reported.
func (p *problems) err() error {
	if len(p.errs) == 0 {
		return nil
	}
	return p.errs
}

// nearest is the node at path below root, or the last one on the way there.
func nearest(root *strict.Node, path string) *strict.Node {
	for {
		if n := root.Get(path); n != nil {
			return n
		}
		if path == "" {
			return root
		}
		path = parent(path)
	}
}

// parent is the path without its last segment: load[0].rate, load[0], load.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// within reports whether path is outer or lies below it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}
