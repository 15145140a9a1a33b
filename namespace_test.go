package sio_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// Answers of many, and of one, from within a handler.
func TestAnswers(t *testing.T) {
	h := newHost(t, nil)
	h.OnConnect(func(c *sio.Context) error { return c.Join("all") })
	type result struct {
		Answered, Late int
		Err            string
	}
	sio.OnWithAck(h, "poll", func(c *sio.Context, ms int) (r result, err error) {
		answers, err := c.To("all").Timeout(time.Duration(ms)*time.Millisecond).EmitWithAck(c.Context(), "q", 7)
		for _, a := range answers {
			if a.Err == nil {
				r.Answered++
			} else if errors.Is(a.Err, context.DeadlineExceeded) {
				r.Late++
			}
		}
		if err != nil {
			r.Err = err.Error()
		}
		return r, nil
	})
	sio.OnWithAck(h, "call", func(c *sio.Context, _ struct{}) (string, error) {
		n, err := sio.Call[int](c.Context(), c, "n")
		if err != nil {
			return "", err
		}
		var arg *parser.ArgError
		if _, err := sio.Call[int](c.Context(), c.Timeout(time.Hour), "n"); !errors.As(err, &arg) {
			return "", err
		}
		if _, err := sio.Call[int](c.Context(), c.Timeout(time.Millisecond), "n"); !errors.Is(err, context.DeadlineExceeded) {
			return "", err
		}
		return strings.Repeat("x", n), nil
	})
	a, b, c := h.join("/"), h.join("/"), h.join("/")
	a.send(`21["poll",0]`)
	b.want(`20["q",7]`)
	c.want(`20["q",7]`)
	b.send(`30["b"]`)
	c.send(`30["c"]`)
	a.want(`31[{"Answered":2,"Late":0,"Err":""}]`)
	a.send(`21["poll",500]`)
	b.want(`21["q",7]`)
	c.want(`21["q",7]`)
	b.send(`31[]`)
	a.want(`31[{"Answered":1,"Late":1,"Err":"context deadline exceeded"}]`)
	a.send(`21["call"]`)
	a.want(`22["n"]`)
	a.send(`32[3]`)
	a.want(`23["n"]`)
	a.send(`33["three"]`)
	a.want(`24["n"]`, `31["xxx"]`)

	all, err := h.EmitWithAck(canceled(), "q")
	if !errors.Is(err, context.Canceled) || len(all) != 3 {
		t.Errorf("%v %v", all, err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// What Sockets tells of clients, and what can be done to them.
func TestSockets(t *testing.T) {
	for what, opts := range map[string]*sio.Options{"": nil, "ForgetRequest": {ForgetRequest: true}} {
		t.Run(what, func(t *testing.T) {
			h := newHost(t, opts)
			secret := sio.NewKey[string]("secret")
			contexts := make(chan *sio.Context, 1)
			h.OnConnect(func(c *sio.Context) error {
				c.Set("name", "ann")
				secret.Set(c, "x")
				contexts <- c
				return c.Join("room")
			})
			before := time.Now()
			a := dial(t, h.url+"?who=ann&who=bob", testclient.Options{WebSocket: true, Header: http.Header{"Origin": {strings.TrimSuffix(h.url, "/socket.io/")}}})
			id := a.connect("/", map[string]string{"token": "secret"})
			c := <-contexts
			ctx := c.Context()
			b := h.join("/")
			<-contexts
			if n, err := h.Count(t.Context()); n != 2 || err != nil {
				t.Errorf("%d %v", n, err)
			}
			sockets, err := h.Sockets(t.Context())
			i := slices.IndexFunc(sockets, func(s sio.RemoteSocket) bool { return s.ID == id })
			if err != nil || len(sockets) != 2 || i < 0 {
				t.Fatalf("%v %v", sockets, err)
			}
			s := sockets[i]
			if !maps.Equal(s.Data, map[string]any{"name": "ann"}) || !slices.Equal(s.Rooms, []string{"room"}) {
				t.Errorf("%+v", s)
			}
			for _, hs := range []sio.Handshake{s.Handshake, c.Handshake(), c.Socket().Handshake()} {
				if hs.Address != "127.0.0.1" || hs.Secure || !hs.CrossDomain || hs.Issued.Before(before.Add(-time.Second)) || hs.Issued.After(time.Now()) {
					t.Errorf("%+v", hs)
				}
				kept := strings.HasPrefix(hs.URL, "/socket.io/?") && slices.Equal(hs.Query()["who"], []string{"ann", "bob"}) && hs.Headers.Get("Origin") != ""
				if gone := hs.URL == "" && len(hs.Query()) == 0 && hs.Headers == nil; gone != (what == "ForgetRequest") || kept == gone {
					t.Errorf("%+v", hs)
				}
			}
			if sockets[1-i].Handshake.CrossDomain {
				t.Error("cross domain without an Origin")
			}
			for _, err := range []error{
				s.Join("x"), s.Leave("room"), h.To("x").Emit("one"), s.Compress(false).Emit("two"),
				s.To("room").Emit("others"), s.Broadcast().Emit("others"), h.Join("y"), h.To("y").Emit("three"), h.Leave("y"), h.To("y").Emit("never"),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			a.want(`2["one"]`, `2["two"]`, `2["three"]`)
			b.want(`2["others"]`, `2["others"]`, `2["three"]`)
			if _, err := s.Timeout(time.Millisecond).EmitWithAck(t.Context(), "q"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			a.want(`20["q"]`)
			if err := s.Disconnect(true); err != nil {
				t.Error(err)
			}
			a.want(`1`)
			a.ends()
			ended(t, ctx, socketio.ReasonServerDisconnect)
		})
	}
}

// A pair is the brokers of two servers, who hear each other's events.
type pair struct {
	*socketio.Local
	other *pair
}

func (p *pair) ServerSideEmit(event string, args []any) error {
	_, err := p.ServerSideEmitWithAck(context.Background(), event, args)
	return err
}

func (p *pair) ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]sio.Answer, error) {
	text, attachments, err := parser.AppendEvent(p.Codec(), nil, event, args)
	if err != nil {
		return nil, err
	}
	v, err := p.other.ServerEvent(ctx, event, parser.NewArgs(p.Codec(), text, attachments, 1))
	if err != nil {
		return []sio.Answer{{Err: err}}, nil
	}
	text, attachments, err = parser.AppendEvent(p.Codec(), nil, "", []any{v})
	return []sio.Answer{{Args: parser.NewArgs(p.Codec(), text, attachments, 1)}}, err
}

func TestServerEvents(t *testing.T) {
	var log logBuffer
	var a, b pair
	a.other, b.other = &b, &a
	one := func(p *pair) *host {
		return newHost(t, &sio.Options{Logger: log.logger(), Broker: func(l *socketio.Local) socketio.Broker {
			if l.Namespace().Name() == "/jobs" {
				p.Local = l
				return p
			}
			return l
		}})
	}
	from, to := one(&a).Of("/jobs"), one(&b).Of("/jobs")
	to.OnServerEvent("double", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		var n int
		err := args.Bind(&n)
		return 2 * n, err
	})
	to.Group(func(r sio.Router) {
		r.OnServerEvent("panic", func(context.Context, *sio.Namespace, sio.Args) (any, error) { panic("boom") })
	})
	from.OnServerEvent("double", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
		t.Error("the emitter hears itself")
		return nil, nil
	})
	answer := func(event string, args ...any) sio.Answer {
		t.Helper()
		got, err := from.ServerSideEmitWithAck(t.Context(), event, args...)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
		return got[0]
	}
	var n int
	if got := answer("double", 21); got.Err != nil || got.Args.Bind(&n) != nil || n != 42 {
		t.Errorf("%d %v", n, got.Err)
	}
	if got := answer("double", "x"); got.Err == nil {
		t.Error("no error")
	}
	if got := answer("nobody"); got.Err != sio.ErrNoHandler {
		t.Errorf("%v", got.Err)
	}
	var panicked *sio.PanicError
	if got := answer("panic"); !errors.As(got.Err, &panicked) {
		t.Errorf("%v", got.Err)
	}
	log.only(t, "handler of a server's event panicked")
	if err := from.ServerSideEmit("double", 1); err != nil {
		t.Error(err)
	}

	alone := newHost(t, nil)
	alone.OnServerEvent("e", func(context.Context, *sio.Namespace, sio.Args) (any, error) {
		t.Error("a server alone hears itself")
		return nil, nil
	})
	if got, err := alone.ServerSideEmitWithAck(t.Context(), "e"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if err := alone.ServerSideEmit("e"); err != nil {
		t.Error(err)
	}
	if err := alone.ServerSideEmit("disconnect"); !errors.Is(err, sio.ErrReservedEvent) {
		t.Error(err)
	}
	none := func(context.Context, *sio.Namespace, sio.Args) (any, error) { return nil, nil }
	mustPanic(t, `sio: OnServerEvent("e") in namespace /: the event has a handler already`, func() { alone.OnServerEvent("e", none) })
	mustPanic(t, `sio: OnServerEvent("f") in namespace /: nil handler`, func() { alone.OnServerEvent("f", nil) })
	mustPanic(t, `sio: OnServerEvent("connect") in namespace /: the name is reserved`, func() { alone.OnServerEvent("connect", none) })
}

func TestRoomsOfNamespace(t *testing.T) {
	srv := newServer(t, nil)
	tenants := srv.Of("/tenant-{id}")
	left := make(chan struct{}, 3)
	for _, n := range []*sio.Namespace{srv.Namespace, tenants} {
		n.OnConnect(func(c *sio.Context) error { return c.Join("lobby", "of "+c.Namespace()) })
		n.OnDisconnect(func(*sio.Context) error { left <- struct{}{}; return nil })
	}
	want := func(n *sio.Namespace, rooms ...string) {
		t.Helper()
		if got := n.Rooms(); !slices.Equal(slices.Sorted(slices.Values(got)), rooms) {
			t.Errorf("%s: %q, want %q", n.Name(), got, rooms)
		}
	}
	want(srv.Namespace)
	a, b, c := siotest.Connect(t, srv), siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-1"}), siotest.Connect(t, srv, &siotest.Options{Namespace: "/tenant-2"})
	want(srv.Namespace, "lobby", "of /")
	want(srv.Of("/tenant-1"), "lobby", "of /tenant-1")
	want(tenants, "lobby", "of /tenant-1", "of /tenant-2")
	for _, client := range []*siotest.Client{a, b, c} {
		client.Disconnect()
		receive(t, left, "OnDisconnect")
	}
	want(srv.Namespace)
	want(tenants)
}
