package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A function may be one that siogen is to call.
type function struct {
	name    string
	pos     string // file:line
	fails   bool   // it returns an error as well
	problem string // why it can't be called, or ""
	hidden  bool   // it is not exported
}

// A wanted type is what a function is looked for to return a pointer to.
type wanted struct {
	pkg, name string // "github.com/siokit/sio", "Server"
	flag      string // by which a function is named
}

func (w wanted) String() string { return "*" + path.Base(w.pkg) + "." + w.name }

var (
	aServer  = wanted{sioPath, "Server", "-func"}
	anOption = wanted{contractPath, "Options", "-options"}
)

// find returns the function of a package that returns what is wanted: that with the
// name, or the only one there is. It looks at the sources alone, so that what does not
// compile is left to the compiler to tell.
func (w wanted) find(p *project, name string) (*function, error) {
	all, err := w.functions(p)
	if err != nil {
		return nil, err
	}
	var good []function
	for _, f := range all {
		switch {
		case name != "" && f.name == name && f.problem != "":
			return nil, fmt.Errorf("%s at %s can't be called: it %s%s", name, f.pos, f.problem, w.advice())
		case name != "" && f.name == name:
			return &f, nil
		case f.problem == "" && (!f.hidden || p.Name == "main"):
			good = append(good, f)
		}
	}
	switch {
	case name != "":
		return nil, fmt.Errorf("package %s has no function %s that returns a %s%s", p.ImportPath, name, w, list(all))
	case len(good) == 1:
		return &good[0], nil
	case len(good) > 1:
		return nil, fmt.Errorf("package %s has several functions that return a %s%s\nSay which one it is, such as %s %s", p.ImportPath, w, list(good), w.flag, good[0].name)
	}
	return nil, nil
}

func (w wanted) advice() string {
	if w != aServer {
		return ""
	}
	return "\nWrite one that makes the server without what it does not need for its handlers to be registered, such as\n\n\tfunc Contract() *sio.Server { return New(Config{}) }\n"
}

func list(fs []function) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "\n\t%s at %s", f.name, f.pos)
		switch {
		case f.problem != "":
			fmt.Fprintf(&b, ", which %s", f.problem)
		case f.hidden:
			fmt.Fprint(&b, ", which is not exported")
		}
	}
	return b.String()
}

// functions returns those that return what is wanted, also such as can't be called.
func (w wanted) functions(p *project) ([]function, error) {
	var all []function
	fset := token.NewFileSet()
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		path := filepath.Join(p.Dir, name)
		file, err := parser.ParseFile(fset, cmp.Or(p.overlay[path], path), nil, parser.SkipObjectResolution)
		if file == nil {
			return nil, err
		}
		local, there := w.importName(file)
		if !there {
			continue
		}
		for _, d := range file.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok || d.Name.Name == "_" {
				continue
			}
			results := flatten(d.Type.Results)
			if len(results) == 0 || !w.is(results[0], local) {
				continue
			}
			at := fset.Position(d.Pos())
			f := function{name: d.Name.Name, pos: fmt.Sprintf("%s:%d", name, at.Line), hidden: !d.Name.IsExported()}
			f.fails = len(results) == 2
			switch {
			case d.Recv != nil:
				f.problem = "is a method"
			case d.Type.TypeParams != nil:
				f.problem = "has type parameters"
			case len(flatten(d.Type.Params)) > 0 && !variadic(d.Type.Params):
				f.problem = "has parameters"
			case len(results) > 2 || f.fails && (w != aServer || !isError(results[1])):
				f.problem = "has further results"
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// importName returns the name that a file has for the package, "." included.
func (w wanted) importName(file *ast.File) (name string, there bool) {
	for _, i := range file.Imports {
		if p, err := strconv.Unquote(i.Path.Value); err != nil || p != w.pkg {
			continue
		}
		if i.Name != nil {
			return i.Name.Name, i.Name.Name != "_"
		}
		return path.Base(w.pkg), true
	}
	return "", false
}

// is reports whether an expression is a pointer to the wanted type.
func (w wanted) is(e ast.Expr, local string) bool {
	star, ok := e.(*ast.StarExpr)
	if !ok {
		return false
	}
	if id, ok := star.X.(*ast.Ident); ok {
		return local == "." && id.Name == w.name
	}
	sel, ok := star.X.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == local && sel.Sel.Name == w.name
}

func isError(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "error"
}

// flatten returns a type for each parameter or result.
func flatten(l *ast.FieldList) []ast.Expr {
	var types []ast.Expr
	if l == nil {
		return nil
	}
	for _, f := range l.List {
		for range max(1, len(f.Names)) {
			types = append(types, f.Type)
		}
	}
	return types
}

// variadic reports whether a function can be called without arguments though it has a
// parameter.
func variadic(l *ast.FieldList) bool {
	types := flatten(l)
	_, ok := types[0].(*ast.Ellipsis)
	return ok
}
