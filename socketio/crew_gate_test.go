package socketio_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// TestLargeEvents has many large events at the same time.
func TestLargeEvents(t *testing.T) {
	large := `42["large","` + strings.Repeat("x", 900_000) + `"]`
	bubble(t, "a few are handled at a time", nil, func(t *testing.T, h *host) {
		const n = 64
		var now, most, handled atomic.Int32
		h.of("/", &nsp{quiet: true, onEvent: func(_ *socketio.Socket, e *socketio.Event) {
			if e.Name() != "large" {
				return
			}
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(10 * time.Millisecond)
			now.Add(-1)
			handled.Add(1)
		}})
		for range n {
			c := h.ws()
			c.join("/")
			c.send(large)
		}
		time.Sleep(time.Minute)
		if most.Load() > 4 || handled.Load() != n {
			t.Errorf("%d are handled, %d of them at a time", handled.Load(), most.Load())
		}
	})
	bubble(t, "handlers that wait for each other", nil, func(t *testing.T, h *host) {
		const n = 12
		meet := make(chan struct{})
		var came, done atomic.Int32
		h.of("/", &nsp{quiet: true, onEvent: func(*socketio.Socket, *socketio.Event) {
			if came.Add(1) == n {
				close(meet)
			}
			<-meet
			done.Add(1)
		}})
		start := time.Now()
		for range n {
			c := h.ws()
			c.join("/")
			c.send(large)
		}
		<-meet
		synctest.Wait()
		if d := time.Since(start); d > 3*time.Second || done.Load() != n {
			t.Errorf("%d of them have met after %v", done.Load(), d)
		}
	})
	bubble(t, "small ones do not wait for them", nil, func(t *testing.T, h *host) {
		h.of("/", &nsp{quiet: true, onEvent: func(s *socketio.Socket, e *socketio.Event) {
			if e.Name() == "large" {
				<-s.Context().Done()
			}
			s.Ack(e)
		}})
		for range 8 {
			c := h.ws()
			c.join("/")
			c.send(large)
		}
		start := time.Now()
		c := h.ws()
		c.join("/")
		c.alive("/")
		after(t, start, 0)
	})
	bubble(t, "what waits counts, and so do attachments", &socketio.Options{Engine: engineio.Options{TotalBytes: 4 << 20, MaxPayload: 3 << 20, PingInterval: time.Hour}}, func(t *testing.T, h *host) {
		release := make(chan struct{})
		h.of("/", &nsp{quiet: true, onEvent: func(*socketio.Socket, *socketio.Event) { <-release }})
		defer close(release)
		for range 3 {
			c := h.ws()
			c.join("/")
			c.send(large)
		}
		c := h.ws()
		c.join("/")
		c.send(`452-["large",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		time.Sleep(time.Second)
		c.binary(strings.Repeat("x", 2<<20))
		h.sessionEnds("transport error")
	})
}
