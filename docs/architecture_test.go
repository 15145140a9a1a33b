package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// foreign are the names of ARCHITECTURE.md that are not in the repository.
var foreign = map[string]string{
	"[]byte":                  "Go's",
	"encoding/json":           "the standard library's",
	"net.Conn":                "the standard library's",
	"time.Timer":              "the standard library's",
	"go-json-experiment/json": "a library that we use",
	"portable":                "a build tag",
}

// TestArchitectureNamesWhatExists looks up everything that ARCHITECTURE.md has in
// backticks: a file by its path or its name, a folder, a package, what a package
// declares, methods and fields. "conn.mu", "socketio.conn.mu" and "mu" will all do.
// A "*" stands for a part of a file's name, and `make X` for a target of the Makefile.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	known := names(t)
	unused := make(map[string]bool)
	for name := range foreign {
		unused[name] = true
	}
	fenced, found := false, 0
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			found++
			delete(unused, m[1])
			if name := strings.TrimSuffix(m[1], "/"); foreign[name] == "" && !known.has(name) {
				t.Errorf("ARCHITECTURE.md:%d: there is no %s", i+1, name)
			}
		}
	}
	if found == 0 {
		t.Error("ARCHITECTURE.md names nothing")
	}
	for name := range unused {
		t.Errorf("ARCHITECTURE.md does not name %s, which is %s", name, foreign[name])
	}
}

// TestCatalog shows what is a name, and what is none.
func TestCatalog(t *testing.T) {
	known := names(t)
	for name, want := range map[string]bool{
		"engineio/session.go": true, "session.go": true, "none_*.go": false, "docs/*.md": true, "engineio/sessions.go": false,
		"adapters/echo": true, "echo": true, "adapters/fiber": false, "scripts/fuzz": true, "engineio/fuzz": false,
		"Session": true, "engineio.Session": true, "socketio.Session": false, "Sessionses": false,
		"Session.receive": true, "engineio.Session.receive": true, "Session.mu": true, "Session.nu": false, "Socket.receive": false,
		"Broker.Interest": true, "parser.TextDecoder": true, "socketio/parser.TextDecoder": true, "engineio/parser.TextDecoder": false,
		"make lint": true, "make haste": false, "TestCatalog": false, "": false,
	} {
		if known.has(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	target = regexp.MustCompile(`(?m)^[\w-]+:`)
)

// catalog holds all names by which something of the repository can be called.
type catalog map[string]bool

func (c catalog) has(name string) bool {
	if c[name] || !strings.Contains(name, "*") {
		return c[name]
	}
	for known := range c {
		if ok, err := path.Match(name, known); ok && err == nil {
			return true
		}
	}
	return false
}

// add adds a name as it is called within its package and from outside.
func (c catalog) add(pkg, folder string, name ...string) {
	c[name[len(name)-1]] = true
	qualified := strings.Join(name, ".")
	c[qualified], c[pkg+"."+qualified], c[folder+"."+qualified] = true, true, true
}

// names returns the catalog. What only tests declare is not in it.
func names(t *testing.T) catalog {
	t.Helper()
	known := make(catalog)
	fset := token.NewFileSet()
	walk(t, func(file string) {
		name := strings.TrimPrefix(file, "../")
		known[path.Base(name)] = true
		for ; name != "."; name = path.Dir(name) {
			known[name] = true
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		known[f.Name.Name] = true
		add := func(name ...string) {
			known.add(f.Name.Name, path.Dir(strings.TrimPrefix(file, "../")), name...)
		}
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name.Name)
				} else {
					add(base(d.Recv.List[0].Type), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					addSpec(spec, add)
				}
			}
		}
	})
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range target.FindAll(makefile, -1) {
		known["make "+strings.TrimSuffix(string(name), ":")] = true
	}
	return known
}

// addSpec adds what a declaration at the top of a file names: constants, variables,
// or a type with its fields or the methods of an interface.
func addSpec(spec ast.Spec, add func(name ...string)) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, id := range s.Names {
			add(id.Name)
		}
	case *ast.TypeSpec:
		add(s.Name.Name)
		var members *ast.FieldList
		switch typ := s.Type.(type) {
		case *ast.StructType:
			members = typ.Fields
		case *ast.InterfaceType:
			members = typ.Methods
		default:
			return
		}
		for _, m := range members.List {
			if len(m.Names) == 0 {
				add(s.Name.Name, base(m.Type)) // embedded
			}
			for _, id := range m.Names {
				add(s.Name.Name, id.Name)
			}
		}
	}
}

// base returns the name of a type without its package, its star and its parameters.
func base(typ ast.Expr) string {
	switch x := typ.(type) {
	case *ast.StarExpr:
		return base(x.X)
	case *ast.IndexExpr:
		return base(x.X)
	case *ast.IndexListExpr:
		return base(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return "" // a union of types
}
