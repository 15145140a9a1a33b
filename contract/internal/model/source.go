package model

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A source has what reflection does not: comments and constants.
type source struct {
	packages map[string]*pkg // by path, as reflection has it
	missing  []string
}

// A pkg is a package whose files have been found.
type pkg struct {
	path     string
	standard bool // part of Go: its constants are no enumeration
	fset     *token.FileSet
	files    []*ast.File
	types    map[string][]*typeDecl // by name; those in functions too
	consts   map[string][]constantDecl
}

// A typeDecl is the declaration of a type.
type typeDecl struct {
	doc   string
	spec  *ast.TypeSpec
	local bool // in a function
}

// A fieldDecl is the declaration of a field.
type fieldDecl struct {
	doc  string
	expr ast.Expr // nil if it is not known
}

// load finds the sources of all packages that types are declared in. What is not found
// is missing, without an error.
func load(dir string, types []reflect.Type) *source {
	s := &source{packages: make(map[string]*pkg)}
	names := make(map[string][]string) // of types by package
	seen := make(map[reflect.Type]bool)
	for _, t := range types {
		collect(t, seen)
	}
	for t := range seen {
		if isDefined(t) {
			names[t.PkgPath()] = append(names[t.PkgPath()], baseName(t))
		}
	}
	paths := slices.Sorted(maps.Keys(names))
	s.read(dir, paths, false)
	var tests []string // packages with a type that must be in a test
	for _, path := range paths {
		p := s.packages[path]
		if p == nil || slices.ContainsFunc(names[path], func(name string) bool { return p.types[name] == nil }) {
			tests = append(tests, path)
		}
	}
	if len(tests) > 0 {
		s.read(dir, tests, true)
	}
	for _, path := range paths {
		if s.packages[path] == nil {
			s.missing = append(s.missing, path)
		}
	}
	return s
}

// collect finds all types that a type is made of.
func collect(t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Map:
		collect(t.Key(), seen)
		collect(t.Elem(), seen)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		collect(t.Elem(), seen)
	case reflect.Struct:
		if t == timeType || t == bigIntType {
			return
		}
		for f := range t.Fields() {
			if f.IsExported() || f.Anonymous {
				collect(f.Type, seen)
			}
		}
	}
}

// read finds and parses packages, with their tests or without.
func (s *source) read(dir string, paths []string, tests bool) {
	byPattern := make(map[string]string, len(paths))
	var patterns []string
	for _, path := range paths {
		pattern := path
		if path == "main" {
			pattern = mainPath()
		}
		if tests {
			pattern = strings.TrimSuffix(pattern, "_test")
		}
		byPattern[pattern] = path
		patterns = append(patterns, pattern)
	}
	if len(patterns) == 0 {
		return
	}
	fset := token.NewFileSet()
	found, err := packages.Load(&packages.Config{
		Mode:  packages.NeedName | packages.NeedFiles | packages.NeedModule,
		Dir:   dir,
		Tests: tests,
	}, slices.Compact(patterns)...)
	if err != nil {
		return
	}
	for _, p := range found {
		path := p.PkgPath
		if p.Name == "main" && slices.Contains(paths, "main") && (byPattern[path] == "main" || byPattern["."] == "main") {
			path = "main"
		}
		if !slices.Contains(paths, path) || len(p.GoFiles) == 0 {
			continue
		}
		if old := s.packages[path]; old != nil && len(old.files) >= len(p.GoFiles) {
			continue // with its tests it has more
		}
		s.packages[path] = parse(fset, path, p)
	}
}

func parse(fset *token.FileSet, path string, found *packages.Package) *pkg {
	p := &pkg{path: path, standard: found.Module == nil && path != "main", fset: fset, types: make(map[string][]*typeDecl)}
	for _, name := range slices.Sorted(slices.Values(found.GoFiles)) {
		f, _ := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if f == nil {
			continue
		}
		p.files = append(p.files, f)
		for _, d := range f.Decls {
			_, local := d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool {
				if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE {
					p.add(d, local)
				}
				return true
			})
		}
	}
	for _, all := range p.types { // those of the package first
		slices.SortStableFunc(all, func(a, b *typeDecl) int { return compareBool(a.local, b.local) })
	}
	return p
}

func (p *pkg) add(d *ast.GenDecl, local bool) {
	for _, spec := range d.Specs {
		spec := spec.(*ast.TypeSpec)
		doc := spec.Doc
		if doc == nil && !d.Lparen.IsValid() {
			doc = d.Doc
		}
		if doc == nil {
			doc = spec.Comment
		}
		p.types[spec.Name.Name] = append(p.types[spec.Name.Name], &typeDecl{text(doc), spec, local})
	}
}

