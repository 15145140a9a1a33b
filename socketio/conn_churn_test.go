package socketio_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// TestConnectChurn has a client come and go while nobody is let in: what it
// makes us hold is bounded, and afterwards everything goes on.
func TestConnectChurn(t *testing.T) {
	for _, tt := range []struct {
		name    string
		opts    socketio.Options
		payload string
		most    int // connect handlers at once
	}{
		{"in number", socketio.Options{EventQueue: 10, Engine: quiet}, "", 10},
		{"in bytes", socketio.Options{Engine: engineio.Options{MaxPayload: 1000, PingInterval: quiet.PingInterval}}, `{"x":"` + strings.Repeat("x", 900) + `"}`, 3},
	} {
		bubble(t, tt.name, &tt.opts, func(t *testing.T, h *host) {
			const total = 100
			entered := make(chan bool, total)
			release := make(chan bool)
			h.of("/", &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal {
				entered <- true
				<-release
				return &socketio.Refusal{Message: "no"}
			}})
			h.of("/other", nil)
			c := h.ws()
			sent := make(chan error, 1)
			go func() { // ends with the last packet
				var err error
				for range total {
					if err == nil {
						err = c.trySend("40"+tt.payload, "41")
					}
				}
				sent <- err
			}()
			synctest.Wait()
			if n := len(entered); n == 0 || n > tt.most {
				t.Errorf("%d connect handlers at once, want at most %d", n, tt.most)
			}
			close(release)
			if err := <-sent; err != nil {
				t.Errorf("send: %v", err)
			}
			c.send("40/other,")
			answer := c.read()
			for answer == `44{"message":"no"}` { // to those whom 41 came too late for
				answer = c.read()
			}
			connected(t, "/other", answer)
		})
	}
}

// TestDisconnectMeetsRefusal has a client leave while it is being refused. It may come
// again behind its DISCONNECT: no CONNECT of it is a second one.
func TestDisconnectMeetsRefusal(t *testing.T) {
	h := newHost(t, &socketio.Options{Engine: quiet})
	h.of("/", &nsp{quiet: true, onConnect: func(*socketio.Socket) *socketio.Refusal { return &socketio.Refusal{Message: "no"} }})
	h.of("/other", nil)
	c := h.ws()
	sent := make(chan error, 1)
	go func() { // ends with the last packet
		var err error
		for i := 0; i < 3000 && err == nil; i++ {
			err = c.trySend("40", "41")
		}
		sent <- errors.Join(err, c.trySend("40/other,"))
	}()
	answer := c.read()
	for answer == `44{"message":"no"}` {
		answer = c.read()
	}
	connected(t, "/other", answer)
	done(t, <-sent)
}

// TestKicked has events wait in a queue when the server throws their client out.
func TestKicked(t *testing.T) {
	bubble(t, "events behind Disconnect", nil, func(t *testing.T, h *host) {
		release := make(chan bool)
		events := 0
		root := h.of("/", &nsp{onEvent: func(s *socketio.Socket, e *socketio.Event) {
			<-release
			events++
			s.Disconnect()
		}})
		c := h.ws()
		c.join("/")
		c.send(`42["first"]`, `42["second"]`)
		synctest.Wait()
		close(release)
		c.want("41")
		root.wants("connect")
		root.leaves("server namespace disconnect")
		if events != 1 {
			t.Errorf("%d events handled, want 1", events)
		}
	})
}

func TestNamespaceWithControlCharacter(t *testing.T) {
	bubble(t, "two packets in one message", nil, func(t *testing.T, h *host) {
		h.of("/", nil)
		c := h.ws()
		c.send("40/a\x1e40")
		c.closed()
	})
}
