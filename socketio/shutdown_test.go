package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio"
)

func TestShutdown(t *testing.T) {
	t.Run("delivers what is queued", func(t *testing.T) {
		const total = 2000
		h := newHost(t, nil)
		root := h.of("/", nil)
		c, p := h.ws(), h.poll()
		c.join("/")
		p.join("/")
		c.alive("/")
		p.alive("/")
		pad := strings.Repeat("x", 1000)
		for i := range total {
			if err := root.All().Emit("n", i, pad); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error, 1)
		go func() { done <- h.Shutdown(context.Background()) }()
		for range 2 {
			h.sessionEnds("server shutting down")
		}
		n := 0
		for closed := false; !closed; {
			r := p.get()
			for packet := range strings.SplitSeq(r.body, "\x1e") {
				switch {
				case packet == fmt.Sprintf(`42["n",%d,"%s"]`, n, pad):
					n++
				case packet == "1" && n == total:
					closed = true
				case packet != "6":
					t.Fatalf("packet %.100q, want number %d", packet, n)
				}
			}
		}
		for i := range total {
			c.want(fmt.Sprintf(`42["n",%d,"%s"]`, i, pad))
		}
		c.restarted() // without a DISCONNECT
		if err := timetest.Receive(t, done, h.limit, "Shutdown"); err != nil {
			t.Error(err)
		}
		if r := h.do("GET", "", ""); r.status != 503 {
			t.Errorf("a handshake afterwards: %d %q", r.status, r.body)
		}
		if _, err := h.tryWS(); err == nil || !strings.HasPrefix(err.Error(), "503") {
			t.Errorf("a WebSocket afterwards: %v", err)
		}
	})
	bubble(t, "waits for handlers", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		release := make(chan bool)
		wait := func(*socketio.Socket, socketio.Reason) { release <- true }
		root := h.of("/", &nsp{
			onEvent:         func(*socketio.Socket, *socketio.Event) { release <- true },
			onDisconnecting: wait,
			onDisconnect:    wait,
		})
		decide := make(chan *socketio.Refusal)
		slow := h.of("/slow", deciding(decide))
		c := h.ws()
		c.join("/")
		c.send(`42["a"]`, `42["b"]`, "40/slow,")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- h.Shutdown(t.Context()) }()
		c.restarted()
		h.sessionEnds("server shutting down")
		for range 4 { // two events, Disconnecting, Disconnect
			time.Sleep(time.Hour)
			if len(done) > 0 {
				t.Fatal("Shutdown does not wait")
			}
			<-release
		}
		synctest.Wait()
		if len(done) > 0 {
			t.Fatal("Shutdown does not wait for a connect handler")
		}
		decide <- nil
		if err := <-done; err != nil {
			t.Error(err)
		}
		root.wants("connect")
		root.leaves("server shutting down")
		slow.wants("connect")
		slow.leaves("server shutting down")
	})
	bubble(t, "deadline", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		release := make(chan bool)
		root := h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-release }})
		c := h.ws()
		c.join("/")
		c.send(`42["a"]`)
		synctest.Wait()
		root.wants("connect")
		s := root.socket()
		if err := s.Emit("never read"); err != nil {
			t.Error(err)
		}
		start := time.Now()
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, cause)
		defer cancel()
		if err := h.Shutdown(ctx); err != cause {
			t.Errorf("Shutdown: %v", err)
		}
		after(t, start, 3*time.Second)
		if h.Connections() != 0 || s.Reason() != "server shutting down" {
			t.Errorf("%d connections, reason %q", h.Connections(), s.Reason())
		}
		root.silent() // the handler runs on
		done := make(chan error, 1)
		go func() { done <- h.Shutdown(t.Context()) }()
		synctest.Wait()
		if len(done) > 0 {
			t.Error("the second Shutdown does not wait")
		}
		close(release)
		if err := <-done; err != nil {
			t.Errorf("second Shutdown: %v", err)
		}
		root.leaves("server shutting down")
	})
	bubble(t, "deadline of the handlers alone", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		release := make(chan bool)
		h.of("/", &nsp{onEvent: func(*socketio.Socket, *socketio.Event) { <-release }})
		c := h.ws()
		c.join("/")
		c.send(`42["a"]`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- h.Shutdown(ctx) }()
		c.restarted()
		if err := <-done; err != context.DeadlineExceeded {
			t.Errorf("Shutdown: %v", err)
		}
		close(release)
	})
	bubble(t, "a handler that waits for an ack", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		root := &nsp{}
		root.onEvent = func(s *socketio.Socket, _ *socketio.Event) {
			_, err := s.EmitWithAck(context.Background(), "q")
			root.write(fmt.Sprint(errors.Is(err, socketio.ErrClosed), " ", errors.Is(err, engineio.ReasonShutdown)))
		}
		h.of("/", root)
		c := h.ws()
		c.join("/")
		c.send(`42["a"]`)
		c.want(`420["q"]`)
		done := make(chan error, 1)
		go func() { done <- h.Shutdown(t.Context()) }()
		c.restarted()
		if err := <-done; err != nil {
			t.Error(err)
		}
		root.wants("connect", "true true")
		root.leaves("server shutting down")
	})
	bubble(t, "nobody connected, many times at once", nil, func(t *testing.T, h *host) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := h.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	// Clients that arrive at the same moment are served, or refused.
	t.Run("while clients connect", func(t *testing.T) {
		for range 20 {
			h := newHost(t, nil)
			h.of("/", &nsp{quiet: true})
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					for {
						c, err := h.tryWS()
						if err != nil {
							return
						}
						c.trySend("40", `421["e"]`)
						for err == nil {
							_, _, err = c.tryRead()
						}
						c.conn.Close()
					}
				})
			}
			ctx, cancel := h.bound()
			if err := h.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			cancel()
			wg.Wait()
			if h.Connections() != 0 {
				t.Errorf("%d connections", h.Connections())
			}
		}
	})
}