// text returns what a comment says. The lines of a /* comment may be indented.
func text(c *ast.CommentGroup) string {
	all := strings.TrimSpace(c.Text())
	if c == nil || !strings.HasPrefix(c.List[0].Text, "/*") {
		return all
	}
	lines := strings.Split(all, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimLeft(lines[i], " \t"), "* ")
	}
	return strings.Join(lines, "\n")
}

// mainPath returns the path of the package main of this program.
func mainPath() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" || info.Path == "command-line-arguments" {
		return "."
	}
	return info.Path
}

// baseName returns the name of a type without its arguments.
func baseName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

// decl returns the declaration of a type, or nil if it is not known which one it is.
// Reflection does not tell types in functions from those of the package, but their fields
// may.
func (s *source) decl(t reflect.Type) *typeDecl {
	p := s.packages[t.PkgPath()]
	if p == nil || !isDefined(t) {
		return nil
	}
	var found *typeDecl
	for _, d := range p.types[baseName(t)] {
		if t.Kind() == reflect.Struct && !isOf(p.resolve(d.spec.Type), t) {
			continue
		}
		if !d.local {
			return d
		}
		if found != nil {
			return nil
		}
		found = d
	}
	return found
}

// resolve follows the names of types of the same package.
func (p *pkg) resolve(e ast.Expr) ast.Expr {
	for range 10 {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
			continue
		case *ast.IndexExpr:
			e = x.X
			continue
		case *ast.IndexListExpr:
			e = x.X
			continue
		case *ast.Ident:
			if all := p.types[x.Name]; len(all) > 0 && !all[0].local {
				e = all[0].spec.Type
				continue
			}
		}
		break
	}
	return e
}

// isOf reports whether an expression may be that of a struct: it has the same fields, or
// it is that of a type from elsewhere.
func isOf(e ast.Expr, t reflect.Type) bool {
	st, ok := e.(*ast.StructType)
	if !ok {
		_, elsewhere := e.(*ast.SelectorExpr)
		return elsewhere
	}
	i := 0
	for _, f := range st.Fields.List {
		for _, name := range fieldNames(f) {
			if i == t.NumField() || t.Field(i).Name != name {
				return false
			}
			i++
		}
	}
	return i == t.NumField()
}

// fieldNames returns the names that a line of a struct declares.
func fieldNames(f *ast.Field) []string {
	if len(f.Names) == 0 {
		return []string{embeddedName(f.Type)}
	}
	names := make([]string, len(f.Names))
	for i, n := range f.Names {
		names[i] = n.Name
	}
	return names
}

func embeddedName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return embeddedName(e.X)
	case *ast.ParenExpr:
		return embeddedName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return embeddedName(e.X)
	case *ast.IndexListExpr:
		return embeddedName(e.X)
	}
	return ""
}

// doc returns the comment of a type.
func (s *source) doc(t reflect.Type) string {
	if d := s.decl(t); d != nil {
		return d.doc
	}
	return ""
}

// expr returns what a type is declared as, or nil.
func (s *source) expr(t reflect.Type) ast.Expr {
	if d := s.decl(t); d != nil {
		return s.packages[t.PkgPath()].resolve(d.spec.Type)
	}
	return nil
}

// field returns the declaration of a field of a struct that has a name.
func (s *source) field(owner reflect.Type, name string) fieldDecl {
	return s.inlineField(s.expr(owner), name)
}

// inlineField returns that of one that has not.
func (s *source) inlineField(e ast.Expr, name string) fieldDecl {
	st, ok := e.(*ast.StructType)
	if !ok {
		return fieldDecl{}
	}
	for _, f := range st.Fields.List {
		if slices.Contains(fieldNames(f), name) {
			doc := text(f.Doc)
			if doc == "" {
				doc = text(f.Comment)
			}
			return fieldDecl{doc, f.Type}
		}
	}
	return fieldDecl{}
}

// unstar returns what a pointer points to.
func unstar(e ast.Expr) ast.Expr {
	if star, ok := e.(*ast.StarExpr); ok {
		return star.X
	}
	return nil
}

// elemExpr returns what a list or map has.
func elemExpr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ArrayType:
		return e.Elt
	case *ast.MapType:
		return e.Value
	}
	return nil
}
