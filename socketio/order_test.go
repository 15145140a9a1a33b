package socketio_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

// counting is an event handler that expects the numbers from 0 in order, and
// closes done behind the last.
func counting(t *testing.T, total int) (onEvent func(*socketio.Socket, *socketio.Event), done chan struct{}) {
	next := 0
	done = make(chan struct{})
	return func(_ *socketio.Socket, e *socketio.Event) {
		if n, err := strconv.Atoi(string(e.Args().Raw(0))); err != nil || n != next {
			t.Errorf("event %s, want %d", e.Args().Raw(0), next)
		}
		if next++; next == total {
			close(done)
		}
	}, done
}

// countingFrom has a root namespace that handles events as counting does, once release is
// closed.
func countingFrom(t *testing.T, h *host, total int, release <-chan bool) (done chan struct{}) {
	count, done := counting(t, total)
	h.of("/", &nsp{onEvent: func(s *socketio.Socket, e *socketio.Event) {
		<-release
		count(s, e)
	}})
	return done
}

func numbered(i int) string { return `42["n",` + strconv.Itoa(i) + `]` }

// TestOrder sends many events, which are handled one at a time and in order.
func TestOrder(t *testing.T) {
	// With a queue of one, the connection is paused and resumed all the time.
	for _, queue := range []int{0, 1, 2} {
		t.Run(fmt.Sprintf("websocket, in pieces of all sizes, EventQueue %d", queue), func(t *testing.T) {
			const total = 100_000
			h := newHost(t, &socketio.Options{EventQueue: queue})
			root := &nsp{}
			var done chan struct{}
			root.onEvent, done = counting(t, total)
			h.of("/", root)
			c := h.ws()
			c.join("/")
			for i, piece := 0, 1; i < total; piece = piece%300 + 1 {
				var packets []string
				for ; i < total && len(packets) < piece; i++ {
					packets = append(packets, numbered(i))
				}
				c.send(packets...)
			}
			select {
			case <-done:
			case r := <-h.ended:
				t.Fatalf("session ended with %q before the last event", r)
			}
		})
	}
	t.Run("polling, one payload of 100,000", func(t *testing.T) {
		const total = 100_000
		h := newHost(t, &socketio.Options{Engine: engineio.Options{MaxPayload: 2_000_000}})
		root := &nsp{}
		var done chan struct{}
		root.onEvent, done = counting(t, total)
		h.of("/", root)
		p := h.poll()
		p.join("/")
		packets := make([]string, total)
		for i := range packets {
			packets[i] = numbered(i)
		}
		p.send(packets...)
		timetest.Receive(t, done, h.limit, "the last event")
	})
	t.Run("binary and text", func(t *testing.T) {
		const total = 2000
		h := newHost(t, nil)
		root := &nsp{}
		var done chan struct{}
		root.onEvent, done = counting(t, total)
		h.of("/", root)
		c := h.ws()
		c.join("/")
		for i := range total {
			if i%3 == 0 {
				c.send(fmt.Sprintf(`451-["n",%d,{"_placeholder":true,"num":0}]`, i))
				c.binary("x")
			} else {
				c.send(numbered(i))
			}
		}
		timetest.Receive(t, done, h.limit, "the last event")
	})
}

// TestParallel has handlers that can only return when another socket's one
// runs.
func TestParallel(t *testing.T) {
	bubble(t, "connections and namespaces", nil, func(t *testing.T, h *host) {
		const sockets = 6
		arrived := make(chan bool)
		release := make(chan bool)
		meet := func(s *socketio.Socket, e *socketio.Event) {
			arrived <- true
			<-release
			s.Ack(e)
		}
		h.of("/", &nsp{onEvent: meet})
		h.of("/chat", &nsp{onEvent: meet})
		var clients []*client
		for range sockets / 2 {
			c := h.ws()
			c.join("/")
			c.join("/chat")
			c.send(`421["e"]`, `42/chat,1["e"]`)
			clients = append(clients, c)
		}
		for range sockets {
			<-arrived
		}
		close(release)
		for _, c := range clients {
			if got := c.read() + c.read(); got != `431[]43/chat,1[]` && got != `43/chat,1[]431[]` {
				t.Errorf("answers %q", got)
			}
		}
	})
	bubble(t, "a slow handler delays only its socket", nil, func(t *testing.T, h *host) {
		release := make(chan bool)
		h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-release }})
		h.of("/chat", nil)
		slow, other := h.ws(), h.ws()
		slow.join("/")
		slow.join("/chat")
		other.join("/chat")
		for range 50 {
			slow.send(`42["e"]`)
			slow.alive("/chat")
			other.alive("/chat")
		}
		close(release)
	})
}

