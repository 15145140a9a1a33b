package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/siokit/sio"
)

// Variables that tell the server's process how to be.
const (
	recoveryVar = "SOAK_RECOVERY"
	hastyVar    = "SOAK_HASTY" // who is silent is soon gone
)

// totalBytes is a quarter of the default, so that seconds are enough to go beyond it.
const totalBytes = 64 << 20

// serve is a server as an application would set it up, with the defaults, all that
// can be flooded turned on, and what the variables say.
func serve() error {
	opts := &sio.Options{AllowEIO3: true, Compression: new(sio.Compression), TotalBytes: totalBytes}
	if os.Getenv(recoveryVar) != "" {
		opts.Recovery = new(sio.Recovery)
	}
	if os.Getenv(hastyVar) != "" {
		opts.PingInterval = time.Second
		opts.PingTimeout = 2 * time.Second
		opts.UpgradeTimeout = time.Second
		opts.ConnectTimeout = 2 * time.Second
		opts.Recovery = &sio.Recovery{Window: 2 * time.Second}
	}
	srv := sio.New(opts)
	furnish(srv.Of("/"))
	furnish(srv.Of("/chat"))
	furnish(srv.Of("/room-{n}"))

	plain, secure, err := listen()
	if err != nil {
		return err
	}
	web := &http.Server{
		Handler:           srv,
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
	for _, ln := range []net.Listener{plain, secure} {
		go func() { _ = web.Serve(ln) }() // until the process ends
	}
	fmt.Println(plain.Addr(), secure.Addr())
	return lines(func(line string) (string, error) { return confess(srv, line) })
}

// listen listens on two ports of the loopback interface, on the second for TLS.
func listen() (plain, secure net.Listener, err error) {
	if plain, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	if secure, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	return plain, tls.NewListener(secure, &tls.Config{Certificates: certified.TLS.Certificates}), nil
}

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// furnish gives a namespace what applications have.
func furnish(n *sio.Namespace) {
	sio.On(n, "echo", func(c *sio.Context, m message) error { return c.Ack(m) })
	n.On("any", func(c *sio.Context) error {
		var v any
		if err := c.Bind(&v); err != nil {
			return err
		}
		return c.Ack()
	})
	n.On("join", func(c *sio.Context) error { return c.Join("crowd") })
	n.On("leave", func(c *sio.Context) error { c.Leave("crowd"); return nil })
	sio.On(n, "shout", func(c *sio.Context, text string) error {
		return c.Socket().To("crowd").Emit("msg", text)
	})
	sio.On(n, "wait", func(_ *sio.Context, ms int) error {
		time.Sleep(time.Duration(min(ms, 1_000)) * time.Millisecond)
		return nil
	})
	// What an application should not do, or not so often, but some do.
	sio.On(n, "give", func(c *sio.Context, size int) error {
		return c.Emit("blob", strings.Repeat("x", min(size, 1_000_000)))
	})
	sio.On(n, "rooms", func(c *sio.Context, count int) error {
		for i := range min(count, 1_000_000) {
			if err := c.Join("room " + strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

// A state is what a process holds once its garbage is collected.
type state struct {
	Connections, Goroutines, Descriptors int
	Heap                                 int64 // bytes
}

// confess answers what the measuring process asks.
func confess(srv *sio.Server, line string) (string, error) {
	what, file, _ := strings.Cut(line, " ")
	switch what {
	case "profile":
		f, err := os.Create(file)
		if err != nil {
			return "", err
		}
		return "profiling", pprof.StartCPUProfile(f)
	case "enough":
		pprof.StopCPUProfile()
		return "enough", nil
	case "state":
		// Twice, for what finalizers and pools have kept from the first.
		debug.FreeOSMemory()
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return "", err
		}
		b, err := json.Marshal(state{srv.Connections(), runtime.NumGoroutine(), len(open), int64(m.HeapAlloc)})
		return string(b), err
	}
	return "", fmt.Errorf("asked for %q", line)
}
