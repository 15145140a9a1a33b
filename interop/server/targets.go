package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio"
)

// A selection says who is meant, and how something is emitted.
type selection struct {
	By                        string
	To, Except                []string
	Local, Volatile, Compress bool
	Timeout                   int // in ms
}

func (s selection) target(c *sio.Context, n *sio.Namespace) sio.Target {
	t := n.All()
	if s.By == "socket" {
		t = c.Broadcast()
	}
	if len(s.To) > 0 { // to no room would be to nobody
		t = t.To(s.To...)
	}
	t = t.Timeout(time.Duration(s.Timeout) * time.Millisecond).Compress(s.Compress).Except(s.Except...)
	if s.Local {
		t = t.Local()
	}
	if s.Volatile {
		t = t.Volatile()
	}
	return t
}

// targets makes the namespace whose clients act upon each other.
func targets(n *sio.Namespace) {
	var outgoing sync.Map // id → *journal
	n.OnConnect(func(c *sio.Context) error {
		var auth struct{ Name string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		seen := new(journal)
		if err := errors.Join(c.Set("name", auth.Name), c.Set("seen", seen)); err != nil {
			return err
		}
		c.Use(func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error {
				seen.add(c.Event())
				return next(c)
			}
		})
		outgoing.Store(c.ID(), new(journal))
		return nil
	})
	n.OnDisconnect(func(c *sio.Context) error {
		outgoing.Delete(c.ID())
		return nil
	})
	n.OnAnyOutgoing(func(s *sio.Socket, event string, _ []any) {
		if j, ok := outgoing.Load(s.ID()); ok {
			j.(*journal).add(event)
		}
	})
	sio.OnWithAck(n, "seen", func(c *sio.Context, _ none) ([]string, error) { return c.Get("seen").(*journal).read(), nil })
	sio.OnWithAck(n, "outgoing", func(c *sio.Context, _ none) ([]string, error) {
		j, _ := outgoing.Load(c.ID())
		return j.(*journal).read(), nil
	})
	n.On("emit", func(c *sio.Context) error {
		var s selection
		var event string
		var data any
		if err := c.Bind(&s, &event, &data); err != nil {
			return err
		}
		return errors.Join(s.target(c, n).Emit(event, data), c.Ack())
	})
	sio.OnWithAck(n, "question", func(c *sio.Context, s selection) (map[string]any, error) {
		answers, err := s.target(c, n).EmitWithAck(c.Context(), "question", "?")
		said, left := []any{}, 0
		for _, a := range answers {
			var v any
			switch {
			case errors.Is(a.Err, sio.ErrClosed):
				left++
			case a.Err == nil && a.Args.Bind(&v) == nil:
				said = append(said, v)
			}
		}
		return map[string]any{"answers": said, "left": left, "timeout": errors.Is(err, context.DeadlineExceeded)}, nil
	})
	sio.OnWithAck(n, "fetch", func(c *sio.Context, s selection) ([]map[string]any, error) {
		sockets, err := s.target(c, n).Sockets(c.Context())
		all := []map[string]any{}
		for _, r := range sockets {
			slices.Sort(r.Rooms)
			h := r.Handshake
			all = append(all, map[string]any{
				"id": r.ID, "rooms": append([]string{}, r.Rooms...), "name": r.Data["name"],
				"handshake": map[string]any{
					"address": h.Address, "secure": h.Secure, "xdomain": h.CrossDomain, "issued": h.Issued.UnixMilli(),
					"url": h.URL, "who": h.Query().Get("who"), "agent": strings.ToLower(h.Headers.Get("X-Agent")),
				},
			})
		}
		return all, err
	})
	sio.OnWithAck(n, "count", func(c *sio.Context, s selection) (int, error) { return s.target(c, n).Count(c.Context()) })
	act := func(event string, f func(t sio.Target, rooms []string) error) {
		n.On(event, func(c *sio.Context) error {
			var s selection
			var rooms []string
			if err := c.Bind(&s, &rooms); err != nil {
				return err
			}
			return errors.Join(f(s.target(c, n), rooms), c.Ack())
		})
	}
	act("join", func(t sio.Target, rooms []string) error { return t.Join(rooms...) })
	act("leave", func(t sio.Target, rooms []string) error { return t.Leave(rooms...) })
	act("disconnect them", func(t sio.Target, rooms []string) error { return t.Disconnect(len(rooms) > 0) })
	n.On("remote", func(c *sio.Context) error { return remote(c, n) })
}

// remote acts upon one socket by what Sockets says of it.
func remote(c *sio.Context, n *sio.Namespace) error {
	var id, action string
	if err := c.Bind(&id, &action); err != nil {
		return err
	}
	sockets, err := n.To(id).Sockets(c.Context())
	if err != nil || len(sockets) != 1 {
		return errors.Join(err, errors.New("no such socket"))
	}
	s := sockets[0]
	switch action {
	case "emit":
		err = s.Emit("news", 1)
	case "join":
		err = s.Join("remote")
	case "leave":
		err = s.Leave("remote")
	case "disconnect":
		err = s.Disconnect()
	case "ask":
		said, err := sio.Call[string](c.Context(), s.Timeout(10*time.Second), "question", "?")
		return errors.Join(err, c.Ack(said))
	}
	return errors.Join(err, c.Ack())
}

// A journal is a list of events.
type journal struct {
	mu     sync.Mutex
	events []string
}

func (j *journal) add(event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, event)
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}
