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
	"slices"
	"strings"
	"testing"
)

// guides are the files whose Go examples must compile, and a package of the module that
// has what they use.
var guides = []struct{ file, dir, pkg string }{
	{"from-node.md", ".", "docs"},
	{"troubleshooting.md", ".", "docs"},
	{"scaling.md", "../examples/cluster", "main"},
	{"adminui.md", "../examples/adminui", "main"},
	{"opentelemetry.md", "../metrics/otel", "siootel"},
	{"observability.md", "../metrics/prometheus", "sioprometheus"},
	{"contract.md", "../contract/internal/shop", "shop"},
	{"asyncapi.md", "../contract/internal/shop", "shop"},
}

// prelude is what the examples may use without declaring it.
const prelude = `
type (
	Message struct{ Room, Text string }
	Receipt struct{ Status string }
	User    struct{ Name string; Admin bool }
)

func verify(token string) (User, error) { return User{}, nil }
func save(m Message) error              { return nil }
`

// arguments are what an example of statements may use, as parameters of the function that it
// is put into, and imports what it may need.
var arguments = []string{"ctx context.Context", "e *echo.Echo", "srv *sio.Server", "chat *sio.Namespace", "c *sio.Context", "socket *sio.Socket", "cl *cluster.Cluster", "t *testing.T", "tracer *siootel.Tracer"}

// argumentsOf returns those that an example uses: not every module has all of their types.
func argumentsOf(example string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(arguments), func(a string) bool {
		name, _, _ := strings.Cut(a, " ")
		return !regexp.MustCompile(`\b` + name + `\b`).MatchString(example)
	}), ", ")
}

var imports = map[string]string{
	"context": "context", "embed": "embed", "errors": "errors", "expvar": "expvar", "fmt": "fmt", "http": "net/http", "net": "net", "log": "log", "slog": "log/slog", "os": "os",
	"regexp": "regexp", "strings": "strings", "testing": "testing", "time": "time", "tls": "crypto/tls",
	"echo": "github.com/labstack/echo/v4", "middleware": "github.com/labstack/echo/v4/middleware", "zerolog": "github.com/rs/zerolog",
	"sio": "github.com/siokit/sio", "contract": "github.com/siokit/sio/contract", "socketio": "github.com/siokit/sio/socketio", "engineio": "github.com/siokit/sio/engineio",
	"parser": "github.com/siokit/sio/socketio/parser", "msgpack": "github.com/siokit/sio/socketio/parser/msgpack", "siotest": "github.com/siokit/sio/siotest", "sioecho": "github.com/siokit/sio/adapters/echo",
	"cluster": "github.com/siokit/sio/cluster", "wire": "github.com/siokit/sio/cluster/wire", "emitter": "github.com/siokit/sio/emitter", "presence": "github.com/siokit/sio/presence", "adminui": "github.com/siokit/sio/adminui",
	"redis": "github.com/siokit/sio/cluster/redis", "rueidis": "github.com/redis/rueidis",
	"siootel": "github.com/siokit/sio/metrics/otel", "otel": "go.opentelemetry.io/otel", "trace": "go.opentelemetry.io/otel/trace", "propagation": "go.opentelemetry.io/otel/propagation",
	"sdkmetric": "go.opentelemetry.io/otel/sdk/metric", "otelhttp": "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
	"sioprometheus": "github.com/siokit/sio/metrics/prometheus", "prometheus": "github.com/prometheus/client_golang/prometheus",
	"collectors": "github.com/prometheus/client_golang/prometheus/collectors", "promhttp": "github.com/prometheus/client_golang/prometheus/promhttp",
	"nats": "github.com/siokit/sio/cluster/nats", "embedded": "github.com/siokit/sio/cluster/nats/embedded", "natsgo": "github.com/nats-io/nats.go",
}

var block = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

// TestExamplesCompile compiles every Go example of the guides, each as its reader
// would: as statements of a handler, or as declarations.
func TestExamplesCompile(t *testing.T) {
	for _, g := range guides {
		t.Run(g.file, func(t *testing.T) { compile(t, g.file, g.dir, g.pkg+"_test") })
	}
}

