// Package docs has no code: its test compiles the examples of the guides.
package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guides are the files whose Go examples must compile.
var guides = []string{"from-node.md"}

// prelude is what the examples may use without declaring it.
const prelude = `package docs

type (
	Message struct{ Room, Text string }
	Receipt struct{ Status string }
	User    struct{ Name string; Admin bool }
)

func verify(token string) (User, error) { return User{}, nil }
func save(m Message) error              { return nil }
`

// arguments are the parameters of the function that an example of statements is put
// into, and imports what it may need.
const arguments = `ctx context.Context, e *echo.Echo, srv *sio.Server, chat *sio.Namespace, c *sio.Context, socket *sio.Socket, t *testing.T`

var imports = map[string]string{
	"context": "context", "embed": "embed", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "os": "os",
	"regexp": "regexp", "strings": "strings", "testing": "testing", "time": "time",
	"echo": "github.com/labstack/echo/v4", "middleware": "github.com/labstack/echo/v4/middleware", "zerolog": "github.com/rs/zerolog",
	"sio": "github.com/siokit/sio", "socketio": "github.com/siokit/sio/socketio", "engineio": "github.com/siokit/sio/engineio",
	"parser": "github.com/siokit/sio/socketio/parser", "msgpack": "github.com/siokit/sio/socketio/parser/msgpack", "siotest": "github.com/siokit/sio/siotest", "sioecho": "github.com/siokit/sio/adapters/echo",
}

var block = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestExamplesCompile compiles every Go example of the guides, each as its reader
// would: as statements of a handler, or as declarations.
func TestExamplesCompile(t *testing.T) {
	dir := t.TempDir()
	overlay := make(map[string]string)
	add := func(name, source string) {
		real := filepath.Join(dir, name)
		if err := os.WriteFile(real, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		virtual, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		overlay[virtual] = real
	}
	add("prelude.go", prelude)
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		found := block.FindAllSubmatchIndex(text, -1)
		if len(found) == 0 {
			t.Fatalf("%s has no examples", guide)
		}
		for i, at := range found {
			line := 1 + strings.Count(string(text[:at[2]]), "\n")
			source, err := compilable(fmt.Sprintf("example%d", i), string(text[at[2]:at[3]]), guide, line)
			if err != nil {
				t.Errorf("%s:%d: %v", guide, line, err)
				continue
			}
			add(fmt.Sprintf("%s_%d.go", strings.TrimSuffix(guide, ".md"), i), source)
		}
	}
	file := filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", "-overlay", file, ".").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// compilable makes a file of an example. Errors of the compiler will name the
// guide's own lines.
func compilable(name, example, guide string, line int) (string, error) {
	var head strings.Builder
	head.WriteString("package docs\n")
	fset := token.NewFileSet()
	tail := ""
	path, err := filepath.Abs(guide)
	if err != nil {
		return "", err
	}
	body := fmt.Sprintf("//line %s:%d\n%s", path, line, example)
	if _, err := parser.ParseFile(fset, "", "package docs\n"+body, parser.SkipObjectResolution); err != nil {
		// In a block of their own: they may declare what the parameters are.
		statements := "package docs\nfunc " + name + "(" + arguments + ") {\n{\n" + body + "}\n}\n"
		f, err := parser.ParseFile(fset, "", statements, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		// What an example leaves for its reader to use is used.
		for _, s := range f.Decls[0].(*ast.FuncDecl).Body.List[0].(*ast.BlockStmt).List {
			if a, ok := s.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
				for _, left := range a.Lhs {
					if id := left.(*ast.Ident).Name; id != "_" {
						tail += "\t_ = " + id + "\n"
					}
				}
			}
		}
		body = "func " + name + "(" + arguments + ") {\n{\n" + body + tail + "}\n}\n"
	}
	f, err := parser.ParseFile(fset, "", "package docs\n"+body, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	used := make(map[string]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				used[id.Name] = true
			}
		}
		return true
	})
	for pkg, path := range imports {
		if used[pkg] {
			fmt.Fprintf(&head, "import %s %q\n", pkg, path)
		}
	}
	return head.String() + body, nil
}

