package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// A many is sockets that are asked together, with their clients.
type many struct {
	nsp     *nsp
	clients []*client
	sockets []*socketio.Socket
}

func join(h *host, n int) *many {
	m := &many{nsp: h.of("/", nil)}
	for range n {
		c := h.ws()
		c.join("/")
		m.clients = append(m.clients, c)
		m.sockets = append(m.sockets, m.nsp.socket())
	}
	return m
}

// unpolled has one socket, whose client polls, but not now.
func unpolled(h *host) *many {
	n := h.of("/", nil)
	p := h.poll()
	p.join("/")
	p.send(`42["e"]`)
	n.wants("connect", "event e")
	return &many{nsp: n, sockets: []*socketio.Socket{n.socket()}}
}

type outcome struct {
	answers []socketio.Answer
	err     error
}

// askAll calls EmitWithAck on a goroutine of its own.
func askAll(ctx context.Context, to socketio.Target, args ...any) <-chan outcome {
	c := make(chan outcome, 1)
	go func() {
		a, err := to.EmitWithAck(ctx, "q", args...)
		c <- outcome{a, err}
	}()
	return c
}

// want checks for each socket what it answered, or what its error is. At the
// end nothing is left of the question.
func (m *many) want(t *testing.T, got outcome, err error, want ...any) {
	t.Helper()
	if !errors.Is(got.err, err) || (err == nil) != (got.err == nil) {
		t.Errorf("error %v, want %v", got.err, err)
	}
	asked := 0
	for i, s := range m.sockets {
		at := slices.IndexFunc(got.answers, func(a socketio.Answer) bool { return a.ID == s.ID() })
		if want[i] != nil {
			asked++
		}
		switch want := want[i].(type) {
		case nil:
			if at >= 0 {
				t.Errorf("socket %d was asked", i)
			}
		case error:
			if at < 0 || !errors.Is(got.answers[at].Err, want) || got.answers[at].Args.Len() != 0 {
				t.Errorf("socket %d: %v, want %v", i, got.answers, want)
			}
		case string:
			if at < 0 || got.answers[at].Err != nil || string(got.answers[at].Args.Raw(0)) != want {
				t.Errorf("socket %d: %v, want %s", i, got.answers, want)
			}
		}
		if n := s.PendingAcks(); n != 0 {
			t.Errorf("socket %d waits for %d acks", i, n)
		}
	}
	if len(got.answers) != asked {
		t.Errorf("%d answers, want %d", len(got.answers), asked)
	}
}

// A counted argument counts how often it is encoded.
type counted struct{ n *atomic.Int32 }

func (c counted) MarshalJSON() ([]byte, error) {
	c.n.Add(1)
	return []byte("1"), nil
}

