package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/siokit/sio/bench/internal/process"
)

// The official clients are in a process of Node.
const officialDir = "servers/check"

// officials starts official clients behind the others. They do nothing by themselves.
func (f *fleet) officials(ctx context.Context, n int) (*process.Server, error) {
	if err := process.Build(ctx, "official clients", f.path(officialDir), [][]string{{"npm", "ci", "--no-audit", "--no-fund"}}, io.Discard); err != nil {
		return nil, err
	}
	var urls []string
	if f.proxy != nil {
		urls = append(urls, "http://"+f.proxy.addr)
	} else {
		for _, n := range f.nodes {
			urls = append(urls, "http://"+n.addr.String())
		}
	}
	run := []string{"node", "clients.mjs", strings.Join(urls, ","), fmt.Sprint(f.delay.Milliseconds())}
	byName := make(map[string]*client)
	for i := range n {
		c := f.client(len(f.clients))
		f.clients = append(f.clients, c)
		byName[c.rec.name] = c
		b, err := json.Marshal(map[string]any{
			"name": c.rec.name, "rooms": c.rec.always,
			"transports": [][]string{{"websocket"}, {"polling", "websocket"}, {"polling"}}[i%int(transports)],
		})
		if err != nil {
			return nil, err
		}
		run = append(run, string(b))
	}
	return process.Start(ctx, process.Command{Dir: f.path(officialDir), Run: run, Line: func(line string) {
		if err := f.heard(byName, line); err != nil {
			f.fail(fmt.Errorf("an official client: %w: %s", err, line))
		}
	}})
}

// client returns one that does nothing yet.
func (f *fleet) client(i int) *client {
	name := clientName(i)
	return &client{
		fleet: f,
		rec: &record{name: name, always: []string{
			everybody, name, own(name), fixed(i), fixed(i + 1 + i/fixedRooms%(fixedRooms-1)),
		}},
		transport: transport(i % int(transports)),
		random:    rand.New(rand.NewPCG(f.seed, uint64(i))),
		inside:    make(map[string]bool),
	}
}

// heard takes a line of the official clients.
func (f *fleet) heard(byName map[string]*client, line string) error {
	var said struct {
		Client, Step, Origin, Offset, Error string
		N                                   int
		Recovered                           bool
		state
	}
	if err := json.Unmarshal([]byte(line), &said); err != nil {
		return err
	}
	c := byName[said.Client]
	if c == nil {
		return fmt.Errorf("no client %q", said.Client)
	}
	switch said.Step {
	case "began":
		c.note(step{what: began})
	case "received":
		s := step{event: number{said.Origin, said.N}}
		if said.Offset != "" {
			var err error
			if s.pos, err = position(said.Offset); err != nil {
				return err
			}
		}
		c.note(s)
	case "there":
		c.present(said.Rooms, said.Value)
		c.there(said.Server, said.Recovered)
	case "lost":
		c.gone(nil)
	default:
		return fmt.Errorf("%s %s", said.Step, said.Error)
	}
	return nil
}

// there tells that a client knows which server it is on.
func (c *client) there(server string, recovered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.was != "" {
		c.returns = append(c.returns, comeback{c.was, server, recovered, time.Since(c.lost), c.tries})
	}
	c.server, c.was, c.tries = server, server, 0
	c.rec.steps = append(c.rec.steps, step{what: back, room: server})
}

// gone tells that its connection has ended, or could not be made.
func (c *client) gone(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.tries++
	if c.server != "" {
		c.lost, c.server = time.Now(), ""
		c.rec.steps = append(c.rec.steps, step{what: cut, at: c.lost, room: fmt.Sprint(err)})
	}
}