// TestHandlerWaitsForAck has a handler that asks its own client, which sends
// events, and pongs, before it answers.
func TestHandlerWaitsForAck(t *testing.T) {
	for _, transport := range []string{"websocket", "polling"} {
		bubble(t, transport, nil, func(t *testing.T, h *host) {
			root := &nsp{}
			root.onEvent = func(s *socketio.Socket, e *socketio.Event) {
				root.write("begin " + e.Name())
				if e.Name() == "ask" {
					args, err := s.EmitWithAck(t.Context(), "q", 7)
					var answer string
					if err == nil {
						err = args.Bind(&answer)
					}
					root.write(fmt.Sprint("answer ", answer, " ", err))
				}
				root.write("end " + e.Name())
			}
			h.of("/", root)
			var send, want func(packets ...string)
			if transport == "websocket" {
				c := h.ws()
				c.join("/")
				send, want = c.send, c.want
			} else {
				p := h.poll()
				p.join("/")
				send = p.send
				want = func(packets ...string) {
					t.Helper()
					for _, packet := range packets {
						p.get().want(t, 200, packet)
					}
				}
			}
			send(`42["ask"]`)
			want(`420["q",7]`)
			for i := range 5 { // each past a ping, and all far beyond the timeout
				want("2")
				send("3", `42["e`+strconv.Itoa(i)+`"]`)
			}
			synctest.Wait()
			root.wants("connect", "begin ask")
			root.silent()
			send(`430["yes"]`)
			root.wants("answer yes <nil>", "end ask")
			for i := range 5 {
				root.wants(fmt.Sprint("begin e", i), fmt.Sprint("end e", i))
			}
		})
	}
}

// TestBackpressure fills the queue of events. The connection is read no more,
// and the client not taken for dead; afterwards everything is there.
func TestBackpressure(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts socketio.Options
		pad  int
		fit  int // events that are read: the first is in its handler, the others wait
	}{
		{"default", socketio.Options{}, 0, 1 + 128},
		{"bound in events", socketio.Options{EventQueue: 5}, 0, 1 + 5},
		{"one", socketio.Options{EventQueue: 1}, 0, 1 + 1},
		{"bound in bytes", socketio.Options{Engine: engineio.Options{MaxPayload: 1000}}, 950, 1 + 3},
	} {
		const total = 300
		event := func(i int) string {
			return fmt.Sprintf(`42["n",%d,"%s"]`, i, strings.Repeat("x", tt.pad))
		}
		bubble(t, tt.name+"/websocket", &tt.opts, func(t *testing.T, h *host) {
			release := make(chan bool)
			done := countingFrom(t, h, total, release)
			h.of("/chat", nil)
			c := h.ws()
			c.join("/")
			c.send(event(0))
			synctest.Wait()
			sent := 1
			var err error
			sender := make(chan bool)
			go func() { // ends behind the last event
				defer close(sender)
				for sent < total && err == nil {
					if err = c.trySend(event(sent)); err == nil {
						sent++
					}
				}
			}()
			synctest.Wait()
			if sent != tt.fit {
				t.Errorf("%d events were read, want %d", sent, tt.fit)
			}
			for range 1000 {
				c.want("2") // a ping; its pong has to wait
			}
			select {
			case r := <-h.ended:
				t.Fatalf("session ended with %q", r)
			default:
			}
			close(release)
			<-sender
			<-done
			if err != nil {
				t.Fatalf("send: %v", err)
			}
			c.send("3")
			c.send("42/nope") // behind everything else
			c.closed()
		})
		bubble(t, tt.name+"/polling", &tt.opts, func(t *testing.T, h *host) {
			release := make(chan bool)
			done := countingFrom(t, h, total, release)
			p := h.poll()
			p.join("/")
			answered := make(chan reply, total)
			p.send(event(0))
			synctest.Wait()
			var packets []string
			go func() { // ends with the last POST's answer
				defer close(answered)
				for i := 1; i < total; i++ {
					packets = append(packets, event(i))
					if tt.pad > 0 || i == total-1 {
						answered <- p.post(packets...)
						packets = nil
					}
				}
			}()
			time.Sleep(100 * time.Hour)
			synctest.Wait()
			if tt.pad == 0 && len(answered) > 0 {
				t.Error("the POST is answered though its events were not read")
			}
			if tt.pad > 0 && len(answered) != tt.fit-1 {
				t.Errorf("%d more POSTs are answered, want %d", len(answered), tt.fit-1)
			}
			p.get().want(t, 200, "2")
			close(release)
			for r := range answered {
				r.want(t, 200, "ok")
			}
			<-done
			p.send("3")
		})
	}
	// Events that wait while the connection is decided count too.
	bubble(t, "while connecting", &socketio.Options{EventQueue: 3}, func(t *testing.T, h *host) {
		decide := make(chan *socketio.Refusal)
		h.of("/", deciding(decide))
		h.of("/other", nil)
		c := h.ws()
		c.send("40")
		sent := make(chan int, 100)
		go func() { // ends with the last event
			for i := range cap(sent) {
				if c.trySend(numbered(i)) != nil {
					break
				}
				sent <- i
			}
			close(sent)
		}()
		synctest.Wait()
		if len(sent) != 2 {
			t.Errorf("%d events were read, want 2 beside the CONNECT", len(sent))
		}
		decide <- &socketio.Refusal{Message: "no"}
		c.want(`44{"message":"no"}`)
		for range sent {
		}
		c.join("/other")
		c.alive("/other")
	})
	// A paused connection ends with the server.
	bubble(t, "shutdown", &socketio.Options{EventQueue: 1}, func(t *testing.T, h *host) {
		release := make(chan bool)
		handled := 0
		root := h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) {
			handled++
			<-release
		}})
		c := h.ws()
		c.join("/")
		c.send(numbered(0))
		synctest.Wait()
		c.send(numbered(1), numbered(2), numbered(3))
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- h.Shutdown(t.Context()) }()
		c.restarted()
		close(release)
		if err := <-ended; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		root.wants("connect")
		root.leaves("server shutting down")
		if handled != 2 { // what was read
			t.Errorf("%d events were handled, want 2", handled)
		}
	})
}
