package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed child.go.tmpl
var childText string

var child = template.Must(template.New("child").Parse(childText))

// generate makes the outputs: it builds the package with a file more, and runs it.
//
// The file is one of the package's tests, with a TestMain, since that is the only kind
// of program that can have a package main, and any other, with all that is not
// exported.
func (c *command) generate(ctx context.Context, p *project) error {
	server, err := aServer.find(p, c.fn)
	if err != nil {
		return err
	}
	if server == nil {
		all, _ := aServer.functions(p)
		return fmt.Errorf("package %s has no function without parameters that returns a %s%s%s", p.ImportPath, aServer, list(all), aServer.advice())
	}
	options, err := anOption.find(p, c.options)
	if err != nil {
		return err
	}
	optionsName := ""
	if options != nil {
		optionsName = options.name
	}

	var text bytes.Buffer
	err = child.Execute(&text, map[string]any{
		"Package": p.Name, "Sio": sioPath, "Contract": contractPath, "Dir": p.Dir, "Temp": p.temp,
		"Server": server.name, "Fails": server.fails, "Options": optionsName, "Timeout": c.timeout, "Outputs": c.outputs,
	})
	if err != nil {
		return err
	}
	program, err := p.build(ctx, text.Bytes())
	if err != nil {
		return err
	}
	if err := c.runChild(ctx, p, program, server.name); err != nil {
		return err
	}
	for i := range c.outputs {
		if c.outputs[i].data, err = os.ReadFile(filepath.Join(p.temp, c.outputs[i].Make)); err != nil {
			return err
		}
	}
	return nil
}

// build compiles the package with a file more, and without its tests. What the compiler
// says is shown as it is.
func (p *project) build(ctx context.Context, child []byte) (program string, err error) {
	file := filepath.Join(p.temp, "child.go")
	if err := os.WriteFile(file, child, 0o600); err != nil {
		return "", err
	}
	files := maps.Clone(p.overlay)
	for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		files[filepath.Join(p.Dir, name)] = "" // there is none
	}
	files[filepath.Join(p.Dir, "zz_siogen_test.go")] = file
	overlay, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(p.temp, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return "", err
	}

	program = filepath.Join(p.temp, "server.exe") // Windows runs nothing without a suffix
	args := []string{"test", "-c", "-vet=off", "-overlay=" + overlayFile, "-o", program}
	if !strings.Contains(goflags(p.flags), "-ldflags") {
		args = append(args, "-ldflags=-w") // a third faster
	}
	cmd := p.command(ctx, append(args, p.pattern)...)
	var said bytes.Buffer
	cmd.Stderr = io.MultiWriter(p.stderr, &said)
	if err := cmd.Run(); err != nil {
		if hasNoContract(said.String()) {
			return "", fmt.Errorf("%s of this module is older than siogen, and knows no contract: run go get %[1]s@latest", sioPath)
		}
		return "", fmt.Errorf("package %s does not compile", p.ImportPath)
	}
	return program, nil
}

// runChild runs the program, which leaves the outputs in p.temp.
func (c *command) runChild(ctx context.Context, p *project, program, name string) error {
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = c.stderr, c.stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if why, e := os.ReadFile(filepath.Join(p.temp, "failed")); e == nil {
		return fmt.Errorf("%s", why)
	}
	if err != nil {
		return fmt.Errorf("%s of %s ended the program: %w", name, p.ImportPath, err)
	}
	if _, err := os.Stat(filepath.Join(p.temp, c.outputs[0].Make)); err != nil {
		return fmt.Errorf("%s of %s ended the program before it returned", name, p.ImportPath)
	}
	return nil
}

// hasNoContract reports whether a compiler says that package sio is older than contracts.
func hasNoContract(said string) bool {
	return strings.Contains(said, "undefined: sio.Contract") || strings.Contains(said, "type *sio.Server has no field or method Contract")
}

func goflags(flags []string) string { return "GOFLAGS=" + strings.Join(flags, " ") }
