package main

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/modfile"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"siogen": main}) }

// TestScripts runs siogen in modules of users, with the real go command. A module
// without a go.mod gets one that requires sio of this checkout, and nothing more.
func TestScripts(t *testing.T) {
	t.Parallel()
	module := userModule(t)
	env := goEnv(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			e.Setenv("MODULE", module)
			e.Setenv("SIO", root(t))
			siogen, err := exec.LookPath("siogen")
			if err != nil {
				return err
			}
			e.Setenv("SIOGEN", filepath.Dir(siogen))
			if _, err := os.Stat(filepath.Join(e.WorkDir, "go.mod")); err == nil {
				return nil
			}
			return os.CopyFS(e.WorkDir, os.DirFS(module))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// code n program args…: the program is to end with an exit code.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec(args[1], args[2:]...)
				if got := exitCode(err); got != args[0] {
					ts.Fatalf("exit code %s, want %s", got, args[0])
				}
			},
			// crlf file…: as Git checks files out on Windows.
			"crlf": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, name := range args {
					text := strings.ReplaceAll(ts.ReadFile(name), "\n", "\r\n")
					ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
				}
			},
		},
	})
}

func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	return strings.TrimPrefix(err.Error(), "exit status ")
}

// userModule returns a directory with the go.mod of somebody who uses sio, and a go.sum.
func userModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/user\n\ngo 1.26.0\n\nrequire github.com/siokit/sio v0.0.0\n\nreplace github.com/siokit/sio => "+root(t)+"\n")
	write(t, dir, "user.go", "package user\n\nimport _ \"github.com/siokit/sio\"\n")
	cmd := exec.Command("go", "mod", "tidy")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
	if err := os.Remove(filepath.Join(dir, "user.go")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// goEnv returns what Go needs of the environment, which scripts don't have.
func goEnv(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return append(env, "GOFLAGS=")
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInterrupt: Ctrl-C ends the server, too.
func TestInterrupt(t *testing.T) {
	dir := userModule(t)
	write(t, dir, "server.go", `package server

import "github.com/siokit/sio"

func New() *sio.Server {
	println("waiting")
	select {}
}
`)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: []string{"siogen", "-timeout", "1h", "-o", "-"}, Dir: dir}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var last string
	for s := bufio.NewScanner(r); s.Scan(); { // until nobody has the pipe any more
		if last = s.Text(); last == "waiting" {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); exitCode(err) != "1" || last != "siogen: interrupted" {
		t.Errorf("%v, %q", err, last)
	}
}

// TestGoVersion: a workspace with package contract is of a Go that is new enough for it.
func TestGoVersion(t *testing.T) {
	b, err := os.ReadFile("../../contract/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.ParseLax("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if mod.Go.Version != goVersion {
		t.Errorf("goVersion is %s, and contract/go.mod has %s", goVersion, mod.Go.Version)
	}
}
