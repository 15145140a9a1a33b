package model

import (
	"cmp"
	"errors"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"slices"
)

// A constantDecl is the declaration of a constant.
type constantDecl struct {
	name  string
	doc   string
	value constant.Value
	pos   token.Position
}

// constants returns those that make a type an enumeration, in the order of the source:
// the exported ones, or all if none is. Bits, written with <<, are none, nor is what
// Go itself has: a time.Duration is not one of nanosecond, microsecond and so on.
func (s *source) constants(t reflect.Type) []constantDecl {
	p := s.packages[t.PkgPath()]
	if p == nil || p.standard || !isDefined(t) || t.Kind() == reflect.Struct {
		return nil
	}
	if d := s.decl(t); d == nil || d.local {
		return nil
	}
	if p.consts == nil {
		p.findConstants()
	}
	all := p.consts[t.Name()]
	if i := slices.IndexFunc(all, func(c constantDecl) bool { return c.value == nil }); i >= 0 {
		return nil
	}
	if exported := slices.DeleteFunc(slices.Clone(all), func(c constantDecl) bool { return !token.IsExported(c.name) }); len(exported) > 0 {
		return exported
	}
	return all
}

// findConstants evaluates the constants of a package. Other packages are not looked at:
// the value of a constant that needs them is nil.
func (p *pkg) findConstants() {
	p.consts = make(map[string][]constantDecl)
	info := &types.Info{Defs: make(map[*ast.Ident]types.Object)}
	conf := types.Config{
		Importer:         noImporter{},
		Error:            func(error) {}, // what is not understood is not needed
		IgnoreFuncBodies: true,
		FakeImportC:      true,
	}
	_, _ = conf.Check(p.path, p.fset, p.files, info)
	for _, f := range p.files {
		for _, d := range f.Decls {
			d, ok := d.(*ast.GenDecl)
			if !ok || d.Tok != token.CONST {
				continue
			}
			var values []ast.Expr // repeated where there are none
			for _, spec := range d.Specs {
				spec := spec.(*ast.ValueSpec)
				if len(spec.Values) > 0 {
					values = spec.Values
				}
				for i, name := range spec.Names {
					c, ok := info.Defs[name].(*types.Const)
					if !ok || name.Name == "_" {
						continue
					}
					named, ok := c.Type().(*types.Named)
					if !ok || named.Obj().Pkg() != c.Pkg() {
						continue
					}
					one := constantDecl{name: name.Name, doc: text(spec.Doc), value: c.Val(), pos: p.fset.Position(name.Pos())}
					if one.doc == "" {
						one.doc = text(spec.Comment)
					}
					if one.doc == "" && !d.Lparen.IsValid() {
						one.doc = text(d.Doc)
					}
					if one.value.Kind() == constant.Unknown || i < len(values) && shifts(values[i]) {
						one.value = nil
					}
					p.consts[named.Obj().Name()] = append(p.consts[named.Obj().Name()], one)
				}
			}
		}
	}
	for _, all := range p.consts {
		slices.SortFunc(all, func(a, b constantDecl) int {
			return cmp.Or(cmp.Compare(a.pos.Filename, b.pos.Filename), cmp.Compare(a.pos.Offset, b.pos.Offset))
		})
	}
}

// shifts reports whether an expression has a <<.
func shifts(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		b, ok := n.(*ast.BinaryExpr)
		found = found || ok && b.Op == token.SHL
		return !found
	})
	return found
}

// noImporter finds no package.
type noImporter struct{}

func (noImporter) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }
