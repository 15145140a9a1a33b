package main

import (
	"slices"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/process"
)

// A target is a server to be measured, in a process of its own.
type target struct {
	Name    string
	Dir     string       // relative to bench/
	Build   [][]string   // commands run in Dir, in order; they may install from registries
	Run     []string     // relative to Dir, with $PORT in its environment; is itself the server
	Dialect load.Dialect // that it speaks
	Env     []string     // more for the environment of Run, NAME=value
	Turns   bool         // takes its turn beside the others, too: see takeTurns

	// Parts has the parts, besides those of all, that the server can do: see parts.
	Parts []string
	// Skip has the measures that are left out: what a server can't do, as its source
	// says, what takes it too long, or what tells nothing new. Only, if there are any, has
	// the only ones that are not.
	Skip, Only []string
}

// command returns how it is run, with more arguments.
func (t target) command(args ...string) process.Command {
	return process.Command{Dir: t.Dir, Run: slices.Concat(t.Run, args), Env: t.Env}
}

// skips says that a measure is left out.
func (t target) skips(key string) bool {
	return slices.Contains(t.Skip, key) || len(t.Only) > 0 && !slices.Contains(t.Only, key)
}

// isSio says that it is no peer, but sio in one form or another.
func (t target) isSio() bool { return t.Name == subject || strings.HasPrefix(t.Name, subject+"-") }

// polls says that clients can come by long-polling.
func (t target) polls() bool { return t.Dialect == load.SocketIO }

// targets returns all servers. Each is written as its own documentation has it, with
// its defaults: see servers/.
func targets() []target {
	goBuild := func(name string) [][]string { return [][]string{{"go", "build", "-o", "../../.build/" + name, "."}} }
	npm := []string{"npm", "ci", "--no-audit", "--no-fund"}
	return []target{
		// sio as lean as it is configured, and as it is mounted in a framework: the latter
		// keeps the request, and Echo's context, for the handlers.
		{
			Name:  "sio",
			Dir:   "servers/sio",
			Build: goBuild("sio"),
			Run:   []string{"../../.build/sio", "-forget"},
			Parts: []string{"msgpack", "deflate"},
			Turns: true,
		},
		// With polling taken from net/http once a client is known.
		{
			Name:  hijacking,
			Dir:   "servers/sio",
			Build: goBuild("sio"),
			Run:   []string{"../../.build/sio", "-forget", "-hijack"},
			Only:  []string{"polling.50", "churn", "memory.polling", "listen.100"},
			Turns: true,
		},
		{
			Name:  "sio-echo",
			Dir:   "servers/sio-echo",
			Build: goBuild("sio-echo"),
			Run:   []string{"../../.build/sio-echo"},
		},
		// And without epoll, as on other systems: a goroutine for each connection.
		{
			Name:  "sio-portable",
			Dir:   "servers/sio",
			Build: [][]string{{"go", "build", "-tags", "portable", "-o", "../../.build/sio-portable", "."}},
			Run:   []string{"../../.build/sio-portable", "-forget"},
			Skip:  []string{"latency.50", "latency.1k", "latency.10k", "stall", "large.50", "large.all"},
		},
		{
			Name:    "floor",
			Dir:     "servers/floor",
			Build:   goBuild("floor"),
			Run:     []string{"../../.build/floor"},
			Dialect: load.Bare,
			Turns:   true,
		},
		{
			Name:  "socket.io",
			Dir:   "servers/reference",
			Build: [][]string{npm},
			Run:   []string{"node", "--expose-gc", "server.mjs"},
			Parts: []string{"msgpack", "deflate"},
			Turns: true,
		},
		// On the other engines that its documentation names, but for eiows: that is built
		// of Node's own source, which no registry has.
		{
			Name:  "socket.io-uws",
			Dir:   "servers/reference-uws",
			Build: [][]string{npm},
			Run:   []string{"node", "--expose-gc", "server.mjs"},
			Turns: true,
		},
		{
			Name:  "socket.io-bun",
			Dir:   "servers/reference-bun",
			Build: [][]string{npm},
			Run:   []string{"node_modules/@oven/bun-linux-x64/bin/bun", "server.mjs"},
			Turns: true,
		},
		{
			Name:  "socketioxide",
			Dir:   "servers/socketioxide",
			Build: [][]string{{"cargo", "build", "--release", "--locked"}},
			Run:   []string{"target/release/server"},
			Parts: []string{"msgpack"}, // its WebSockets can't compress
			Turns: true,
		},
		{
			Name:  "zishang520",
			Dir:   "servers/zishang",
			Build: goBuild("zishang"),
			Run:   []string{"../../.build/zishang"},
			Parts: []string{"deflate"},
			Turns: true,
		},
		{
			Name: "python-socketio",
			Dir:  "servers/python",
			Build: [][]string{
				{"python3", "-m", "venv", ".venv"},
				{".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"},
			},
			Run:   []string{".venv/bin/python", "server.py"},
			Parts: []string{"msgpack", "deflate"},
			Skip:  []string{"burst.10k"}, // twenty seconds for one
		},
		{
			Name:  "netty-socketio",
			Dir:   "servers/netty",
			Build: [][]string{{"mvn", "--batch-mode", "--quiet", "package"}},
			Run:   []string{"java", "-jar", "target/server.jar"}, // what it compresses, it does not mark so
			Skip:  []string{"binary.1k"},
			Turns: true,
		},
		// Not Socket.IO: what is as near to it as can be, in its JSON protocol.
		{
			Name:    "centrifuge",
			Dir:     "servers/centrifuge",
			Build:   goBuild("centrifuge"),
			Run:     []string{"../../.build/centrifuge"},
			Dialect: load.Centrifuge,
			Parts:   []string{"deflate"},
			Skip:    []string{"binary.1k"},
		},
	}
}
