package socketio_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// TestHeldBack emits from several goroutines while the connect handler runs
// and across its end. Everything arrives behind the answer, in order.
func TestHeldBack(t *testing.T) {
	const emitters, each = 6, 300
	for range 10 {
		h := newHost(t, nil)
		var wg sync.WaitGroup
		var root *nsp
		root = h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			if err := s.Join("room"); err != nil {
				t.Error(err)
			}
			started := make(chan bool)
			for e := range emitters {
				wg.Go(func() {
					for i := range each {
						var err error
						switch e % 3 {
						case 0:
							err = s.Emit("n", e, i)
						case 1:
							err = root.All().To("room").Emit("n", e, i)
						case 2:
							err = s.Emit("n", e, i, []byte{byte(i)})
						}
						if err != nil {
							t.Errorf("Emit: %v", err)
						}
						if i == each/3 {
							started <- true
						}
					}
				})
			}
			for range emitters {
				<-started
			}
			return nil
		}})
		c := h.ws()
		c.send("40")
		connected(t, "/", c.read())
		next := make([]int, emitters)
		for range emitters * each {
			text := c.read()
			binary := strings.HasPrefix(text, "451-")
			fields := strings.FieldsFunc(text[strings.Index(text, ","):], func(r rune) bool { return r < '0' || r > '9' })
			e, _ := strconv.Atoi(fields[0])
			i, _ := strconv.Atoi(fields[1])
			if binary != (e%3 == 2) || next[e] != i {
				t.Fatalf("packet %q, want number %d of emitter %d", text, next[e], e)
			}
			next[e]++
			if binary {
				c.wantBinary(string([]byte{byte(i)}))
			}
		}
		wg.Wait()
		c.alive("/")
	}
}

// TestHeldBackKinds has what may and may not be done while connecting.
func TestHeldBackKinds(t *testing.T) {
	ok := func(t *testing.T, errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
	bubble(t, "accepted", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		answer := make(chan error, 1)
		var root *nsp
		root = h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			ok(t, s.Emit("a"), s.Volatile().Emit("dropped"), s.Join("room"), root.All().To(s.ID(), "room").Emit("b"))
			ok(t, root.All().Emit("not among all yet"))
			go func() {
				_, err := s.EmitWithAck(t.Context(), "q")
				answer <- err
			}()
			synctest.Wait()
			ok(t, s.Emit("c"))
			s.Disconnect(false)
			ok(t, s.Emit("d"))
			return nil
		}})
		c := h.ws()
		c.send("40")
		connected(t, "/", c.read())
		c.want(`42["a"]`, `42["b"]`, `42["c"]`, `42["d"]`, "41")
		if err := <-answer; err != socketio.ErrConnecting {
			t.Errorf("EmitWithAck: %v", err)
		}
		root.wants("connect")
		root.leaves("server namespace disconnect")
	})
	bubble(t, "refused", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		answer := make(chan error, 1)
		var root *nsp
		root = h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			ok(t, s.Emit("a"), s.Join("room"), root.All().To("room").Emit("b"))
			go func() {
				_, err := s.EmitWithAck(t.Context(), "q")
				answer <- err
			}()
			synctest.Wait()
			return &socketio.Refusal{Message: "no"}
		}})
		other := h.of("/other", nil)
		c := h.ws()
		c.send("40")
		c.want(`44{"message":"no"}`)
		if err := <-answer; err != socketio.ErrConnecting {
			t.Errorf("EmitWithAck: %v", err)
		}
		synctest.Wait()
		if ids, all, rooms := root.Left(); ids+all+rooms != 0 {
			t.Errorf("left: %d ids, %d sockets, %d rooms", ids, all, rooms)
		}
		c.join("/other")
		c.alive("/other")
		other.wants("connect", "event alive")
	})
	bubble(t, "overflow ends the client", &socketio.Options{Engine: engineio.Options{QueuePackets: 10}}, func(t *testing.T, h *host) {
		overflow := make(chan error, 1)
		root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			for range engineio.Grace * 10 {
				ok(t, s.Emit("e"))
			}
			overflow <- s.Emit("e")
			return nil
		}})
		c := h.ws()
		c.send("40")
		if _, _, err := c.tryRead(); err == nil {
			t.Error("the client gets what is not all")
		}
		if err := <-overflow; err != engineio.ErrQueueFull {
			t.Errorf("Emit: %v", err)
		}
		root.wants("connect")
		root.leaves("slow consumer")
	})
	// With KeepSlow, what fits in while connecting gets through.
	for _, tt := range []struct {
		name   string
		opts   engineio.Options
		emit   []any
		fits   int
		length int // packets of one emit
	}{
		{"bound in packets", engineio.Options{QueuePackets: 10}, nil, 10, 1},
		{"bound in packets, attachments counted", engineio.Options{QueuePackets: 11}, []any{[]byte("x")}, 5, 2},
		{"bound in bytes", engineio.Options{QueueBytes: 4200}, []any{strings.Repeat("x", 1000)}, 4, 1},
		{"one of any size fits in", engineio.Options{QueueBytes: 1000}, []any{strings.Repeat("x", 1000)}, 1, 1},
	} {
		for _, transport := range []string{"polling", "websocket"} {
			tt.opts.PingInterval = quiet.PingInterval
			tt.opts.KeepSlow = true
			bubble(t, tt.name+"/"+transport, &socketio.Options{Engine: tt.opts}, func(t *testing.T, h *host) {
				root := h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
					for i := range tt.fits + 3 {
						if err := s.Emit("e", tt.emit...); (i < tt.fits) != (err == nil) || err != nil && !errors.Is(err, engineio.ErrQueueFull) {
							t.Errorf("Emit %d: %v", i, err)
						}
					}
					return nil
				}})
				if transport == "websocket" {
					c := h.ws()
					c.send("40")
					connected(t, "/", c.read())
					for range tt.fits * tt.length {
						if _, _, err := c.tryRead(); err != nil {
							t.Fatal(err)
						}
					}
					synctest.Wait() // for the queue to be empty
					c.alive("/")
				} else {
					p := h.poll()
					p.send("40")
					synctest.Wait()
					packets := strings.Split(p.get().body, "\x1e")
					connected(t, "/", packets[0])
					if len(packets) != 1+tt.fits*tt.length {
						t.Errorf("%d packets, want %d behind the answer", len(packets), tt.fits*tt.length)
					}
					p.send(`421["alive"]`)
					p.get().want(t, 200, "431[]")
				}
				root.wants("connect", "event alive")
			})
		}
	}
}
