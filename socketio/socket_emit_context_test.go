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

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// TestBurst has handlers that emit quicker than any network to clients that take
// all as fast as they can.
func TestBurst(t *testing.T) {
	const n, size = 400, 64 << 10
	emit := func(s *socketio.Socket) {
		pad := strings.Repeat("x", size)
		for i := range n {
			if err := s.Emit("n", fmt.Sprintf("%d %s", i, pad)); err != nil {
				t.Errorf("Emit %d: %v", i, err)
				return
			}
		}
	}
	for _, recover := range []bool{false, true} {
		for _, when := range []string{"connect", "event"} {
			for _, transport := range []string{"polling", "websocket"} {
				t.Run(fmt.Sprintf("%s/%s/recovery %t", transport, when, recover), func(t *testing.T) {
					opts := &socketio.Options{Engine: engineio.Options{HTTPCompressionThreshold: -1}}
					if recover {
						opts.Recovery = &socketio.Recovery{}
					}
					h := newHost(t, opts)
					h.of("/", &nsp{quiet: true,
						onConnect: func(s *socketio.Socket) *socketio.Refusal {
							if when == "connect" {
								emit(s)
							}
							return nil
						},
						onEvent: func(s *socketio.Socket, _ *socketio.Event) { emit(s) },
					})
					var next func() string
					var send func(string)
					if transport == "polling" {
						p := h.poll()
						send = func(s string) { p.send(s) }
						var got []string
						next = func() string {
							if len(got) == 0 {
								r := p.get()
								if r.status != 200 {
									t.Fatalf("%d %.100q %v", r.status, r.body, r.err)
								}
								got = strings.Split(r.body, "\x1e")
							}
							first := got[0]
							got = got[1:]
							return first[1:]
						}
					} else {
						c := h.ws()
						send = func(s string) { c.send(s) }
						next = func() string { return c.read() }
					}
					send("40")
					if got := next(); !strings.HasPrefix(got, `0{"sid"`) && !strings.HasPrefix(got, `40{"sid"`) {
						t.Fatalf("%.100q", got)
					}
					if when == "event" {
						send(`42["go"]`)
					}
					for i := range n {
						got := next()
						if _, found, _ := strings.Cut(got, `["n","`); !strings.HasPrefix(found, fmt.Sprint(i, " ")) || len(found) < size {
							t.Fatalf("packet %.40q, want number %d", got, i)
						}
					}
				})
			}
		}
	}
}

// TestEmitContext has what waits for room.
func TestEmitContext(t *testing.T) {
	opts := &socketio.Options{Engine: engineio.Options{QueuePackets: 10, KeepSlow: true, PingInterval: time.Hour}}
	recovery := &socketio.Options{Engine: opts.Engine, Recovery: &socketio.Recovery{}}
	for name, opts := range map[string]*socketio.Options{"plain": opts, "recovery": recovery} {
		bubble(t, "a handler with much to send/"+name, opts, func(t *testing.T, h *host) {
			const each, senders = 100, 3
			heard := atomic.Int32{}
			root := h.of("/", &nsp{quiet: true, onEvent: func(s *socketio.Socket, _ *socketio.Event) {
				done := make(chan error, senders)
				for range senders {
					go func() { // until all is sent
						var err error
						for i := 0; i < each && err == nil; i++ {
							err = s.EmitContext(context.Background(), "n", i)
						}
						done <- err
					}()
				}
				for range senders {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
			}})
			root.OnOutgoing(func(*socketio.Socket, string, []any) { heard.Add(1) })
			p := h.poll()
			p.send("40")
			p.get()
			p.send(`42["go"]`)
			for got := 0; got < each*senders; {
				synctest.Wait()
				packets := strings.Split(p.get().body, "\x1e")
				if got += len(packets); len(packets) > 6 {
					t.Fatalf("%d packets waited", len(packets))
				}
			}
			if n := heard.Load(); n != each*senders {
				t.Errorf("the listener heard of %d", n)
			}
		})
	}
	bubble(t, "ends", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		p := h.poll()
		p.join("")
		s := root.socket()
		for range 6 {
			wantNil(t, s.EmitContext(context.Background(), "e"))
		}
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(context.Background())
		errs := make(chan error)
		try := func(ctx context.Context) {
			go func() { errs <- s.EmitContext(ctx, "e") }()
			synctest.Wait()
			select {
			case err := <-errs:
				t.Errorf("EmitContext does not wait: %v", err)
			default:
			}
		}
		try(ctx)
		cancel(why)
		if err := <-errs; err != why {
			t.Errorf("its context has ended: %v", err)
		}
		if err := s.EmitContext(ctx, "e"); err != why {
			t.Errorf("its context had ended: %v", err)
		}
		wantNil(t, s.Volatile().EmitContext(context.Background(), "e"))
		try(context.Background())
		s.Disconnect()
		if err := <-errs; err != socketio.ErrClosed {
			t.Errorf("the socket has left: %v", err)
		}
		if err := s.EmitContext(context.Background(), "e"); err != socketio.ErrClosed {
			t.Errorf("the socket had left: %v", err)
		}
	})
	bubble(t, "ends with the session", opts, func(t *testing.T, h *host) {
		root := h.of("/", nil)
		p := h.poll()
		p.join("")
		s := root.socket()
		for range 6 {
			wantNil(t, s.Emit("e"))
		}
		errs := make(chan error)
		go func() { errs <- s.Compress(false).EmitContext(context.Background(), "e") }()
		synctest.Wait()
		s.Session().Abort("transport error")
		if err := <-errs; err != socketio.ErrClosed {
			t.Error(err)
		}
	})
	bubble(t, "does not wait in the connect handler", opts, func(t *testing.T, h *host) {
		h.of("/", &nsp{onConnect: func(s *socketio.Socket) *socketio.Refusal {
			for range 10 {
				wantNil(t, s.EmitContext(s.Context(), "e"))
			}
			if err := s.EmitContext(s.Context(), "e"); err != engineio.ErrQueueFull {
				t.Error(err)
			}
			return nil
		}})
		p := h.poll()
		p.send("40")
		synctest.Wait()
		if got := strings.Split(p.get().body, "\x1e"); len(got) != 11 {
			t.Errorf("%d packets", len(got))
		}
	})
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