func TestBroadcastWithAck(t *testing.T) {
	opts := &socketio.Options{Engine: quiet}
	bubble(t, "all answer", opts, func(t *testing.T, h *host) {
		m := join(h, 3)
		var n atomic.Int32
		done := askAll(t.Context(), m.nsp.All(), counted{&n})
		for i, c := range m.clients {
			c.want(`420["q",1]`)
			c.send(fmt.Sprintf(`430["ü",%d]`, i))
			synctest.Wait()
		}
		got := <-done
		m.want(t, got, nil, `"ü"`, `"ü"`, `"ü"`)
		for i, a := range got.answers { // in the order in which they came
			if string(a.Args.Raw(1)) != fmt.Sprint(i) {
				t.Errorf("answer %d is %s", i, a.Args.Raw(1))
			}
		}
		if n.Load() != 1 {
			t.Errorf("encoded %d times", n.Load())
		}
	})
	bubble(t, "binary both ways", opts, func(t *testing.T, h *host) {
		m := join(h, 2)
		done := askAll(t.Context(), m.nsp.All(), []byte("one"))
		for _, c := range m.clients {
			c.want(`451-0["q",{"_placeholder":true,"num":0}]`)
			c.wantBinary("one")
			c.send(`461-0[{"_placeholder":true,"num":0}]`)
			c.binary("two")
		}
		got := <-done
		for _, a := range got.answers {
			var b []byte
			if err := a.Args.Bind(&b); err != nil || string(b) != "two" {
				t.Errorf("%q %v", b, err)
			}
		}
		if got.err != nil || len(got.answers) != 2 {
			t.Errorf("%v", got)
		}
	})
	bubble(t, "some are late, some leave", opts, func(t *testing.T, h *host) {
		m := join(h, 5)
		start := time.Now()
		done := askAll(t.Context(), m.nsp.All().Timeout(5*time.Second))
		for _, c := range m.clients {
			c.want(`420["q"]`)
		}
		m.clients[0].send(`430[0]`)
		m.clients[1].leave()
		m.clients[2].send("41")
		m.sockets[3].Disconnect()
		got := <-done
		after(t, start, 5*time.Second)
		m.want(t, got, context.DeadlineExceeded, `0`, socketio.Reason("transport close"), socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect, context.DeadlineExceeded)
		for _, a := range got.answers {
			if gone := a.ID == m.sockets[1].ID() || a.ID == m.sockets[2].ID() || a.ID == m.sockets[3].ID(); gone != errors.Is(a.Err, socketio.ErrClosed) {
				t.Errorf("%v", a)
			}
		}
		m.clients[4].send(`430["late"]`)
		m.clients[4].alive("/")
	})
	bubble(t, "leaving is no error", opts, func(t *testing.T, h *host) {
		m := join(h, 2)
		done := askAll(t.Context(), m.nsp.All())
		m.clients[0].want(`420["q"]`)
		m.clients[0].send(`430[1]`)
		m.sockets[1].Disconnect()
		m.want(t, <-done, nil, `1`, socketio.ReasonServerDisconnect)
	})
	bubble(t, "a context with a cause", opts, func(t *testing.T, h *host) {
		m := join(h, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := askAll(ctx, m.nsp.All().Timeout(time.Hour))
		m.clients[0].want(`420["q"]`)
		cause := errors.New("changed my mind")
		cancel(cause)
		m.want(t, <-done, cause, cause)
	})
	bubble(t, "answers that are none", opts, func(t *testing.T, h *host) {
		m := join(h, 3)
		room := m.sockets[2].Broadcast()
		first := askAll(t.Context(), room)
		for _, c := range m.clients[:2] {
			c.want(`420["q"]`)
		}
		second := ask(t.Context(), m.sockets[2]) // has an id of its own
		m.clients[2].want(`421["q"]`)
		m.clients[2].send(`430["not asked"]`)
		m.clients[0].send(`431["not asked"]`, `430["first"]`, `430["twice"]`, `432["nobody"]`, `43["none"]`)
		for _, c := range []*client{m.clients[0], m.clients[2]} {
			c.alive("/")
		}
		synctest.Wait()
		if len(first) != 0 || len(second) != 0 {
			t.Error("somebody else's answer is taken")
		}
		m.clients[1].send(`430["second"]`)
		m.clients[2].send(`431["third"]`)
		var text string
		if a := <-second; a.args.Bind(&text) != nil || text != "third" {
			t.Errorf("%q %v", text, a.err)
		}
		m.want(t, <-first, nil, `"first"`, `"second"`, nil)
	})
	bubble(t, "nobody", opts, func(t *testing.T, h *host) {
		m := join(h, 1)
		m.want(t, <-askAll(t.Context(), m.nsp.All().To("nobody")), nil, nil)
		m.clients[0].alive("/")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 50 { // everybody has answered, whatever the context says
			m.want(t, <-askAll(ctx, m.nsp.All().To("nobody")), nil, nil)
		}
	})
	bubble(t, "a room that has a socket's id for a name", opts, func(t *testing.T, h *host) {
		m := join(h, 3)
		for _, s := range m.sockets {
			if err := s.Join(m.sockets[1].ID()); err != nil {
				t.Fatal(err)
			}
		}
		described, err := m.nsp.All().Sockets(t.Context())
		i := slices.IndexFunc(described, func(r socketio.RemoteSocket) bool { return r.ID == m.sockets[1].ID() })
		if err != nil || i < 0 {
			t.Fatalf("%v %v", described, err)
		}
		done := ask(t.Context(), described[i])
		for i, c := range m.clients {
			c.want(`420["q"]`)
			c.send(fmt.Sprintf(`430[%d]`, i))
			synctest.Wait()
		}
		var n int
		if got := <-done; got.err != nil || got.args.Bind(&n) != nil || n != 1 {
			t.Errorf("%d %v", n, got.err)
		}
	})
	bubble(t, "what cannot be encoded", opts, func(t *testing.T, h *host) {
		m := join(h, 2)
		var arg *parser.ArgError
		if got := <-askAll(t.Context(), m.nsp.All(), make(chan int)); !errors.As(got.err, &arg) || got.answers != nil {
			t.Errorf("%v", got)
		}
		if _, err := m.nsp.All().EmitWithAck(t.Context(), "connect"); err != parser.ErrReservedEvent {
			t.Errorf("%v", err)
		}
		m.want(t, outcome{}, nil, nil, nil)
		m.clients[0].alive("/")
	})
	// Sockets that are being decided are not asked: nobody waits for their handlers.
	bubble(t, "while connecting", opts, func(t *testing.T, h *host) {
		decide := map[string]chan *socketio.Refusal{}
		var mu sync.Mutex
		m := &many{nsp: &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			c := make(chan *socketio.Refusal)
			mu.Lock()
			decide[s.ID()] = c
			mu.Unlock()
			if err := s.Join("room"); err != nil {
				t.Error(err)
			}
			return <-c
		}}}
		h.of("/", m.nsp)
		for range 2 {
			c := h.ws()
			c.send("40")
			m.clients = append(m.clients, c)
			synctest.Wait()
			for _, s := range m.nsp.All().To("room").LocalSockets() {
				if !slices.Contains(m.sockets, s) {
					m.sockets = append(m.sockets, s)
				}
			}
		}
		m.want(t, <-askAll(t.Context(), m.nsp.All().To("room").Volatile()), nil, socketio.ErrConnecting, socketio.ErrConnecting)
		decide[m.sockets[0].ID()] <- nil
		connected(t, "/", m.clients[0].read())
		done := askAll(t.Context(), m.nsp.All().To("room"))
		m.clients[0].want(`421["q"]`)
		m.clients[0].send(`431["in"]`)
		m.want(t, <-done, nil, `"in"`, socketio.ErrConnecting)
		decide[m.sockets[1].ID()] <- &socketio.Refusal{Message: "no"}
		m.clients[1].want(`44{"message":"no"}`)
	})
	bubble(t, "volatile", opts, func(t *testing.T, h *host) {
		m := unpolled(h)
		m.want(t, <-askAll(t.Context(), m.nsp.All().Volatile()), nil, socketio.ErrDropped)
		if _, err := m.sockets[0].Volatile().EmitWithAck(t.Context(), "q"); err != socketio.ErrDropped {
			t.Errorf("%v", err)
		}
		c := h.ws()
		c.join("/")
		synctest.Wait() // for the write to be over
		done := askAll(t.Context(), m.nsp.All().Volatile().Except(m.sockets[0].ID()))
		c.want(`422["q"]`)
		c.send(`432[]`)
		if got := <-done; got.err != nil || len(got.answers) != 1 || got.answers[0].Err != nil {
			t.Errorf("%v", got)
		}
	})
	bubble(t, "a queue that is full", &socketio.Options{Engine: engineio.Options{QueuePackets: 2, KeepSlow: true}}, func(t *testing.T, h *host) {
		m := unpolled(h)
		m.sockets[0].Emit("a")
		m.sockets[0].Emit("b")
		m.want(t, <-askAll(t.Context(), m.nsp.All()), nil, engineio.ErrQueueFull)
	})
	bubble(t, "Timeout of one socket", opts, func(t *testing.T, h *host) {
		m := join(h, 1)
		start := time.Now()
		done := ask(t.Context(), m.sockets[0].Timeout(3*time.Second))
		m.clients[0].want(`420["q"]`)
		if got := <-done; !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%v", got.err)
		}
		after(t, start, 3*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		done = ask(ctx, m.sockets[0].Timeout(time.Second).Timeout(0).Compress(false))
		m.clients[0].want(`421["q"]`)
		if got := <-done; !errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%v", got.err)
		}
		after(t, start, time.Minute)
	})
	bubble(t, "stopped in the midst of answers", opts, func(t *testing.T, h *host) {
		m := join(h, 20)
		var partial, whole int
		for i := range 40 {
			ctx, cancel := context.WithCancel(t.Context())
			done := askAll(ctx, m.nsp.All(), i)
			for j, c := range m.clients {
				c.want(fmt.Sprintf(`42%d["q",%d]`, i, i))
				if j == i%20 {
					go cancel()
				}
				c.send(fmt.Sprintf(`43%d[%d]`, i, i))
			}
			got := <-done
			late := 0
			for _, a := range got.answers {
				if a.Err != nil {
					late++
				}
			}
			if len(got.answers) != 20 || (late > 0) != (got.err != nil) {
				t.Fatalf("%d answers, %d of them late, error %v", len(got.answers), late, got.err)
			}
			if late > 0 {
				partial++
			} else {
				whole++
			}
			for _, c := range m.clients {
				c.alive("/")
			}
			cancel()
		}
		t.Logf("%d were stopped, %d were not", partial, whole)
	})
}

