package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof" // /debug/pprof/
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/siokit/sio"
)

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// serve is the server's process: as that of bench/servers, and with moves each echo joins a
// room and leaves another one.
func serve(moves, watched bool) error {
	if watched {
		runtime.SetMutexProfileFraction(1)
		runtime.SetBlockProfileRate(10_000) // ns
	}
	srv := sio.New(&sio.Options{ForgetRequest: true})
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	sio.On(srv, "echo", func(c *sio.Context, m message) error {
		if moves {
			old, next := "side "+strconv.Itoa(m.N%64), "side "+strconv.Itoa((m.N+1)%64)
			c.Leave(old)
			if err := c.Join(next); err != nil {
				return err
			}
		}
		if c.WantsAck() {
			return c.Ack(m)
		}
		return c.Emit("echo", m)
	})
	srv.On("blast", func(c *sio.Context) error {
		var count int
		var payload string
		if err := c.Bind(&count, &payload); err != nil {
			return err
		}
		for range count {
			if err := srv.To("room").Emit("msg", payload); err != nil {
				return err
			}
		}
		return c.Ack()
	})
	http.Handle("/socket.io/", srv)
	http.HandleFunc("GET /waited", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]sites{"mutex": waited("mutex"), "block": waited("block")}) // fails if nobody listens
	})
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	log.SetFlags(0)
	return http.Serve(l, nil)
}

// sites is for how long was waited, in seconds, by the function that had the lock, or that
// was waiting.
type sites map[string]float64

// waited returns what a profile says so far.
func waited(profile string) sites {
	var text bytes.Buffer
	_ = pprof.Lookup(profile).WriteTo(&text, 1)
	perSecond, all := 1.0, make(sites)
	for record := range strings.SplitSeq(text.String(), "\n\n") {
		cycles, site := 0.0, ""
		for line := range strings.Lines(record) {
			words := strings.Fields(line)
			switch {
			case strings.HasPrefix(line, "cycles/second="):
				perSecond, _ = strconv.ParseFloat(strings.TrimSpace(line[len("cycles/second="):]), 64)
			case len(words) > 2 && words[2] == "@":
				cycles, _ = strconv.ParseFloat(words[0], 64)
			case len(words) > 2 && words[0] == "#" && site == "":
				name, _, _ := strings.Cut(words[2], "+0x")
				if !inRuntime(name) {
					site = strings.TrimPrefix(name, "github.com/siokit/sio/")
				}
			}
			if len(words) > 2 && words[2] == "@" {
				site = ""
			}
			if cycles > 0 && site != "" {
				all[site] += cycles / perSecond
				cycles = 0
			}
		}
		if cycles > 0 {
			all["of the runtime"] += cycles / perSecond
		}
	}
	return all
}

func inRuntime(name string) bool {
	for _, prefix := range []string{"sync.", "internal/sync.", "internal/poll.", "runtime."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
