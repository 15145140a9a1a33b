package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/siokit/sio/bench/internal/record"
)

// versionOf says what a target, which has been built, is made of. What can't be told
// is left out.
func versionOf(ctx context.Context, t target) string {
	var parts []string
	add := func(name, version string) {
		if version = strings.TrimSpace(version); version != "" {
			parts = append(parts, strings.TrimSpace(name+" "+version))
		}
	}
	run := func(command ...string) string {
		name := command[0]
		if strings.Contains(name, "/") {
			name, _ = filepath.Abs(filepath.Join(t.Dir, name)) // fails without a working directory only
		}
		cmd := exec.CommandContext(ctx, name, command[1:]...)
		cmd.Dir = t.Dir
		output, err := cmd.CombinedOutput() // java writes its version as an error
		if err != nil {
			return ""
		}
		first, _, _ := strings.Cut(string(output), "\n")
		return first
	}
	packages := func(names ...string) {
		for _, name := range names {
			add(name, record.PackageVersion(filepath.Join(t.Dir, "node_modules", name, "package.json")))
		}
	}
	in := func(file, pattern string) string { return record.Find(filepath.Join(t.Dir, file), pattern) }

	switch filepath.Base(t.Dir) {
	case "sio", "sio-echo":
		add("commit", run("git", "describe", "--always", "--dirty", "--tags"))
		if t.Dir == "servers/sio-echo" {
			add("echo", run("go", "list", "-m", "-f", "{{.Version}}", "github.com/labstack/echo/v4"))
		}
		add("", run("go", "version"))
	case "floor":
		add("gobwas/ws", run("go", "list", "-m", "-f", "{{.Version}}", "github.com/gobwas/ws"))
		add("", run("go", "version"))
	case "reference":
		packages("socket.io", "engine.io", "ws")
		add("node", run("node", "--version"))
	case "reference-uws":
		packages("socket.io", "engine.io", "@trufflesuite/uws-js-unofficial")
		add("node", run("node", "--version"))
	case "reference-bun":
		packages("socket.io", "@socket.io/bun-engine")
		add("bun", run(t.Run[0], "--version"))
	case "zishang":
		add("socket.io/servers/socket", run("go", "list", "-m", "-f", "{{.Version}}", "github.com/zishang520/socket.io/servers/socket/v3"))
		add("", run("go", "version"))
	case "centrifuge":
		add("centrifuge, in its JSON protocol and not Socket.IO's,", run("go", "list", "-m", "-f", "{{.Version}}", "github.com/centrifugal/centrifuge"))
		add("", run("go", "version"))
	case "socketioxide":
		for _, name := range []string{"socketioxide", "axum"} {
			add(name, in("Cargo.lock", `name = "`+name+`"\nversion = "([^"]+)"`))
		}
		add("", run("rustc", "--version"))
	case "python":
		for _, name := range []string{"python-socketio", "uvicorn", "uvloop", "websockets"} {
			add(name, in("requirements.txt", `(?m)^`+name+`==(\S+)`))
		}
		add("", run(".venv/bin/python", "--version"))
	case "netty":
		libs, _ := filepath.Glob(filepath.Join(t.Dir, "target/lib/netty-*.jar")) // the pattern is right
		for _, lib := range libs {
			if m := regexp.MustCompile(`^(netty-socketio|netty-handler)-(.+)\.jar$`).FindStringSubmatch(filepath.Base(lib)); m != nil {
				add(m[1], m[2])
			}
		}
		add("", run("java", "-version"))
	}
	return strings.Join(parts, ", ")
}