// TestInquiry has what a node of a cluster does for another one.
func TestInquiry(t *testing.T) {
	bubble(t, "each is told once", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		m := join(h, 3)
		got := make(chan socketio.Answer, 10)
		q, err := m.nsp.Local().Inquire(&socketio.Broadcast{Event: "q", Plain: true}, func(a socketio.Answer) { got <- a })
		if err != nil || q.Len() != 3 {
			t.Fatalf("%v", err)
		}
		m.clients[0].want(`420["q"]`)
		m.clients[0].send(`430[]`)
		if a := <-got; a.ID != m.sockets[0].ID() || a.Err != nil {
			t.Errorf("%v", a)
		}
		m.sockets[1].Disconnect()
		if a := <-got; a.ID != m.sockets[1].ID() || !errors.Is(a.Err, socketio.ErrClosed) {
			t.Errorf("%v", a)
		}
		enough := errors.New("enough")
		if n := q.Stop(enough); n != 1 {
			t.Errorf("%d stopped", n)
		}
		if a := <-got; a.ID != m.sockets[2].ID() || a.Err != enough {
			t.Errorf("%v", a)
		}
		if n := q.Stop(enough); n != 0 || len(got) != 0 {
			t.Errorf("%d stopped again, %d told", n, len(got))
		}
	})
}

