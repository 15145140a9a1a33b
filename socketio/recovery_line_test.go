package socketio

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecoveryLine holds what recovery.go says: nothing passes the line between a namespace
// and its recoverer but what is in that file.
func TestRecoveryLine(t *testing.T) {
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: unknown{}, Error: func(error) {}} // of what is imported nothing is known
	pkg, _ := conf.Check("socketio", fset, files, info)

	at := func(p token.Pos) string { return fset.Position(p).Filename }
	behind := func(p token.Pos) bool {
		name := at(p)
		return strings.HasPrefix(name, "recovery_") && name != "recovery_host.go"
	}
	doors := map[string]bool{"newLocalRecovery": true, "newSharedRecovery": true, "takenForOffset": true} // that are neither in recovery.go nor types
	data := map[string]bool{"encoded": true, "selection": true, "Broadcast": true, "Selector": true, "Options": true, "delivery": true}
	listed := make(map[string]bool) // methods of house and guest, and whether they are used
	for _, name := range []string{"house", "guest"} {
		for m := range pkg.Scope().Lookup(name).Type().Underlying().(*types.Interface).Methods() {
			listed[m.Name()] = false
		}
	}
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() || behind(id.Pos()) == behind(obj.Pos()) || at(obj.Pos()) == "recovery.go" && !isMethod(obj) ||
			at(obj.Pos()) == "journal.go" && !isMethodOf(obj, "Local") || doors[obj.Name()] {
			continue
		}
		where := fset.Position(id.Pos())
		if !behind(id.Pos()) {
			t.Errorf("%v: %s is behind the line", where, obj.Name())
			continue
		}
		switch obj := obj.(type) {
		case *types.TypeName:
		case *types.Func:
			if owner := receiver(obj); data[owner] {
				break
			}
			if _, ok := listed[obj.Name()]; !ok || !isMethod(obj) {
				t.Errorf("%v: %s is in front of the line, and not in recovery.go", where, obj.Name())
			}
			listed[obj.Name()] = true
		case *types.Var:
			if obj.IsField() && hasField(pkg, obj, data) {
				break
			}
			t.Errorf("%v: %s is in front of the line", where, obj.Name())
		default:
			t.Errorf("%v: %s is in front of the line", where, obj.Name())
		}
	}
	for name, used := range listed {
		if !used {
			t.Errorf("recovery.go lists %s, which nobody asks", name)
		}
	}
}

func isMethod(obj types.Object) bool {
	f, ok := obj.(*types.Func)
	return ok && f.Signature().Recv() != nil
}

func isMethodOf(obj types.Object, owner string) bool {
	f, ok := obj.(*types.Func)
	return ok && receiver(f) == owner
}

// receiver returns the name of the type that a method is of.
func receiver(f *types.Func) string {
	r := f.Signature().Recv()
	if r == nil {
		return ""
	}
	t := r.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// hasField tells whether a field is one of a struct among types.
func hasField(pkg *types.Package, field *types.Var, among map[string]bool) bool {
	for name := range among {
		s := pkg.Scope().Lookup(name).Type().Underlying().(*types.Struct)
		for f := range s.Fields() {
			if f == field {
				return true
			}
		}
	}
	return false
}

// unknown imports packages without their content.
type unknown struct{}

func (unknown) Import(p string) (*types.Package, error) {
	pkg := types.NewPackage(p, path.Base(p))
	pkg.MarkComplete()
	return pkg, nil
}
