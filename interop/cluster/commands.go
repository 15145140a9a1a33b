package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siokit/sio"
)

func (s *server) target(c command) sio.Target {
	t := s.sio.Of(c.Nsp).All().Except(c.Except...).Timeout(time.Duration(c.Timeout) * time.Millisecond)
	if len(c.To) > 0 { // to no room would be to nobody
		t = t.To(c.To...)
	}
	if c.Local {
		t = t.Local()
	}
	if c.Volatile {
		t = t.Volatile()
	}
	if c.Compress != nil {
		t = t.Compress(*c.Compress)
	}
	return t
}

func (s *server) do(c command) (any, error) {
	if c.Nsp == "" {
		c.Nsp = "/"
	}
	n, t := s.sio.Of(c.Nsp), s.target(c)
	args := untagged(c.Args).([]any)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	switch c.Do {
	case "emit":
		return nil, t.Emit(c.Event, args...)
	case "ask":
		return answers(t.EmitWithAck(ctx, c.Event, args...))
	case "fetch":
		sockets, err := t.Sockets(ctx)
		return described(sockets), err
	case "fetch partly":
		sockets, err := t.Sockets(ctx)
		return map[string]any{"sockets": described(sockets), "error": fmt.Sprint(err)}, nil
	case "count":
		return t.Count(ctx)
	case "join":
		return nil, t.Join(c.Rooms...)
	case "leave":
		return nil, t.Leave(c.Rooms...)
	case "disconnect":
		return nil, t.Disconnect(c.Close)
	case "tell":
		return nil, n.ServerSideEmit(c.Event, args...)
	case "inquire":
		if c.Timeout > 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Duration(c.Timeout)*time.Millisecond)
			defer cancel()
		}
		return answers(n.ServerSideEmitWithAck(ctx, c.Event, args...))
	case "remote":
		return remote(ctx, t, c, args)
	case "drain":
		return nil, s.sio.Drain(context.Background(), &sio.DrainOptions{
			Notice:    time.Duration(c.Notice) * time.Millisecond,
			Period:    time.Duration(c.Period) * time.Millisecond,
			PerSecond: c.PerSecond,
		})
	case "stats":
		return s.cluster.Stats(), nil
	}
	return nil, fmt.Errorf("no command %q", c.Do)
}

// answers returns those that there are, and the error beside.
func answers(all []sio.Answer, err error) (any, error) {
	got, text := []any{}, ""
	if err != nil {
		text = err.Error()
	}
	for _, a := range all {
		switch {
		case a.Err != nil:
			text = strings.Trim(text+"; "+a.Err.Error(), "; ")
		case a.Args.Len() == 0:
			got = append(got, nil)
		default:
			got = append(got, values(a.Args)[0])
		}
	}
	return map[string]any{"answers": got, "error": text}, nil
}

// described are sockets in the form that Node's have.
func described(sockets []sio.RemoteSocket) []any {
	all := []any{}
	for _, r := range sockets {
		h := r.Handshake
		headers, query := map[string]any{}, map[string]any{}
		for name := range h.Headers {
			headers[strings.ToLower(name)] = h.Headers.Get(name)
		}
		for name, v := range h.Query() {
			query[name] = v[0]
		}
		rooms := []any{r.ID}
		for _, room := range r.Rooms {
			rooms = append(rooms, room)
		}
		all = append(all, map[string]any{
			"id": r.ID, "rooms": rooms, "data": r.Data,
			"handshake": map[string]any{
				"headers": headers, "query": query, "url": h.URL, "issued": h.Issued.UnixMilli(),
				"address": h.Address, "secure": h.Secure, "xdomain": h.CrossDomain,
			},
		})
	}
	return all
}

// remote acts upon one socket by what Sockets says of it.
func remote(ctx context.Context, t sio.Target, c command, args []any) (any, error) {
	sockets, err := t.Sockets(ctx)
	if err != nil || len(sockets) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d sockets, want 1", len(sockets)))
	}
	r := sockets[0]
	switch c.Action {
	case "emit":
		return nil, r.Emit(c.Event, args...)
	case "ask":
		answer, err := r.EmitWithAck(ctx, c.Event, args...)
		if err != nil {
			return nil, err
		}
		return values(answer)[0], nil
	case "join":
		return nil, r.Join(c.Rooms...)
	case "leave":
		return nil, r.Leave(c.Rooms...)
	case "disconnect":
		return nil, r.Disconnect(c.Close)
	}
	return nil, fmt.Errorf("no action %q", c.Action)
}
