package socketio_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/socketio"
)

// TestTurns has one socket wait with many events, and another behind it with one.
func TestTurns(t *testing.T) {
	const many = 100
	var order []string
	h := newHost(t, nil)
	sockets := make(chan *socketio.Socket, 2)
	h.of("/", &nsp{
		onConnect: func(s *socketio.Socket) *socketio.Refusal {
			sockets <- s
			return nil
		},
		onEvent: func(_ *socketio.Socket, e *socketio.Event) { order = append(order, string(e.Args().Raw(0))) },
	})
	h.ws().join("/")
	greedy := <-sockets
	h.ws().join("/")
	modest := <-sockets
	for greedy.Running() || modest.Running() {
		time.Sleep(time.Millisecond)
	}

	serve := h.Alone()
	for i := range many {
		greedy.Receive([]byte(fmt.Sprintf(`2["n",%d]`, i)))
	}
	modest.Receive([]byte(`2["n","modest"]`))
	serve()
	next := 0
	for i, got := range order {
		if got == `"modest"` {
			if i == 0 || i > 16 {
				t.Errorf("behind %d events of another socket", i)
			}
			continue
		}
		if got != fmt.Sprint(next) {
			t.Fatalf("event %s, want %d", got, next)
		}
		next++
	}
	if next != many || len(order) != many+1 {
		t.Errorf("%d events are handled, %d of one socket", len(order), next)
	}
}

// TestJob has a single socket wait, of which whoever has read for it may do a turn, and
// then two, of which neither is done by one that the other would wait for.
func TestJob(t *testing.T) {
	var handled atomic.Int32
	h := newHost(t, nil)
	sockets := make(chan *socketio.Socket, 2)
	h.of("/", &nsp{
		onConnect: func(s *socketio.Socket) *socketio.Refusal {
			sockets <- s
			return nil
		},
		onEvent: func(*socketio.Socket, *socketio.Event) { handled.Add(1) },
	})
	h.ws().join("/")
	one := <-sockets
	h.ws().join("/")
	two := <-sockets
	for one.Running() || two.Running() || h.Coming() {
		time.Sleep(time.Millisecond)
	}
	if h.Only() != nil {
		t.Error("a job while nothing waits")
	}
	one.Wait([]byte(`2["n"]`))
	job := h.Only()
	if job == nil {
		t.Fatal("no job for one event")
	}
	if h.Only() != nil {
		t.Error("the same job twice")
	}
	if job.Do(); handled.Load() != 1 || one.Running() {
		t.Errorf("%d events are handled by a job", handled.Load())
	}

	serve := h.Alone()
	one.Wait([]byte(`2["n"]`))
	if h.Only() != nil {
		t.Error("a job that somebody is on his way to")
	}
	serve()
	one.Wait([]byte(`2["n"]`))
	two.Wait([]byte(`2["n"]`))
	if h.Only() != nil {
		t.Error("a job while two sockets wait")
	}
	h.Alone()()
	const many = 100
	for range many {
		one.Wait([]byte(`2["n"]`))
	}
	if job = h.Only(); job == nil {
		t.Fatal("no job for many events")
	}
	job.Do()
	for deadline := time.Now().Add(10 * time.Second); handled.Load() < many+4 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := handled.Load(); got != many+4 {
		t.Errorf("%d events are handled, want %d", got, many+4)
	}
}

// TestCheapConnects has clients say over and over what costs them nothing. They are
// slowed down, and nothing is lost.
func TestCheapConnects(t *testing.T) {
	const n = 150 // fifty at once, and ten a second
	paced := func(t *testing.T, start time.Time) {
		t.Helper()
		if d := time.Since(start); d < 4*time.Second || d > 15*time.Second {
			t.Errorf("%d CONNECTs took %v", n, d)
		}
	}
	for name, f := range map[string]func(t *testing.T, h *host, handled *atomic.Int32){
		"unknown namespaces": func(t *testing.T, h *host, _ *atomic.Int32) {
			c := h.ws()
			start := time.Now()
			go c.write([]byte(strings.Repeat(string(frame(ws.OpText, "40/nope,")), n)))
			for range n {
				c.want(`44/nope,{"message":"Invalid namespace"}`)
			}
			paced(t, start)
			c.join("/")
		},
		"CONNECT and DISCONNECT": func(t *testing.T, h *host, handled *atomic.Int32) {
			c := h.ws()
			start := time.Now()
			go func() {
				for range n {
					c.trySend("40", "41")
				}
			}()
			go func() {
				for { // some have left before they are answered
					if _, _, err := c.tryRead(); err != nil {
						return
					}
				}
			}()
			for handled.Load() < n {
				time.Sleep(time.Second)
			}
			paced(t, start)
		},
		"unknown namespaces, by polling": func(t *testing.T, h *host, _ *atomic.Int32) {
			p := h.poll()
			start := time.Now()
			p.post(strings.Repeat("40/nope,\x1e", n-1) + "40/nope,")
			paced(t, start)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				var handled atomic.Int32
				h.of("/", &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal {
					handled.Add(1)
					return nil
				}})
				f(t, h, &handled)
			})
		})
	}
}
