package sio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// declared returns the types that the package in dir declares, with their comments.
func declared(t *testing.T, dir string) map[string]*ast.TypeSpec {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	types := make(map[string]*ast.TypeSpec)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, s := range g.Specs {
				spec := s.(*ast.TypeSpec)
				if spec.Doc == nil {
					spec.Doc = g.Doc
				}
				types[spec.Name.Name] = spec
			}
		}
	}
	return types
}

// go doc shows no methods of an alias: its comment names them all, as links.
func TestAliasesNameTheirMethods(t *testing.T) {
	aliased := make(map[string]reflect.Type)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[sio.Socket](), reflect.TypeFor[sio.Target](), reflect.TypeFor[sio.Args](), reflect.TypeFor[sio.Emission](),
		reflect.TypeFor[sio.Answer](), reflect.TypeFor[sio.RemoteSocket](), reflect.TypeFor[sio.Handshake](), reflect.TypeFor[sio.Tap](), reflect.TypeFor[sio.Stats](),
	} {
		aliased[typ.Name()] = typ
	}
	for name, spec := range declared(t, ".") {
		typ := aliased[name]
		switch {
		case !spec.Assign.IsValid() || name == "Reason": // a string that is an error
			continue
		case typ == nil:
			t.Errorf("the alias %s is not tested", name)
			continue
		}
		var names []string
		ptr := reflect.PointerTo(typ)
		for method := range ptr.Methods() {
			names = append(names, method.Name)
		}
		for field := range typ.Fields() {
			if field.IsExported() {
				names = append(names, field.Name)
			}
		}
		pkg := spec.Type.(*ast.SelectorExpr).X.(*ast.Ident).Name
		for _, member := range names {
			if link := "[" + pkg + "." + name + "." + member + "]"; !strings.Contains(spec.Doc.Text(), link) {
				t.Errorf("the comment of %s does not name %s", name, link)
			}
		}
	}
}

// The structs of options that are those of a layer below, too, have one text.
func TestOptionsHaveOneText(t *testing.T) {
	above := declared(t, ".")
	for name, below := range map[string]*ast.TypeSpec{
		"CORS":         declared(t, "engineio")[reflect.TypeFor[engineio.CORS]().Name()],
		"Compression":  declared(t, "engineio")[reflect.TypeFor[engineio.Deflate]().Name()],
		"DrainOptions": declared(t, "engineio")[reflect.TypeFor[engineio.DrainOptions]().Name()],
		"Recovery":     declared(t, "socketio")[reflect.TypeFor[socketio.Recovery]().Name()],
	} {
		a, b := above[name].Type.(*ast.StructType).Fields.List, below.Type.(*ast.StructType).Fields.List
		if len(a) != len(b) {
			t.Fatalf("%s has %d fields, and %d below", name, len(a), len(b))
		}
		for i := range a {
			if a[i].Names[0].Name != b[i].Names[0].Name || a[i].Doc.Text() == "" || a[i].Doc.Text() != b[i].Doc.Text() {
				t.Errorf("%s.%s: %q, and below: %q", name, a[i].Names[0].Name, a[i].Doc.Text(), b[i].Doc.Text())
			}
		}
	}
}