// TestDrain has clients for whom something is under way when their turn comes: they are not
// sent away before it has come to its end.
func TestDrain(t *testing.T) {
	bubble(t, "acks and handlers", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		release := make(chan bool)
		sockets := make(chan *socketio.Socket, 1)
		h.of("/", &nsp{quiet: true, onEvent: func(s *socketio.Socket, e *socketio.Event) {
			if e.Name() == "give me your socket" {
				sockets <- s
				return
			}
			<-release
			if err := s.Ack(e, "done"); err != nil {
				t.Errorf("ack: %v", err)
			}
		}})
		asks, asked, idle := h.ws(), h.ws(), h.ws()
		for _, c := range []*client{asks, asked, idle} {
			c.join("/")
		}
		asks.send(`427["work"]`)
		asked.send(`42["give me your socket"]`)
		answers := make(chan error, 1)
		go func() {
			_, err := (<-sockets).EmitWithAck(t.Context(), "q")
			answers <- err
		}()
		asked.want(`420["q"]`)
		synctest.Wait() // for the handlers: a client knows that it has joined before they return

		start := time.Now()
		done := make(chan error, 1)
		go func() { done <- h.Drain(t.Context(), &engineio.DrainOptions{Notice: -1, Period: 3 * time.Second}) }()
		idle.restarted() // first, whatever its turn
		after(t, start, 0)
		time.Sleep(1500 * time.Millisecond)
		asked.send(`430["a"]`)
		release <- true
		asks.want(`437["done"]`)
		for _, c := range []*client{asks, asked} {
			c.restarted()
		}
		for range 3 {
			h.sessionEnds("server shutting down")
		}
		if err := <-answers; err != nil {
			t.Errorf("answer: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Drain: %v", err)
		}
		if d := time.Since(start); d >= 3*time.Second {
			t.Errorf("Drain took %v", d)
		}
	})
	bubble(t, "waits for handlers at the end", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		release := make(chan bool)
		h.of("/", &nsp{quiet: true, onDisconnect: func(*socketio.Socket, socketio.Reason) { <-release }})
		c := h.ws()
		c.join("/")
		done := make(chan error, 1)
		go func() { done <- h.Drain(t.Context(), &engineio.DrainOptions{Notice: -1}) }()
		c.restarted()
		time.Sleep(time.Hour)
		if len(done) > 0 {
			t.Error("Drain does not wait")
		}
		release <- true
		if err := <-done; err != nil {
			t.Errorf("Drain: %v", err)
		}
	})
	bubble(t, "options that make no sense", &socketio.Options{Engine: quiet}, func(t *testing.T, h *host) {
		h.of("/", &nsp{quiet: true})
		c := h.ws()
		c.join("/")
		if err := h.Drain(t.Context(), &engineio.DrainOptions{PerSecond: -1}); err == nil || !strings.Contains(err.Error(), "PerSecond") {
			t.Errorf("Drain: %v", err)
		}
		if err := h.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
		c.alive("/")
	})
}

