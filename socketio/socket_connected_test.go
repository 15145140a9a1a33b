package socketio_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// A greeting is a namespace that is told of the sockets that it has accepted.
type greeting struct {
	nsp
	onConnected func(*socketio.Socket)
}

func (n *greeting) Connected(s *socketio.Socket) {
	n.enter(s, "accepted")
	defer n.exit(s, "accepted")
	n.onConnected(s)
}

func (h *host) greeting(name string) *greeting {
	n := &greeting{}
	n.init(h, func() *socketio.Namespace { return h.Of(name, n) })
	return n
}

// While the connect handler runs, nobody waits for an answer of the socket.
func TestNoAnswerCanComeWhileConnecting(t *testing.T) {
	bubble(t, "", nil, func(t *testing.T, h *host) {
		n := h.of("/", nil)
		told := 0
		n.OnOutgoing(func(*socketio.Socket, string, []any) { told++ })
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			done(t, s.Join("room"))
			for name, ask := range map[string]func() error{
				"Socket":   func() error { _, err := s.EmitWithAck(s.Context(), "q"); return err },
				"volatile": func() error { _, err := s.Volatile().EmitWithAck(s.Context(), "q"); return err },
				"Timeout":  func() error { _, err := s.Timeout(time.Hour).EmitWithAck(s.Context(), "q"); return err },
				"a context that ends": func() error {
					ctx, cancel := context.WithTimeout(s.Context(), time.Hour)
					defer cancel()
					_, err := s.EmitWithAck(ctx, "q")
					return err
				},
				"another goroutine": func() error {
					result := make(chan error)
					go func() {
						_, err := s.EmitWithAck(s.Context(), "q")
						result <- err
					}()
					return <-result
				},
				"a room": func() error {
					answers, err := n.All().To("room").EmitWithAck(s.Context(), "q")
					if err != nil || len(answers) != 1 || answers[0].ID != s.ID() {
						return fmt.Errorf("answers %v, %v", answers, err)
					}
					return answers[0].Err
				},
			} {
				start := time.Now()
				if err := ask(); err != socketio.ErrConnecting {
					t.Errorf("%s: error %v", name, err)
				}
				after(t, start, 0)
			}
			if told != 0 || s.PendingAcks() != 0 {
				t.Errorf("%d events told of, %d acks pending", told, s.PendingAcks())
			}
			return nil
		}
		c := h.ws()
		c.join("/") // and nothing of that is sent
		s := n.socket()
		result := make(chan error)
		go func() {
			_, err := s.EmitWithAck(s.Context(), "q")
			result <- err
		}()
		c.want(`421["q"]`)
		c.send(`431[]`)
		done(t, <-result)
		c.conn.Close()
		<-s.Context().Done()
		if _, err := s.EmitWithAck(context.Background(), "q"); err == nil || err == socketio.ErrConnecting {
			t.Errorf("behind the end: %v", err)
		}
	})
}

// Connected comes behind the answer and before the events, and may ask the client.
func TestConnected(t *testing.T) {
	o := &socketio.Options{EventQueue: 1, Engine: engineio.Options{PingInterval: time.Hour}}
	bubble(t, "it may ask, though an event waits", o, func(t *testing.T, h *host) {
		n := h.greeting("/")
		var answer int
		n.onConnected = func(s *socketio.Socket) {
			args, err := s.EmitWithAck(s.Context(), "how old")
			done(t, err, args.Bind(&answer), s.Emit("behind"))
		}
		n.onEvent = func(s *socketio.Socket, e *socketio.Event) {
			n.write(fmt.Sprint("event at ", answer))
			done(t, s.Ack(e))
		}
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			done(t, s.Emit("first"))
			return nil
		}
		c := h.ws()
		c.join("/")
		c.want(`42["first"]`, `420["how old"]`)
		c.send(`430[7]`, `421["event"]`)
		c.want(`42["behind"]`, `431[]`)
		n.wants("connect", "event at 7")
	})
	bubble(t, "events wait for it", nil, func(t *testing.T, h *host) {
		n := h.greeting("/")
		goOn := make(chan struct{})
		n.onConnected = func(s *socketio.Socket) { <-goOn }
		c := h.ws()
		c.send("40", `42["one"]`, `42["two"]`)
		connected(t, "/", c.read())
		n.wants("connect")
		synctest.Wait()
		n.silent()
		close(goOn)
		n.wants("event one", "event two")
	})
	bubble(t, "not who is refused, or has left", nil, func(t *testing.T, h *host) {
		n := h.greeting("/")
		n.onConnected = func(*socketio.Socket) { t.Error("called") }
		n.onConnect = func(*socketio.Socket) *socketio.Refusal { return &socketio.Refusal{Message: "no"} }
		c := h.ws()
		c.send("40")
		c.want(`44{"message":"no"}`)
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			c.conn.Close()
			<-s.Context().Done()
			return nil
		}
		c.send("40")
		n.wants("refuse", "connect")
		n.leaves("transport close")
		n.onConnect = func(s *socketio.Socket) *socketio.Refusal {
			s.Disconnect()
			return nil
		}
		c = h.ws()
		c.send("40")
		connected(t, "/", c.read())
		c.want("41")
		n.wants("connect")
		n.leaves("server namespace disconnect")
	})
	bubble(t, "it ends the goroutine", nil, func(t *testing.T, h *host) {
		n := h.greeting("/")
		n.onConnected = func(s *socketio.Socket) { runtime.Goexit() }
		c := h.ws()
		c.join("/")
		c.alive("/")
	})
	bubble(t, "who is recovered, too", recovering(socketio.Recovery{}), func(t *testing.T, h *host) {
		n := h.greeting("/")
		n.onConnected = func(s *socketio.Socket) { done(t, s.Emit("hello", s.Recovered())) }
		g := h.guest("/")
		n.wants("connect")
		g.hears("hello false")
		g.cut(&n.nsp)
		if !g.come() {
			t.Fatal("not recovered")
		}
		g.hears("hello true")
	})
	bubble3(t, "revision 3", func(t *testing.T, h *host) {
		n := h.greeting("/")
		n.onConnected = func(s *socketio.Socket) {
			_, err := s.EmitWithAck(s.Context(), "q")
			done(t, err, s.Emit("thanks"))
		}
		c := h.ws()
		c.want("40", `420["q"]`)
		c.send(`430[]`)
		c.want(`42["thanks"]`)
	})
}
