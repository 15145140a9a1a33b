package socketio_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio"
)

// TestConnectTimeout has connections that are in no namespace.
func TestConnectTimeout(t *testing.T) {
	opts := &socketio.Options{Engine: quiet}
	no := &socketio.Refusal{Message: "no"}
	bubble(t, "no CONNECT", opts, func(t *testing.T, h *host) {
		start := time.Now()
		c := h.ws()
		c.closed()
		after(t, start, 45*time.Second)
		h.sessionEnds("forced close")
	})
	bubble(t, "no CONNECT over polling", &socketio.Options{Engine: quiet, ConnectTimeout: 3 * time.Second}, func(t *testing.T, h *host) {
		start := time.Now()
		p := h.poll()
		p.get().want(t, 200, "1")
		after(t, start, 3*time.Second)
		h.sessionEnds("forced close")
	})
	bubble(t, "never back behind the handshake", &socketio.Options{ConnectTimeout: 44 * time.Second}, func(t *testing.T, h *host) {
		h.poll()
		time.Sleep(45*time.Second + time.Millisecond) // by then it would have been given up, too
		synctest.Wait()
		if n := h.Connections(); n != 0 {
			t.Errorf("%d connections", n)
		}
	})
	bubble(t, "unknown namespaces only", opts, func(t *testing.T, h *host) {
		start := time.Now()
		c := h.ws()
		time.Sleep(30 * time.Second)
		c.send("40/nope")
		c.want(`44/nope,{"message":"Invalid namespace"}`)
		c.closed()
		after(t, start, 45*time.Second)
	})
	bubble(t, "refused", opts, func(t *testing.T, h *host) {
		h.of("/", &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal { return no }})
		start := time.Now()
		c := h.ws()
		time.Sleep(44 * time.Second)
		c.send("40")
		c.want(`44{"message":"no"}`)
		c.closed()
		after(t, start, 45*time.Second)
	})
	bubble(t, "joined", opts, func(t *testing.T, h *host) {
		h.of("/", nil)
		c := h.ws()
		time.Sleep(44 * time.Second)
		c.join("/")
		time.Sleep(100 * time.Hour)
		c.alive("/")
	})
	bubble(t, "a decision takes its time", opts, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		h.of("/", deciding(decide))
		c := h.ws()
		c.send("40")
		time.Sleep(100 * time.Hour)
		decide <- nil
		connected(t, "/", c.read())
		time.Sleep(100 * time.Hour)
		c.alive("/")
	})
	bubble(t, "refused late", opts, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		h.of("/", deciding(decide))
		c := h.ws()
		c.send("40")
		time.Sleep(100*time.Hour + time.Second) // not at the moment of a check
		decide <- no
		c.want(`44{"message":"no"}`)
		start := time.Now()
		c.closed()
		if d := time.Since(start); d > 45*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
	bubble(t, "last namespace left", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		chat := h.of("/chat", nil)
		c := h.ws()
		c.join("/")
		c.join("/chat")
		c.send("41/chat,")
		time.Sleep(time.Hour)
		c.send("41")
		time.Sleep(44 * time.Second)
		c.join("/chat")
		time.Sleep(time.Hour)
		root.socket()
		chat.socket()
		chat.socket().Disconnect(false)
		c.want("41/chat,")
		start := time.Now()
		c.closed()
		after(t, start, 45*time.Second)
	})
	// The client leaves between the decision and its effect.
	bubble(t, "left while being admitted", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		c := h.ws()
		start := time.Now()
		unpin := root.PinRooms()
		c.send("40")
		s := root.socket()
		for !s.Accepted() {
			runtime.Gosched()
		}
		c.send("41")
		for s.Reason() == "" {
			runtime.Gosched()
		}
		unpin()
		c.closed() // without an answer to the CONNECT
		after(t, start, 45*time.Second)
		root.wants("connect")
		root.leaves("client namespace disconnect")
	})
}

// TestExpireAt has connections that end at a time of their own.
func TestExpireAt(t *testing.T) {
	opts := &socketio.Options{Engine: quiet}
	bubble(t, "the last call counts", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		chat := h.of("/chat", nil)
		start := time.Now()
		c := h.ws()
		c.join("/")
		c.join("/chat")
		s := root.socket()
		s.ExpireAt(start.Add(time.Minute))
		s.ExpireAt(start.Add(time.Hour))
		time.Sleep(59 * time.Minute)
		c.alive("/")
		c.restarted() // without a DISCONNECT: the client shall come again
		after(t, start, time.Hour)
		h.sessionEnds("forced close")
		root.wants("connect", "event alive")
		root.leaves("forced close")
		chat.wants("connect")
		chat.leaves("forced close")
	})
	bubble(t, "in the connect handler", opts, func(t *testing.T, h *host) {
		h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			s.ExpireAt(time.Now()) // too late already
			return nil
		}})
		c := h.ws()
		c.send("40")
		h.sessionEnds("forced close")
	})
	bubble(t, "taken back, or left before", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		chat := h.of("/chat", nil)
		c := h.ws()
		c.join("/")
		c.join("/chat")
		root.socket().ExpireAt(time.Now().Add(time.Hour))
		s := chat.socket()
		s.ExpireAt(time.Now().Add(time.Hour))
		s.ExpireAt(time.Time{})
		c.send("41")
		root.wants("connect")
		root.leaves("client namespace disconnect")
		time.Sleep(100 * time.Hour)
		c.alive("/chat")
		s.Disconnect(false)
		c.want("41/chat,")
		s.ExpireAt(time.Now()) // of no use any more
		c.join("/")
		time.Sleep(time.Hour)
		c.alive("/")
	})
}