// TestChurn has clients that come and go over both transports. That none of
// them leaves anything behind is checked by nsp, host and TestMain.
func TestChurn(t *testing.T) {
	const workers, rounds = 8, 40
	h := newHost(t, nil)
	h.of("/", &nsp{quiet: true, onConnect: func(s *socketio.Socket) *socketio.Refusal {
		s.Join("room")
		return nil
	}})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				c, err := h.tryWS()
				if err != nil {
					t.Errorf("connect: %v", err)
					return
				}
				err = c.trySend("40", `421["e"]`)
				for n := 0; err == nil && n < 2; n++ {
					_, _, err = c.tryRead()
				}
				if err != nil {
					t.Errorf("client %d, round %d: %v", w, i, err)
				}
				switch i % 3 {
				case 0:
					c.trySend("41")
				case 1:
					c.trySend("1")
				}
				c.conn.Close()
			}
		})
	}
	wg.Wait()
	for range workers * rounds {
		timetest.Receive(t, h.ended, h.limit, "a session's end")
	}
	if h.Connections() != 0 {
		t.Errorf("%d connections", h.Connections())
	}
}

func TestNewAndOf(t *testing.T) {
	for name, opts := range map[string]*socketio.Options{
		"ConnectTimeout":       {ConnectTimeout: -1},
		"MaxAttachments":       {MaxAttachments: -1},
		"EventQueue":           {EventQueue: -1},
		"MaxDynamicNamespaces": {MaxDynamicNamespaces: -1},
		"MaxClientNamespaces":  {MaxClientNamespaces: -1},
		"PingInterval":         {Engine: engineio.Options{PingInterval: -1}},
	} {
		if s, err := socketio.New(opts); s != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with a bad %s: %v", name, err)
		}
	}
	s, err := socketio.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Of("/chat", &nsp{}); n.Name() != "/chat" || n.Len() != 0 {
		t.Errorf("namespace %q with %d sockets", n.Name(), n.Len())
	}
	for _, name := range []string{"", "chat", "/chat"} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), name) {
					t.Errorf("Of(%q): %v", name, r)
				}
			}()
			s.Of(name, &nsp{})
		}()
	}
}

// TestLog has no secrets in the log, not even at its most talkative.
func TestLog(t *testing.T) {
	var buf bytes.Buffer
	log := zerolog.New(zerolog.SyncWriter(&buf)).Level(zerolog.DebugLevel)
	h := newHost(t, &socketio.Options{Logger: &log})
	root := h.of("/", nil)
	h.of("/no", &nsp{onConnect: func(*socketio.Socket) *socketio.Refusal {
		return &socketio.Refusal{Message: "secret", Data: make(chan int)}
	}})
	c := h.ws()
	c.send(`40{"token":"secret"}`)
	connected(t, "/", c.read())
	c.send(`40/no,{"token":"secret"}`)
	c.want(`44/no,{"message":"secret"}`)
	c.send(`451-1["e","secret",{"_placeholder":true,"num":0}]`)
	c.binary("secret")
	c.want(`461-1["secret",{"_placeholder":true,"num":0}]`)
	c.wantBinary("secret")
	root.socket().Emit("f", "secret")
	c.want(`42["f","secret"]`)
	c.send(`42["secret",secret]`)
	c.closed()
	root.wants("connect", `event e "secret" {"_placeholder":true,"num":0}`)
	root.leaves("forced close")
	ctx, cancel := h.bound()
	defer cancel()
	h.Shutdown(ctx)
	text := buf.String()
	if strings.Contains(text, "secret") || strings.Contains(text, c.sid[8:]) {
		t.Errorf("log:\n%s", text)
	}
	for _, want := range []string{
		`"level":"info","component":"socketio","sid":"` + c.sid[:8] + `","addr":"`,
		`","nsp":"/","socket":"`,
		`"reason":"forced close","message":"socket disconnected"`,
		`"type":"BINARY_EVENT"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("log without %s:\n%s", want, text)
		}
	}
}

// TestConnectWhileShuttingDown has a CONNECT come when Shutdown has begun: it is neither decided
// on nor refused, so that the client looks for another server. The parent of the sockets' contexts
// may end just before, as by a signal.
func TestConnectWhileShuttingDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, stop := context.WithCancel(t.Context())
		defer stop()
		h := newPipeHost(t, &socketio.Options{Engine: quiet})
		h.capture = func() (any, error) { return struct{ ctx }{ctx{base}}, nil }
		h.of("/", nil)
		n := h.of("/x", nil)
		c := h.ws()
		c.join("/")
		socketio.SetClosing(h.Server)
		c.send("40/x,")
		synctest.Wait()
		c.send(`42/x,["under way"]`)
		stop()
		synctest.Wait()
		go h.Shutdown(t.Context())
		if m, _, err := c.tryRead(); err == nil {
			t.Errorf("heard %q", m)
		}
		n.silent()
	})
}
