package sio_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
)

// A journal notes what handlers were called for, in order.
type journal chan string

func (j journal) handler(c *sio.Context) error {
	j <- fmt.Sprintf("%s %s %s", c.Namespace(), c.Event(), c.Transport())
	return nil
}

func (j journal) want(t *testing.T, entries ...string) {
	t.Helper()
	for _, want := range entries {
		if got := receive(t, j, want); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

func (c *client) upgrade() {
	c.t.Helper()
	if err := c.Upgrade(); err != nil {
		c.t.Fatal(err)
	}
}

// witness makes a namespace, and returns what is closed when a client of it has
// been upgraded.
func (h *host) witness(nsp string) <-chan struct{} {
	upgraded := make(chan struct{})
	h.Of(nsp).OnUpgrade(func(*sio.Context) error {
		close(upgraded)
		return nil
	})
	return upgraded
}

func TestOnUpgrade(t *testing.T) {
	h := newHost(t, nil)
	root, chat := make(journal, 16), make(journal, 16)
	h.On("event", root.handler)
	h.OnUpgrade(root.handler)
	h.OnDisconnect(root.handler)
	h.Of("/chat").OnUpgrade(chat.handler)
	h.Of("/none").On("event", root.handler)

	c := dial(t, h.url, testclient.Options{})
	for _, nsp := range []string{"/", "/chat", "/none"} {
		c.connect(nsp, nil)
	}
	c.send(`2["event"]`)
	root.want(t, "/ event polling")
	c.upgrade()
	c.send(`2["event"]`)
	root.want(t, "/ upgrade websocket", "/ event websocket")
	chat.want(t, "/chat upgrade websocket")

	// Who comes later has been on WebSocket all along.
	c.send("1/chat,")
	c.connect("/chat", nil)
	c.send("1")
	root.want(t, "/ disconnect websocket")
	if len(chat) > 0 {
		t.Error(<-chat)
	}

	ws := h.join("/")
	ws.send(`2["event"]`)
	root.want(t, "/ event websocket")
}

// The handler waits for its turn among the events.
func TestOnUpgradeInOrder(t *testing.T) {
	h := newHost(t, nil)
	j := make(journal, 16)
	began, goOn := make(chan struct{}), make(chan struct{})
	h.On("slow", func(c *sio.Context) error {
		close(began)
		<-goOn
		return j.handler(c)
	})
	h.On("next", j.handler)
	h.OnUpgrade(j.handler)
	upgraded := h.witness("/witness")
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	c.connect("/witness", nil)
	c.send(`2["slow"]`, `2["next"]`)
	receive(t, began, "the slow handler")
	c.upgrade()
	c.send(`2["next"]`)
	receive(t, upgraded, "the upgrade")
	if len(j) > 0 {
		t.Error("beside a handler that runs:", <-j)
	}
	close(goOn)
	j.want(t, "/ slow websocket", "/ next websocket", "/ upgrade websocket", "/ next websocket")
}

// A socket that is still connecting hears of it behind its connect handler, and
// one that is refused never.
func TestOnUpgradeWhileConnecting(t *testing.T) {
	h := newHost(t, nil)
	j := make(journal, 16)
	goOn := make(chan struct{})
	for nsp, refusal := range map[string]error{"/": nil, "/refused": errors.New("no")} {
		n := h.Of(nsp)
		n.OnConnect(func(c *sio.Context) error {
			<-goOn
			if nsp == "/" {
				_ = j.handler(c)
			}
			return refusal
		})
		n.OnUpgrade(j.handler)
	}
	upgraded := h.witness("/witness")
	c := dial(t, h.url, testclient.Options{})
	c.connect("/witness", nil)
	c.send("0", "0/refused,")
	c.upgrade()
	receive(t, upgraded, "the upgrade")
	close(goOn)
	j.want(t, "/ connect websocket", "/ upgrade websocket")
	c.Close()
	shut(t, h.Server)
	if len(j) > 0 {
		t.Error("after a refusal:", <-j)
	}
}

// Errors, panics and middlewares are as with any handler.
func TestOnUpgradeFails(t *testing.T) {
	h := newHost(t, nil)
	errs := make(chan error, 2)
	h.OnError(func(c *sio.Context, err error) { errs <- fmt.Errorf("%s: %w", c.Event(), err) })
	h.Of("/panics").OnError(func(_ *sio.Context, err error) { errs <- err })
	failed := errors.New("failed")
	h.OnUpgrade(func(*sio.Context) error { return nil }, func(sio.Handler) sio.Handler {
		return func(*sio.Context) error { return failed }
	})
	h.Of("/panics").OnUpgrade(func(*sio.Context) error { panic(failed) })
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	c.connect("/panics", nil)
	c.upgrade()
	for range 2 {
		if err := receive(t, errs, "an error"); !errors.Is(err, failed) {
			t.Error(err)
		}
	}
	mustPanic(t, "sio: OnUpgrade in namespace /: there is a handler already", func() { h.OnUpgrade(func(*sio.Context) error { return nil }) })
	mustPanic(t, "sio: OnUpgrade in namespace /: nil handler", func() { h.OnUpgrade(nil) })
}

func TestOnConnected(t *testing.T) {
	srv := newServer(t, nil)
	var order []string
	note := func(what string) sio.Handler {
		return func(c *sio.Context) error {
			order = append(order, what+" "+c.Event()+" "+c.Param("id"))
			return nil
		}
	}
	n := srv.Of("/room-{id}")
	failures := make(chan error, 8)
	n.OnError(func(c *sio.Context, err error) { failures <- err })
	n.Group(func(r sio.Router) {
		r.Use(func(next sio.Handler) sio.Handler {
			return func(c *sio.Context) error { return errors.Join(note("middleware")(c), next(c)) }
		})
		r.OnConnected(func(c *sio.Context) error {
			name, err := sio.Call[string](c.Context(), c, "name")
			return errors.Join(err, c.Emit("hello", name), note("handler")(c), errInternal)
		})
	})
	n.OnConnect(func(c *sio.Context) error {
		_, err := sio.Call[string](c.Context(), c, "name")
		if !errors.Is(err, sio.ErrConnecting) {
			t.Errorf("Call in the connect handler: %v", err)
		}
		return note("handler")(c)
	})
	n.On("event", func(c *sio.Context) error { return errors.Join(note("handler")(c), c.Ack()) })

	c := siotest.Connect(t, srv, &siotest.Options{Namespace: "/room-7"})
	c.Expect("name").Ack("Ada")
	c.Expect("hello").Is("Ada")
	c.Call("event").Is() // an error there does not disconnect
	if want := []string{"handler connect 7", "middleware connected 7", "handler connected 7", "handler event 7"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	if err := receive(t, failures, "the error"); !errors.Is(err, errInternal) {
		t.Errorf("error %v", err)
	}
	mustPanic(t, "sio: OnConnected in namespace /room-{id}: there is a handler already", func() { n.OnConnected(note("second")) })
}

// A panic in OnConnected is contained as anywhere.
func TestOnConnectedPanics(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger(), Recovery: &sio.Recovery{Window: time.Minute}})
	srv.OnConnected(func(*sio.Context) error { panic("no") })
	srv.On("event", func(c *sio.Context) error { return c.Ack() })
	siotest.Connect(t, srv).Call("event").Is()
	if line := log.only(t, "handler panicked"); line["event"] != "connected" {
		t.Errorf("log line %v", line)
	}
}

// TestErrorsThatPanic has handlers return what looks like an error and is a nil
// pointer: looking into it panics, outside the handler.
func TestErrorsThatPanic(t *testing.T) {
	typedNil := func(*sio.Context) error {
		var err *os.PathError
		return err
	}
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.On("event", typedNil)
	srv.On("alive", func(c *sio.Context) error { return c.Ack() })
	srv.Of("/refused").OnConnect(typedNil)
	left := make(chan bool)
	n := srv.Of("/left")
	n.OnDisconnecting(typedNil)
	n.OnDisconnect(func(*sio.Context) error { close(left); return nil })

	c := siotest.Connect(t, srv)
	if err := c.CallError("event"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
	if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/refused"}); err.Error() != "internal error" {
		t.Errorf("refused with %v", err)
	}
	c.Of("/left", nil).Disconnect()
	receive(t, left, "OnDisconnect")
	c.Call("alive").Is()
	if lines := log.lines(t, "panic while an error was handled"); len(lines) != 3 {
		t.Errorf("%d log lines, want 3", len(lines))
	}
}

// A panic tells a client nothing, not even with an Error.
func TestPanicWithError(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("x", func(*sio.Context) error { panic(&sio.Error{Message: "told"}) })
	c := siotest.Connect(t, srv)
	if err := c.CallError("x"); err.Error() != "internal error" {
		t.Errorf("answer %v", err)
	}
}

// TestGoexit has handlers end their goroutine, as FailNow does in a test. The
// client must not be stuck with it.
func TestGoexit(t *testing.T) {
	exit := func(*sio.Context) error {
		runtime.Goexit()
		return nil
	}
	srv := newServer(t, nil)
	srv.On("exit", exit)
	srv.On("alive", func(c *sio.Context) error { return c.Ack() })
	srv.Of("/refused").OnConnect(exit)
	left := make(chan string, 2)
	n := srv.Of("/left")
	n.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	n.OnDisconnecting(exit)
	n.OnDisconnect(func(c *sio.Context) error {
		left <- c.ID()
		runtime.Goexit()
		return nil
	})

	c := siotest.Connect(t, srv)
	c.Emit("exit")
	c.Call("alive").Is()
	siotest.Refused(t, srv, &siotest.Options{Namespace: "/refused"})
	c.Of("/left", nil).Disconnect()
	receive(t, left, "OnDisconnect")
	c.Call("alive").Is()
	if n := srv.Of("/left").Len(); n != 0 {
		t.Errorf("%d sockets stay", n)
	}
}
