package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const (
	sioPath      = "github.com/siokit/sio"
	contractPath = sioPath + "/contract"
	commandPath  = sioPath + "/cmd/siogen"
)

// A project is the package whose server it is, and how Go is run for it.
type project struct {
	listed
	dir     string            // where Go is run
	pattern string            // the package, as Go is told there
	env     []string          // of Go, and of the server
	flags   []string          // GOFLAGS
	overlay map[string]string // what GOFLAGS has Go see in place of files
	temp    string            // directory that close removes
	added   bool              // the module does not have package contract: it is in a workspace of ours
	foreign bool              // the module does not have this command
	stderr  io.Writer
}

// listed is what go list tells of a package.
type listed struct {
	Name, ImportPath, Dir     string
	GoFiles, CgoFiles         []string
	TestGoFiles, XTestGoFiles []string
	Error                     *listError
	DepsErrors                []*listError
	Module                    *struct {
		Path    string
		Main    bool
		Replace *struct{ Path, Version string }
	}
}

type listError struct{ Pos, Err string }

// load looks the package up. Its project is to be closed.
func (c *command) load(ctx context.Context) (_ *project, err error) {
	p := &project{pattern: c.pkg, stderr: c.stderr}
	// A directory may be of another module than the current one, or of none.
	if isDirectory(c.pkg) {
		p.dir, p.pattern = c.pkg, "."
		if strings.Contains(c.pkg, "...") {
			return nil, fmt.Errorf("%s: one package at a time; %w", c.pkg, errUsage)
		}
		if info, err := os.Stat(c.pkg); err != nil {
			return nil, err
		} else if !info.IsDir() {
			return nil, fmt.Errorf("%s is a file: give the directory of the package; %w", c.pkg, errUsage)
		}
	}
	if p.temp, err = os.MkdirTemp("", "siogen-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()

	var env struct{ GOFLAGS, GOMOD, GOWORK string }
	out, err := p.output(ctx, "env", "-json", "GOFLAGS", "GOMOD", "GOWORK")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, err
	}
	// It is for this machine, go.mod is not to be written to, and what finds the
	// comments in the sources is to see the same files.
	p.flags = strings.Fields(modMod.ReplaceAllString(env.GOFLAGS, "$1-mod=readonly"))
	if c.tags != "" {
		p.flags = append(p.flags, "-tags="+strings.Join(strings.Fields(c.tags), ","))
	}
	if p.overlay, err = p.readOverlay(); err != nil {
		return nil, err
	}
	p.env = []string{"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH, goflags(p.flags)}

	if err := p.list(ctx); err != nil {
		return nil, err
	}
	if p.added {
		if err := p.workspace(env.GOMOD, env.GOWORK); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// isDirectory reports whether a package is given by its directory, as Go tells it from an
// import path.
func isDirectory(pkg string) bool {
	first, _, _ := strings.Cut(filepath.ToSlash(pkg), "/")
	return first == "." || first == ".." || filepath.IsAbs(pkg)
}

// modMod matches the flag that makes Go change go.mod as it needs.
var modMod = regexp.MustCompile(`(^|\s)-?-mod=mod\b`)

func (p *project) close() { _ = os.RemoveAll(p.temp) }

// list asks Go of the package, and whether package contract can be imported with all
// that it needs, and this command run.
func (p *project) list(ctx context.Context) error {
	out, err := p.output(ctx, "list", "-e", "-json=Name,ImportPath,Dir,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Error,DepsErrors,Module", "--", p.pattern, contractPath, commandPath)
	if err != nil {
		return err
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if l.ImportPath == contractPath {
			p.added = l.Error != nil || len(l.DepsErrors) > 0
			continue
		}
		if l.ImportPath == commandPath {
			p.foreign = l.Error != nil
			continue
		}
		all = append(all, l)
	}
	if len(all) != 1 {
		return fmt.Errorf("%s: one package at a time, and these are %d; %w", p.pattern, len(all), errUsage)
	}
	p.listed = all[0]
	switch info, err := os.Stat(p.pattern); {
	case p.Error != nil && err == nil && info.IsDir() && p.pattern != ".":
		return fmt.Errorf("%s\nIf the directory is meant, it is ./%s", p.Error.Err, filepath.ToSlash(p.pattern))
	case p.Error != nil && p.Error.Pos != "":
		return fmt.Errorf("%s: %s", p.Error.Pos, p.Error.Err)
	case p.Error != nil:
		return errors.New(p.Error.Err)
	case p.Module == nil:
		return fmt.Errorf("package %s is in no module", p.ImportPath)
	case !p.Module.Main && (p.Module.Replace == nil || p.Module.Replace.Version != ""):
		return fmt.Errorf("package %s is of another module, %s: siogen has to be run there", p.ImportPath, p.Module.Path)
	}
	return nil
}

// command returns a command of Go's.
func (p *project) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.dir
	cmd.Env = append(cmd.Environ(), p.env...)
	cmd.Stderr = p.stderr
	cmd.WaitDelay = time.Second
	if runtime.GOOS != "windows" {
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its compilers
	}
	return cmd
}

// output returns what Go prints. Its errors are shown as they are.
func (p *project) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := p.command(ctx, args...)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("go %s in %s: %w", args[0], cmp.Or(p.dir, "."), err)
	}
	return out, nil
}

// readOverlay returns the files that Go is to see in place of others, as GOFLAGS has it.
func (p *project) readOverlay() (map[string]string, error) {
	files := make(map[string]string)
	for _, f := range p.flags {
		name, path, _ := strings.Cut(strings.TrimLeft(f, "-"), "=")
		if name != "overlay" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.dir, path)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("-overlay of GOFLAGS: %w", err)
		}
		var o struct{ Replace map[string]string }
		if err := json.Unmarshal(b, &o); err != nil {
			return nil, fmt.Errorf("-overlay of GOFLAGS: %s: %w", path, err)
		}
		for from, to := range o.Replace {
			files[p.abs(from)] = p.abs(to)
		}
	}
	return files, nil
}

// abs returns a path that does not depend on where Go is run.
func (p *project) abs(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path // "" stands for a file that is not there
	}
	abs, err := filepath.Abs(filepath.Join(p.dir, path))
	if err != nil {
		return path
	}
	return abs
}
