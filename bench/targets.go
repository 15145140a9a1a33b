package main

import "github.com/siokit/sio/bench/internal/process"

// A target is a server to be measured, in a process of its own.
type target struct {
	Name  string
	Dir   string     // relative to bench/
	Build [][]string // commands run in Dir, in order; they may install from registries
	Run   []string   // relative to Dir, with $PORT in its environment; is itself the server
	Bare  bool       // speaks what servers/floor does, instead of Socket.IO
	Env   []string   // more for the environment of Run, NAME=value

	// Skip has the measures that are left out: what a server can't do, as its source
	// says, what takes it too long, or what tells nothing new.
	Skip []string
}

func (t target) command() process.Command {
	return process.Command{Dir: t.Dir, Run: t.Run, Env: t.Env}
}

// targets returns all servers. Each is written as its own documentation has it, with
// its defaults: see servers/.
func targets() []target {
	goBuild := func(name string) [][]string { return [][]string{{"go", "build", "-o", "../../.build/" + name, "."}} }
	return []target{
		// sio twice, as lean as it is configured and as it is mounted in a framework:
		// the latter keeps the request, and Echo's context, for the handlers.
		{
			Name:  "sio",
			Dir:   "servers/sio",
			Build: goBuild("sio"),
			Run:   []string{"../../.build/sio", "-forget"},
		},
		{
			Name:  "sio-echo",
			Dir:   "servers/sio-echo",
			Build: goBuild("sio-echo"),
			Run:   []string{"../../.build/sio-echo"},
		},
		// Polls read by the server itself.
		{
			Name:  "sio-hijack",
			Dir:   "servers/sio",
			Build: goBuild("sio"),
			Run:   []string{"../../.build/sio", "-forget", "-hijack"},
		},
		// And without epoll, as on other systems: a goroutine for each connection.
		{
			Name:  "sio-portable",
			Dir:   "servers/sio",
			Build: [][]string{{"go", "build", "-tags", "portable", "-o", "../../.build/sio-portable", "."}},
			Run:   []string{"../../.build/sio-portable", "-forget"},
			Skip:  []string{"latency.50", "latency.1k", "latency.10k", "stall"},
		},
		{
			Name:  "floor",
			Dir:   "servers/floor",
			Build: goBuild("floor"),
			Run:   []string{"../../.build/floor"},
			Bare:  true,
		},
		{
			Name:  "socket.io",
			Dir:   "servers/reference",
			Build: [][]string{{"npm", "ci", "--no-audit", "--no-fund"}},
			Run:   []string{"node", "--expose-gc", "server.mjs"},
		},
		{
			Name:  "socketioxide",
			Dir:   "servers/socketioxide",
			Build: [][]string{{"cargo", "build", "--release", "--locked"}},
			Run:   []string{"target/release/server"},
		},
		{
			Name: "python-socketio",
			Dir:  "servers/python",
			Build: [][]string{
				{"python3", "-m", "venv", ".venv"},
				{".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"},
			},
			Run:  []string{".venv/bin/python", "server.py"},
			Skip: []string{"burst.10k"}, // twenty seconds for one
		},
		{
			Name:  "netty-socketio",
			Dir:   "servers/netty",
			Build: [][]string{{"mvn", "--batch-mode", "--quiet", "package"}},
			Run:   []string{"java", "-jar", "target/server.jar"},
			Skip:  []string{"binary.1k"},
		},
	}
}