// TestAcksUnderChurn has clients that come, answer or leave while all are asked
// from several goroutines. Every question ends, and nothing is left.
func TestAcksUnderChurn(t *testing.T) {
	h := newHost(t, &socketio.Options{Engine: quiet})
	root := h.of("/", &nsp{quiet: true})
	var clients, askers sync.WaitGroup
	for i := range 8 {
		clients.Go(func() { // ends by what the askers send
			for range 20 {
				c, err := h.tryWS()
				if err != nil {
					t.Error(err)
					return
				}
				c.trySend("40")
				for n := range 10 {
					p, _, err := c.tryRead()
					if err != nil {
						t.Error(err)
						break
					}
					if id, _, ok := strings.Cut(p, `["q"`); ok && n%3 != i%3 {
						c.trySend("43"+id[len("42"):]+"[]", "43"+id[len("42"):]+"[]")
					}
				}
				c.conn.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { // ends with the clients
		clients.Wait()
		close(done)
	}()
	var answered, failed atomic.Int32
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := root.All().Timeout(20*time.Millisecond).EmitWithAck(t.Context(), "q")
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				for _, a := range got {
					switch {
					case a.Err == nil:
						answered.Add(1)
					case errors.Is(a.Err, context.DeadlineExceeded) && err != nil, errors.Is(a.Err, socketio.ErrClosed):
						failed.Add(1)
					default:
						t.Errorf("%v beside %v", a.Err, err)
					}
				}
			}
		})
	}
	askers.Wait()
	t.Logf("%d answers, %d failures", answered.Load(), failed.Load())
	if answered.Load() == 0 || failed.Load() == 0 {
		t.Error("too little has happened")
	}
}
