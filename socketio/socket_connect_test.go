package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// quiet keeps the heartbeat out of tests in fake time.
var quiet = engineio.Options{PingInterval: 590 * time.Hour, PingTimeout: time.Hour}

// bubble runs a test in fake time.
func bubble(t *testing.T, name string, opts *socketio.Options, f func(t *testing.T, h *host)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, opts)) })
	})
}

// deciding is a namespace whose connect handler waits for decide, and refuses
// what is sent there.
func deciding(decide chan *socketio.Refusal) *nsp {
	return &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal { return <-decide }}
}

// TestEarlyPackets has packets that come while the connect handler runs.
func TestEarlyPackets(t *testing.T) {
	no := &socketio.Refusal{Message: "no"}
	bubble(t, "events are kept and handled afterwards", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send("40", `421["a",1]`, `451-2["b",{"_placeholder":true,"num":0}]`)
		c.binary("x")
		c.send(`423["c"]`)
		synctest.Wait()
		root.silent()
		decide <- nil
		connected(t, "/", c.read())
		c.want("431[1]", `461-2[{"_placeholder":true,"num":0}]`)
		c.wantBinary("x")
		c.want("433[]")
		root.wants("connect", "event a 1", `event b {"_placeholder":true,"num":0}`, "event c")
	})
	bubble(t, "events are dropped on refusal, and behind it", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send("40", `421["a"]`, `422["b"]`)
		synctest.Wait()
		decide <- no
		c.want(`44{"message":"no"}`)
		c.send(`423["c"]`, "430[]", "41", "41", `424["d"]`) // may have been under way
		c.send("40")
		decide <- nil
		connected(t, "/", c.read())
		c.alive("/")
		root.wants("refuse", "connect", "event alive")
		root.silent()
	})
	bubble(t, "second CONNECT", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send("40", "40")
		c.closed()
		h.sessionEnds("forced close")
		decide <- nil
		root.wants("connect")
		root.leaves("forced close")
	})
	bubble(t, "second CONNECT behind a refusal to come", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send("40", "40")
		c.closed()
		decide <- no
		root.wants("refuse")
		synctest.Wait()
		root.silent()
	})
	bubble(t, "DISCONNECT, and CONNECT again", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root := h.of("/", deciding(decide))
		c := h.ws()
		c.send("40", `421["a"]`, "41", "40", `422["b"]`)
		synctest.Wait()
		decide <- nil // to either of them
		decide <- nil
		connected(t, "/", c.read())
		c.want("432[]")
		left, right := root.socket(), root.socket()
		if left.Connected() == right.Connected() {
			t.Errorf("connected: %t, %t", left.Connected(), right.Connected())
		}
	})
	bubble(t, "packets behind a Disconnect of the server", nil, func(t *testing.T, h *host) {
		root, chat := h.of("/", nil), h.of("/chat", nil)
		c := h.ws()
		c.join("/")
		c.join("/chat")
		chat.socket().Disconnect(false)
		c.want("41/chat,")
		chat.wants("connect")
		chat.leaves("server namespace disconnect")
		c.send(`42/chat,1["a"]`, `43/chat,0[]`, `451-/chat,["b",{"_placeholder":true,"num":0}]`)
		c.binary("x")
		c.send("41/chat,", "41/chat,")
		c.alive("/")
		c.join("/chat")
		c.send("41/chat,", `42/chat,["a"]`) // now it is the client that has left
		c.closed()
		root.wants("connect", "event alive")
		chat.wants("connect")
		chat.leaves("client namespace disconnect")
		chat.silent()
	})
	bubble(t, "one namespace waits for no other", nil, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		h.of("/", nil)
		h.of("/slow", deciding(decide))
		c := h.ws()
		c.send("40/slow,", `42/slow,1["a"]`)
		c.join("/")
		c.alive("/")
		decide <- nil
		connected(t, "/slow", c.read())
		c.want(`43/slow,1[]`)
	})
}

// TestAuth has the payload of the CONNECT, which is there while it is decided.
func TestAuth(t *testing.T) {
	h := newHost(t, nil)
	type auth struct{ Token string }
	got := make(chan string, 1)
	root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
		a := auth{"none"}
		err := s.BindAuth(&a)
		got <- fmt.Sprint(a.Token, " ", err != nil)
		return nil
	}})
	for send, want := range map[string]string{
		`40`:                `none false`,
		`40{}`:              `none false`,
		`40{"token":"x"}`:   `x false`,
		`40/,{"token":"y"}`: `y false`,
		`40{"token":1}`:     `none true`,
		`40{"token":{"_placeholder":true,"num":0}}`: `none true`,
	} {
		c := h.ws()
		c.send(send)
		connected(t, "/", c.read())
		if g := <-got; g != want {
			t.Errorf("%s: %s, want %s", send, g, want)
		}
		c.alive("/") // the decision is complete
		if err := root.socket().BindAuth(new(auth)); !errors.Is(err, socketio.ErrAuthGone) {
			t.Errorf("BindAuth afterwards: %v", err)
		}
		c.leave()
	}
}

