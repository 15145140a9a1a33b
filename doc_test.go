package sio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"testing"

	"github.com/siokit/sio"
)

// go doc shows no methods of an alias: its comment names them all.
func TestAliasesNameTheirMethods(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "socket.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := make(map[string]string)
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Assign.IsValid() {
			comments[spec.Name.Name] = spec.Doc.Text()
		}
		return true
	})
	for _, typ := range []reflect.Type{
		reflect.TypeFor[sio.Socket](), reflect.TypeFor[sio.Target](), reflect.TypeFor[sio.Args](), reflect.TypeFor[sio.Emission](),
		reflect.TypeFor[sio.Answer](), reflect.TypeFor[sio.RemoteSocket](), reflect.TypeFor[sio.Handshake](),
	} {
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
		for _, name := range names {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(comments[typ.Name()]) {
				t.Errorf("the comment of %s does not name %s", typ.Name(), name)
			}
		}
	}
}