// TestFeaturesAreTested looks up every test that the tables of features name: a Go
// function, one of package sio if no package stands in front; the title of a test
// of the official JavaScript client behind its file; or a test of the Python one.
// Each row names one, or says why the feature is left out.
func TestFeaturesAreTested(t *testing.T) {
	text, err := os.ReadFile("features.md")
	if err != nil {
		t.Fatal(err)
	}
	known := knownTests(t)
	rows, first := 0, true
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") {
			first = true
			continue
		}
		if first || strings.HasPrefix(line, "| ---") {
			first = false
			continue // the head of a table
		}
		rows++
		at := fmt.Sprintf("features.md:%d", i+1)
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 3 {
			t.Errorf("%s: %d cells, want 3", at, len(cells))
			continue
		}
		shown := cells[2]
		named := known.check(t, at, shown)
		if left := strings.HasPrefix(cells[1], "left out: "); left != (shown == "–") || left == (named > 0) {
			t.Errorf("%s: %d tests of what is %q", at, named, cells[1])
		}
	}
	if rows == 0 {
		t.Error("features.md names no tests")
	}
}

// TestClusterIsTested looks up the tests that the matrix of Node and Go servers names in
// its last column.
func TestClusterIsTested(t *testing.T) {
	text, err := os.ReadFile("scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	known := knownTests(t)
	rows, matrix := 0, false
	for i, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("scaling.md:%d", i+1)
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case !strings.HasPrefix(line, "|"):
			matrix = false
		case cells[len(cells)-1] == "shown by":
			matrix = true
		case matrix && !strings.HasPrefix(line, "| ---"):
			rows++
			if len(cells) != 5 || known.check(t, at, cells[len(cells)-1]) == 0 {
				t.Errorf("%s: %d cells, want 5, the last of which names tests", at, len(cells))
			}
		}
	}
	if rows == 0 {
		t.Error("scaling.md names no tests")
	}
}

// tests are those that guides may name.
type tests struct {
	golang map[string]bool
	python string
}

func knownTests(t *testing.T) tests {
	t.Helper()
	python, err := os.ReadFile(filepath.Join("..", "interop", "python", "test_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	return tests{goTests(t), string(python)}
}

// check looks up the tests that a cell names, and returns how many they are.
func (known tests) check(t *testing.T, at, cell string) int {
	t.Helper()
	named := 0
	for _, m := range goTest.FindAllStringSubmatch(cell, -1) {
		named++
		if !known.golang[m[1]] {
			t.Errorf("%s: there is no %s", at, m[1])
		}
	}
	for _, m := range pythonTest.FindAllStringSubmatch(cell, -1) {
		named++
		if !strings.Contains(known.python, "def "+m[1]+"(self)") {
			t.Errorf("%s: there is no %s in python/test_client.py", at, m[1])
		}
	}
	for _, m := range nodeTests.FindAllStringSubmatch(cell, -1) {
		source, err := os.ReadFile(filepath.Join("..", "interop", m[1]))
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		for title := range strings.SplitSeq(strings.Trim(m[2], "“”"), "”, “") {
			named++
			if !strings.Contains(string(source), `"`+title+`"`) && !strings.Contains(string(source), "`"+title+"`") {
				t.Errorf("%s: there is no test %q in %s", at, title, m[1])
			}
		}
	}
	return named
}

var (
	goTest     = regexp.MustCompile("`((?:\\w+\\.)?(?:Test|Example|Fuzz)\\w*)`")
	pythonTest = regexp.MustCompile("`(test_\\w+)`")
	nodeTests  = regexp.MustCompile("`([\\w/]+\\.test\\.mjs)`: (“[^”]+”(?:, “[^”]+”)*)")
)

// goTests returns the names of all tests, those that are not of package sio behind
// the name of their folder.
func goTests(t *testing.T) map[string]bool {
	t.Helper()
	defined := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Example|Fuzz)\w*)\(`)
	walk(t, func(file string) {
		if !strings.HasSuffix(file, "_test.go") {
			return
		}
		prefix := ""
		if dir := path.Dir(file); dir != ".." {
			prefix = path.Base(dir) + "."
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range function.FindAllSubmatch(source, -1) {
			defined[prefix+string(m[1])] = true
		}
	})
	return defined
}

// walk calls f with the path of every file of the repository, from here and with
// slashes, but for what is installed into it.
func walk(t *testing.T, f func(file string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			f(filepath.ToSlash(file))
		case d.Name() == "node_modules" || d.Name() == ".venv" || d.Name() == ".bin" || d.Name() == ".git":
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