// TestDisconnectInConnect has a Disconnect while the connect handler runs. It
// takes place behind the answer.
func TestDisconnectInConnect(t *testing.T) {
	for _, tt := range []struct {
		name   string
		close  []bool // the calls
		refuse bool
		want   []string // behind the answer, "closed" being the connection's end
	}{
		{"accepted", []bool{false}, false, []string{"41/chat,"}},
		{"accepted, closed", []bool{true}, false, []string{"41", "41/chat,", "closed"}},
		{"accepted, both", []bool{false, true}, false, []string{"41", "41/chat,", "closed"}},
		{"accepted, both the other way round", []bool{true, false}, false, []string{"41", "41/chat,", "closed"}},
		{"refused", []bool{false}, true, nil},
		{"refused, closed", []bool{true}, true, []string{"41", "closed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			root := h.of("/", nil)
			chat := h.of("/chat", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
				for _, c := range tt.close {
					s.Disconnect(c)
				}
				if tt.refuse {
					return &socketio.Refusal{Message: "no"}
				}
				return nil
			}})
			c := h.ws()
			c.join("/")
			c.send("40/chat")
			if tt.refuse {
				c.want(`44/chat,{"message":"no"}`)
				chat.wants("refuse")
			} else {
				connected(t, "/chat", c.read())
				chat.wants("connect")
				chat.leaves("server namespace disconnect")
			}
			root.wants("connect")
			closed := false
			for _, want := range tt.want {
				if want == "closed" {
					c.closed()
					h.sessionEnds("forced close")
					root.leaves("server namespace disconnect")
					closed = true
				} else {
					c.want(want)
				}
			}
			if !closed {
				c.alive("/")
			}
		})
	}
}

// TestDisconnectOtherConnecting closes a connection that has a namespace still
// to decide. The client is told that it is not wanted there either: else it
// would reconnect by itself.
func TestDisconnectOtherConnecting(t *testing.T) {
	bubble(t, "connecting", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		root, chat := h.of("/", nil), h.of("/chat", deciding(decide))
		c := h.ws()
		c.join("/")
		c.send("40/chat,")
		synctest.Wait()
		root.socket().Disconnect(true)
		c.want("41", "41/chat,")
		c.closed()
		decide <- nil
		chat.wants("connect")
		chat.leaves("server namespace disconnect")
	})
}

// TestLeavesWhileConnecting has a client that leaves while its connect handler
// runs.
func TestLeavesWhileConnecting(t *testing.T) {
	for _, tt := range []struct {
		name   string
		leave  func(c *client)
		reason socketio.Reason
	}{
		{"DISCONNECT", func(c *client) { c.send("41") }, "client namespace disconnect"},
		{"close frame", func(c *client) { c.leave() }, "transport close"},
		{"connection lost", func(c *client) { c.conn.Close() }, "transport close"},
		{"bad packet", func(c *client) { c.send("4x"); c.closed() }, "forced close"},
	} {
		for _, refuse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/refused %t", tt.name, refuse), func(t *testing.T) {
				h := newHost(t, nil)
				running := make(chan *socketio.Socket, 1)
				root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
					if err := s.Join("room"); err != nil {
						t.Error(err)
					}
					if err := s.Emit("held"); err != nil {
						t.Error(err)
					}
					running <- s
					<-s.Context().Done()
					if got := context.Cause(s.Context()); got != tt.reason || s.Reason() != tt.reason {
						t.Errorf("cause %v, reason %q, want %q", got, s.Reason(), tt.reason)
					}
					if err := s.Emit("e"); !errors.Is(err, socketio.ErrClosed) {
						t.Errorf("Emit: %v", err)
					}
					if refuse {
						return &socketio.Refusal{Message: "no"}
					}
					return nil
				}})
				h.of("/other", nil)
				c := h.ws()
				c.send("40")
				<-running
				tt.leave(c)
				if refuse {
					root.wants("refuse")
				} else {
					root.wants("connect")
					root.leaves(tt.reason)
				}
				root.silent()
				if tt.name == "DISCONNECT" { // neither answer nor what was held back
					c.join("/other")
				}
			})
		}
	}
}

// TestEmitBehindAnswer emits when the client has the answer to its CONNECT and we,
// who have sent it, have done nothing since. That is delivered, volatile or not,
// even if the session is closed at once.
func TestEmitBehindAnswer(t *testing.T) {
	sending := &stuckLog{at: `"packet sent"`, entered: make(chan bool), release: make(chan bool)}
	log := zerolog.New(sending).Level(zerolog.DebugLevel)
	h := newHost(t, &socketio.Options{Logger: &log, Engine: quiet})
	n := h.of("/", nil)
	c := h.ws()
	c.send("40")
	connected(t, "/", c.read())
	<-sending.entered
	s := n.socket()
	if !s.Connected() {
		t.Error("not connected")
	}
	done(t, s.Volatile().Emit("volatile"), s.Emit("last"))
	s.Session().Close()
	c.want(`42["volatile"]`, `42["last"]`)
	c.restarted()
	close(sending.release)
	n.wants("connect")
	n.leaves("forced close")
}

// TestAnswerOfOneWhoLeft has a client leave before its CONNECT is answered, and come
// again: the first answer is not sent behind the second.
func TestAnswerOfOneWhoLeft(t *testing.T) {
	admitting := &stuckLog{at: `"socket connected"`, entered: make(chan bool), release: make(chan bool)}
	log := zerolog.New(admitting)
	h := newHost(t, &socketio.Options{Logger: &log, Engine: quiet})
	left := make(chan bool, 2)
	h.of("/", &nsp{quiet: true, onDisconnect: func(*socketio.Socket, socketio.Reason) { left <- true }})
	c := h.ws()
	c.send("40")
	<-admitting.entered
	c.send("41", "40")
	connected(t, "/", c.read())
	close(admitting.release)
	timetest.Receive(t, left, h.limit, "the end of the first")
	c.alive("/")
}

// A stuckLog blocks who logs a message, but only the first one.
type stuckLog struct {
	at               string
	once             atomic.Bool
	entered, release chan bool
}

func (l *stuckLog) Write(line []byte) (int, error) {
	if strings.Contains(string(line), l.at) && !l.once.Swap(true) {
		l.entered <- true
		<-l.release
	}
	return len(line), nil
}
