package sio_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
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
