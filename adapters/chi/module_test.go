package siochi_test

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An application that imports this adapter needs no other framework: none is
// required in its go.mod or has a checksum in its go.sum for its code, and none
// is in its binary.
func TestApplicationModule(t *testing.T) {
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", `module app.example/app

go 1.26

require github.com/siokit/sio v0.0.0

replace github.com/siokit/sio => `+module+"\n")
	write("main.go", `package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/siokit/sio"
	siochi "github.com/siokit/sio/adapters/chi"
)

func main() {
	r := chi.NewRouter()
	siochi.Register(r, "/socket.io", sio.New(nil))
	_ = http.ListenAndServe("localhost:0", r)
}
`)
	sums, err := os.ReadFile(filepath.Join(module, "go.sum")) // so that nothing is looked up
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums))
	for _, args := range [][]string{{"mod", "tidy"}, {"build", "-o", "app", "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}

	foreign := func(where, line string) {
		t.Helper()
		for _, other := range []string{"labstack/", "gin-gonic/", "gin-contrib/"} {
			if strings.Contains(line, other) {
				t.Errorf("%s has %s", where, line)
			}
		}
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		foreign("go.mod", line)
	}
	if !strings.Contains(string(mod), "github.com/go-chi/chi/v5 ") {
		t.Errorf("go.mod has no chi:\n%s", mod)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sum)) {
		if !strings.Contains(line, "/go.mod ") {
			foreign("go.sum", line)
		}
	}
	info, err := buildinfo.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range info.Deps {
		foreign("the binary", dep.Path)
	}
	t.Logf("the binary has %d modules", len(info.Deps))
}
