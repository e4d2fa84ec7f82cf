package descriptor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Proto is .proto files, compiled here.
type Proto struct {
	Files       []string `yaml:"files" doc:"the .proto files with the services that are called; names are taken from the scenario's own folder, or from an import path"`
	ImportPaths []string `yaml:"import_paths" doc:"folders that imports are looked for in, from the scenario's own folder; that folder and those of the files when left out"`

	folder string // that relative names are taken from
}

func (p *Proto) problems() []Problem {
	if len(p.Files) == 0 {
		return []Problem{{Field: "files", Text: "must name a .proto file, such as [pay/v1/pay.proto]"}}
	}
	if i := slices.Index(p.Files, ""); i >= 0 {
		return []Problem{{Field: fmt.Sprintf("files[%d]", i), Text: "must not be empty"}}
	}
	return nil
}

func (p *Proto) load(ctx context.Context, _ grpc.ClientConnInterface) (*Set, error) {
	roots := p.roots()
	var names []string
	for _, file := range p.Files {
		name, err := p.below(roots, file)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	// The first mistake is told: others mostly follow from it.
	compiler := protocompile.Compiler{
		Resolver: imports{sources: &protocompile.SourceResolver{ImportPaths: roots}},
		Reporter: reporter.NewReporter(func(err reporter.ErrorWithPos) error { return err }, nil),
	}
	compiled, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, p.explained(err, roots)
	}
	files := new(protoregistry.Files)
	var add func(protoreflect.FileDescriptor) error
	add = func(f protoreflect.FileDescriptor) error {
		if _, err := files.FindFileByPath(f.Path()); err == nil {
			return nil
		}
		for i := range f.Imports().Len() {
			if err := add(f.Imports().Get(i).FileDescriptor); err != nil {
				return err
			}
		}
		return files.RegisterFile(f)
	}
	for _, f := range compiled {
		if err := add(f); err != nil {
			return nil, fmt.Errorf("%s: %s", f.Path(), unprefixed(err))
		}
	}
	return newSet(strings.Join(names, ", "), files, nil), nil
}

// roots is the folders that imports are looked for in.
func (p *Proto) roots() []string {
	if len(p.ImportPaths) > 0 {
		return p.ImportPaths
	}
	var all []string
	add := func(folder string) {
		if folder = filepath.Clean(folder); !slices.Contains(all, folder) {
			all = append(all, folder)
		}
	}
	add(p.folder)
	for _, f := range p.Files {
		add(filepath.Dir(f))
	}
	return all
}

// below is a file's name as others import it: from one of the roots.
func (p *Proto) below(roots []string, file string) (string, error) {
	short := file
	if rel, err := filepath.Rel(p.folder, file); err == nil {
		short = rel
	}
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return "", fmt.Errorf("%s is a folder: name the .proto files in it", file)
	case err == nil:
		for _, root := range roots {
			rel, err := filepath.Rel(root, file)
			if err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
				return filepath.ToSlash(rel), nil
			}
		}
		return "", fmt.Errorf("%s is in none of the import paths %s", file, strings.Join(roots, ", "))
	}
	for _, root := range roots {
		if info, err := os.Stat(filepath.Join(root, short)); err == nil && !info.IsDir() {
			return filepath.ToSlash(short), nil
		}
	}
	return "", fmt.Errorf("no file %s, nor one of that name in %s", file, strings.Join(roots, ", "))
}

// explained is a compiler's error, as a sentence.
func (p *Proto) explained(err error, roots []string) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, protoregistry.NotFound) {
		at, name := "", ""
		if positioned, ok := errors.AsType[reporter.ErrorWithPos](err); ok {
			at = positioned.GetPosition().String() + ": "
		}
		if absent, ok := errors.AsType[absentError](err); ok {
			name = string(absent)
		}
		return fmt.Errorf("%s%q is imported, and in none of the import paths %s: name its folder in import_paths", at, name, strings.Join(roots, ", "))
	}
	return errors.New(unprefixed(err))
}

// absentError is that no import path has a file.
type absentError string

func (e absentError) Error() string        { return fmt.Sprintf("no file %q", string(e)) }
func (e absentError) Is(target error) bool { return target == protoregistry.NotFound }

// imports finds what .proto files import: protobuf's own types and, where no
// import path has the file, others that grpcbench is linked with.
type imports struct{ sources protocompile.Resolver }

func (i imports) FindFileByPath(path string) (protocompile.SearchResult, error) {
	own := linked(path)
	if own != nil && strings.HasPrefix(path, wellKnown) {
		return protocompile.SearchResult{Desc: own}, nil
	}
	found, err := i.sources.FindFileByPath(path)
	switch {
	case err == nil:
		return found, nil
	case !errors.Is(err, os.ErrNotExist):
		return found, err
	case own != nil:
		return protocompile.SearchResult{Desc: own}, nil
	}
	return found, absentError(path)
}
