package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestVersion runs siogen as a user has it who has nothing but the network: by its
// version, and as a tool. The network is a directory that has this checkout as a
// release, and what Go has downloaded so far.
func TestVersion(t *testing.T) {
	t.Parallel()
	const version = "v0.999.0"
	proxy := t.TempDir()
	for path, dir := range map[string]string{sioPath: ".", contractPath: "contract", commandPath: "cmd/siogen"} {
		release(t, proxy, module.Version{Path: path, Version: version}, filepath.Join(root(t), filepath.FromSlash(dir)))
	}
	env := append(os.Environ(), goEnv(t)...)
	cache := lookup(env, "GOMODCACHE")
	env = append(env,
		"GOPROXY="+fileURL(proxy)+","+fileURL(filepath.Join(cache, "cache", "download"))+","+lookup(env, "GOPROXY"),
		"GOMODCACHE="+t.TempDir(),
		"GOFLAGS=-modcacherw -trimpath", // so that it can be removed, and that what is compiled is the same each time
		"GOSUMDB=off", "GOWORK=")

	user := t.TempDir()
	run := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env = user, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(user, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	run("go", "mod", "init", "example.com/user")
	write(t, user, "server.go", `package user

import "github.com/siokit/sio"

//go:generate go tool siogen -o tool.ts

func New() *sio.Server {
	s := sio.New(nil)
	sio.On(s, "join", func(*sio.Context, Join) error { return nil })
	return s
}

// Join has a comment.
type Join struct{}
`)
	run("go", "get", sioPath+"@"+version)
	before := read("go.mod") + read("go.sum")
	run("go", "run", commandPath+"@"+version, "-o", "run.ts")
	if after := read("go.mod") + read("go.sum"); after != before {
		t.Errorf("go.mod and go.sum have been changed:\n%s", after)
	}
	if got := read("run.ts"); !strings.Contains(got, "join: (arg: Join)") || !strings.Contains(got, "Join has a comment") {
		t.Errorf("run.ts:\n%s", got)
	}

	write(t, user, "run.ts.first", read("run.ts"))
	write(t, user, "run.ts", "")
	check := func() {
		t.Helper()
		cmd := exec.Command("go", "run", commandPath+"@"+version, "-check", "-o", "run.ts")
		cmd.Dir, cmd.Env = user, env
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "\n\tgo run "+commandPath+"@"+version+" -o run.ts\n") {
			t.Errorf("-check says\n%s", out)
		}
	}
	check()
	run("go", "get", contractPath+"@"+version) // for a test that calls it: siogen is not there yet
	check()

	run("go", "get", "-tool", commandPath+"@"+version)
	run("go", "mod", "vendor")
	run("go", "generate", ".")
	if got := read("tool.ts"); got != read("run.ts.first") {
		t.Errorf("the tool writes\n%s", got)
	}
}

// release puts a directory into a proxy's, as a version of a module. As in a release,
// modules require each other by this version, and replace nothing.
func release(t *testing.T, proxy string, m module.Version, dir string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Clone(mod.Require) {
		if r.Mod.Path == sioPath || strings.HasPrefix(r.Mod.Path, sioPath+"/") {
			if err := mod.AddRequire(r.Mod.Path, m.Version); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, r := range slices.Clone(mod.Replace) {
		if err := mod.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			t.Fatal(err)
		}
	}
	mod.Cleanup()
	if b, err = mod.Format(); err != nil {
		t.Fatal(err)
	}

	files := []zip.File{file{path: "go.mod", data: b}}
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil || name == "." {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(p, "go.mod"))
			if err == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		switch ext := filepath.Ext(name); {
		case ext == ".go" && !strings.HasSuffix(name, "_test.go"), ext == ".tmpl", ext == ".html", ext == ".css", ext == ".js":
			data, err := os.ReadFile(p)
			files = append(files, file{path: filepath.ToSlash(name), data: data})
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	at := filepath.Join(proxy, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	if err := zip.Create(&z, m, files); err != nil {
		t.Fatal(err)
	}
	write(t, at, "list", m.Version+"\n")
	write(t, at, m.Version+".info", `{"Version":"`+m.Version+`"}`)
	write(t, at, m.Version+".mod", string(b))
	write(t, at, m.Version+".zip", z.String())
}

// A file is one of a release.
type file struct {
	fs.FileInfo
	path string
	data []byte
}

func (f file) Path() string                 { return f.path }
func (f file) Lstat() (fs.FileInfo, error)  { return f, nil }
func (f file) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }
func (f file) Name() string                 { return path.Base(f.path) }
func (f file) Size() int64                  { return int64(len(f.data)) }
func (f file) Mode() fs.FileMode            { return 0o644 }
func (f file) IsDir() bool                  { return false }

func lookup(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}

func fileURL(dir string) string {
	return "file:///" + strings.TrimPrefix(filepath.ToSlash(dir), "/")
}