// compile compiles the examples of a guide, as if they were tests in a folder, of a
// package of their own.
func compile(t *testing.T, guide, folder, pkg string) {
	dir := t.TempDir()
	overlay := make(map[string]string)
	add := func(name, source string) {
		real := filepath.Join(dir, name)
		if err := os.WriteFile(real, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
		virtual, err := filepath.Abs(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		overlay[virtual] = real
	}
	add("prelude_test.go", "package "+pkg+"\n"+prelude)
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	found := block.FindAllSubmatchIndex(text, -1)
	if len(found) == 0 {
		t.Fatal("no examples")
	}
	for i, at := range found {
		line := 1 + strings.Count(string(text[:at[2]]), "\n")
		source, err := compilable(pkg, fmt.Sprintf("example%d", i), string(text[at[2]:at[3]]), guide, line)
		if err != nil {
			t.Errorf("%s:%d: %v", guide, line, err)
			continue
		}
		add(fmt.Sprintf("guide_%d_test.go", i), source)
	}
	file := filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.Command("go", "vet", "-overlay", file, ".")
	vet.Dir = folder
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// compilable makes a file of an example. Errors of the compiler will name the
// guide's own lines.
func compilable(pkg, name, example, guide string, line int) (string, error) {
	var head strings.Builder
	fmt.Fprintf(&head, "package %s\n", pkg)
	fset := token.NewFileSet()
	tail := ""
	path, err := filepath.Abs(guide)
	if err != nil {
		return "", err
	}
	body := fmt.Sprintf("//line %s:%d\n%s", path, line, example)
	if _, err := parser.ParseFile(fset, "", "package docs\n"+body, parser.SkipObjectResolution); err != nil {
		// In a block of their own: they may declare what the parameters are.
		statements := "package docs\nfunc " + name + "(" + argumentsOf(body) + ") {\n{\n" + body + "}\n}\n"
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
		body = "func " + name + "(" + argumentsOf(body) + ") {\n{\n" + body + tail + "}\n}\n"
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

// TestFeaturesAreTested looks up every test that the tables of features name. Each row
// names one, or says why the feature is left out.
func TestFeaturesAreTested(t *testing.T) {
	tests := allTests(t)
	rows(t, "features.md", func(at string, cells []string, shown string) {
		named := tests.check(t, at, shown)
		if left := strings.HasPrefix(cells[1], "left out: "); left != (shown == "–") || left == (named > 0) {
			t.Errorf("%s: %d tests of what is %q", at, named, cells[1])
		}
	})
}

// TestGuidesAreTested looks up every test that the other guides name. Each row names one.
func TestGuidesAreTested(t *testing.T) {
	tests := allTests(t)
	for _, guide := range []string{"scaling.md", "reliability.md", "opentelemetry.md"} {
		rows(t, guide, func(at string, _ []string, shown string) {
			if tests.check(t, at, shown) == 0 {
				t.Errorf("%s: no test is named", at)
			}
		})
	}
}

// rows calls f with each row of a guide's tables that say by what it is shown, in their
// last column, and with where the row is.
func rows(t *testing.T, guide string, f func(at string, cells []string, shown string)) {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var head []string
	for i, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		last := strings.TrimSpace(cells[len(cells)-1])
		switch {
		case !strings.HasPrefix(line, "|"):
			head = nil
		case head == nil:
			head = cells
		case strings.HasPrefix(line, "| ---") || strings.TrimSpace(head[len(head)-1]) != "shown by":
		case len(cells) != len(head):
			t.Errorf("%s:%d: %d cells, want %d", guide, i+1, len(cells), len(head))
		default:
			n++
			for i, c := range cells {
				cells[i] = strings.TrimSpace(c)
			}
			f(fmt.Sprintf("%s:%d", guide, i+1), cells, last)
		}
	}
	if n == 0 {
		t.Errorf("%s has no tables that say by what something is shown", guide)
	}
}

// The tests that there are.
type tests struct {
	functions map[string]bool // in Go
	python    string          // source
}

func allTests(t *testing.T) tests {
	t.Helper()
	python, err := os.ReadFile(filepath.Join("..", "interop", "python", "test_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	return tests{goTests(t), string(python)}
}

// check looks up every test that a text names, and returns how many those are: a Go
// function, one of package sio if no package stands in front; the title of a test of the
// official JavaScript client, or of the suite of brokers, behind its file; or a test of
// the Python client.
func (tests tests) check(t *testing.T, at, shown string) (named int) {
	t.Helper()
	for _, m := range goTest.FindAllStringSubmatch(shown, -1) {
		named++
		if !tests.functions[m[1]] {
			t.Errorf("%s: there is no %s", at, m[1])
		}
	}
	for _, m := range pythonTest.FindAllStringSubmatch(shown, -1) {
		named++
		if !strings.Contains(tests.python, "def "+m[1]+"(self)") {
			t.Errorf("%s: there is no %s in python/test_client.py", at, m[1])
		}
	}
	for _, m := range titledTests.FindAllStringSubmatch(shown, -1) {
		file := filepath.Join("..", m[1])
		if strings.HasSuffix(m[1], ".mjs") {
			file = filepath.Join("..", "interop", m[1])
		}
		source, err := os.ReadFile(file)
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
	goTest      = regexp.MustCompile("`((?:\\w+\\.)?(?:Test|Example|Fuzz)\\w*)`")
	pythonTest  = regexp.MustCompile("`(test_\\w+)`")
	titledTests = regexp.MustCompile("`([\\w/]+\\.(?:test\\.mjs|go))`: (“[^”]+”(?:, “[^”]+”)*)")
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
