package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio/parser"
)

type point struct{ X, Y int }

func TestBind(t *testing.T) {
	h := newHost(t, nil)
	h.On("bind", func(c *sio.Context) error {
		var p point
		var n int
		var s *string
		if err := c.Bind(&p, nil, &n, &s); err != nil {
			return err
		}
		return c.Ack(p, n, s, c.Args().Len(), json.RawMessage(c.Args().Raw(1)))
	})
	const missing, invalid = `{"error":{"message":"argument %d is missing"}}`, `{"error":{"message":"argument %d is invalid"}}`
	say := func(format, n string) string { return strings.Replace(format, "%d", n, 1) }
	c := h.join("/")
	for args, ack := range map[string]string{
		`{"X":1,"Y":2},"skipped",3,"four"`:            `{"X":1,"Y":2},3,"four",4,"skipped"`,
		`{"x":1,"unknown":[]},[{}],3,null,5,6`:        `{"X":1,"Y":0},3,null,6,[{}]`,
		`{"X":1},{},3`:                                say(missing, "4"),
		`{"X":1}`:                                     say(missing, "3"),
		`[1],2,3,"4"`:                                 say(invalid, "1"),
		`{"X":"secret"},2,3,"4"`:                      say(invalid, "1"),
		`{},2,3.5,"4"`:                                say(invalid, "3"),
		`{},2,99999999999999999999999999999,"4"`:      say(invalid, "3"),
		`{},2,"3","4"`:                                say(invalid, "3"),
		`{},2,3,[]`:                                   say(invalid, "4"),
		`{"X":1},{"_placeholder":true,"num":0},3,"4"`: `{"X":1,"Y":0},3,"4",4,{"_placeholder":true,"num":0}`,
	} {
		c.send(`21["bind",` + args + `]`)
		c.want(`31[` + ack + `]`)
	}
	c.send(`21["bind"]`)
	c.want(`31[` + say(missing, "1") + `]`)
}

// In connect and disconnect handlers there are no arguments.
func TestBindWithoutEvent(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.OnConnect(func(c *sio.Context) error {
		if n := c.Args().Len(); n != 0 || c.WantsAck() {
			t.Errorf("%d arguments, wants ack %t", n, c.WantsAck())
		}
		if err := c.Ack("nobody asked"); err != nil {
			t.Errorf("Ack: %v", err)
		}
		var s string
		return c.Bind(&s)
	})
	if err := siotest.Refused(t, srv); err.Error() != "internal error" { // it is not the client's fault
		t.Errorf("refusal %v", err)
	}
	const want = `sio: Bind in the handler of "connect", which has no arguments; the payload of a connect is for BindAuth`
	if line := log.only(t, "handler failed"); line["error"] != want {
		t.Errorf("logged %v", line)
	}
}

type auth struct {
	Token string `json:"token"`
	N     int    `json:"n"`
}

// TestBindAuthOfTheGone has a client leave while the connect handler runs.
func TestBindAuthOfTheGone(t *testing.T) {
	srv := newServer(t, nil)
	entered, got := make(chan *sio.Context), make(chan error)
	srv.OnConnect(func(c *sio.Context) error {
		entered <- c
		<-c.Context().Done()
		got <- c.BindAuth(new(auth))
		return nil
	})
	h := serve(t, srv, srv) + "/socket.io/"
	c := dial(t, h, testclient.Options{WebSocket: true})
	c.send(`0{"token":"x"}`)
	receive(t, entered, "the connect handler")
	c.Close()
	if err := receive(t, got, "BindAuth"); err != sio.ErrClosed {
		t.Errorf("BindAuth: %v", err)
	}
}

func TestBindAuth(t *testing.T) {
	srv := newServer(t, nil)
	got := make(chan auth, 1)
	srv.OnConnect(func(c *sio.Context) error {
		a := auth{Token: "default", N: 7}
		if err := c.BindAuth(&a); err != nil {
			return err
		}
		var again auth
		if err := c.BindAuth(&again); err != nil {
			t.Errorf("BindAuth a second time: %v", err)
		}
		got <- a
		return nil
	})
	srv.On("again", func(c *sio.Context) error {
		a := auth{N: 3}
		if err := c.BindAuth(&a); !errors.Is(err, sio.ErrAuthGone) || a != (auth{N: 3}) {
			t.Errorf("BindAuth in an event handler: %v %+v", err, a)
		}
		return c.Ack()
	})
	left := make(chan error, 1)
	srv.OnDisconnect(func(c *sio.Context) error {
		left <- c.BindAuth(new(auth))
		return nil
	})

	invalid := &siotest.Options{Auth: map[string]any{"n": "secret"}}
	if err := siotest.Refused(t, srv, invalid); err.Error() != "auth payload is invalid" {
		t.Errorf("refusal %v", err)
	}
	c := siotest.Connect(t, srv, &siotest.Options{Auth: auth{"t", 1}})
	if a := <-got; a != (auth{"t", 1}) {
		t.Errorf("auth %+v", a)
	}
	c.Call("again").Is()
	c.Close()
	if err := receive(t, left, "OnDisconnect"); !errors.Is(err, sio.ErrAuthGone) {
		t.Errorf("BindAuth in the disconnect handler: %v", err)
	}

	siotest.Connect(t, srv)
	if a := <-got; a != (auth{"default", 7}) {
		t.Errorf("without a payload: auth %+v", a)
	}
}

func TestAckOnce(t *testing.T) {
	srv := newServer(t, nil)
	srv.On("twice", func(c *sio.Context) error {
		if err := c.Ack("first", c.WantsAck()); err != nil {
			t.Errorf("first Ack: %v", err)
		}
		if err := c.Ack("second"); c.WantsAck() && !errors.Is(err, sio.ErrAckSent) || !c.WantsAck() && err != nil {
			t.Errorf("second Ack: %v, asked for one: %t", err, c.WantsAck())
		}
		return nil
	})
	srv.On("ack and error", func(c *sio.Context) error {
		if err := c.Ack("sent"); err != nil {
			return err
		}
		return &sio.Error{Message: "too late for the client"}
	})
	srv.On("retry", func(c *sio.Context) error {
		if err := c.Ack(make(chan int)); err == nil {
			t.Error("a channel was encoded")
		}
		return c.Ack("nothing had been sent")
	})
	c := siotest.Connect(t, srv)
	c.Emit("twice")
	c.Call("twice").Is("first", true)
	c.Call("ack and error").Is("sent")
	c.Call("retry").Is("nothing had been sent") // and no second answer came before, or the client would be gone
}

// A Context may be kept, and used by any goroutine, when its handler has
// returned and others run.
func TestContextIsSafeToKeep(t *testing.T) {
	srv := newServer(t, nil)
	kept := make(chan *sio.Context, 100)
	srv.On("keep", func(c *sio.Context) error {
		kept <- c
		return nil
	})
	srv.On("other", func(c *sio.Context) error { return c.Ack() })
	c := siotest.Connect(t, srv)
	const n = 50
	var answers []*siotest.Answer
	for i := range n {
		answers = append(answers, c.Go("keep", i, strings.Repeat("x", 100)))
	}
	c.Call("other", strings.Repeat("y", 100)).Is()
	done := make(chan error)
	for range n {
		go func() { // until the ack is out
			kc := <-kept
			var i int
			var s string
			if err := kc.Bind(&i, &s); err != nil {
				done <- err
				return
			}
			if s != strings.Repeat("x", 100) || kc.Event() != "keep" {
				done <- errors.New("changed: " + kc.Event() + " " + s)
				return
			}
			done <- kc.Ack(i)
		}()
	}
	for range n {
		if err := receive(t, done, "an ack"); err != nil {
			t.Error(err)
		}
	}
	for i, a := range answers {
		a.Is(i)
	}
}

func TestGetSet(t *testing.T) {
	srv := newServer(t, nil)
	srv.OnConnect(func(c *sio.Context) error {
		if v := c.Get("name"); v != nil {
			t.Errorf("%v is there already", v)
		}
		c.Set("name", "Ada")
		c.SetValue(point{1, 2}, "any key")
		return nil
	})
	got := make(chan [3]any, 2)
	report := func(c *sio.Context) error {
		got <- [3]any{c.Get("name"), c.Socket().Value("name"), c.Value(point{1, 2})}
		return nil
	}
	srv.On("get", report)
	srv.OnDisconnect(report)
	srv.Of("/other").On("get", func(c *sio.Context) error { return c.Ack(c.Get("name")) })
	c := siotest.Connect(t, srv)
	c.Emit("get")
	want := [3]any{"Ada", "Ada", "any key"}
	if v := receive(t, got, "the event"); v != want {
		t.Errorf("in an event handler: %v", v)
	}
	c.Of("/other", nil).Call("get").Is(nil)
	c.Close()
	if v := receive(t, got, "OnDisconnect"); v != want {
		t.Errorf("in the disconnect handler: %v", v)
	}
}

// The context of a client ends when it leaves, with the reason as the cause.
func TestContextEnds(t *testing.T) {
	for reason, leave := range map[sio.Reason]func(c *client, s *sio.Socket){
		"client namespace disconnect": func(c *client, _ *sio.Socket) { c.send("1") },
		"transport close":             func(c *client, _ *sio.Socket) { c.Close() },
		"server namespace disconnect": func(_ *client, s *sio.Socket) { s.Disconnect(false) },
		"forced close":                func(c *client, _ *sio.Socket) { c.send("nonsense") },
	} {
		t.Run(string(reason), func(t *testing.T) {
			h := newHost(t, nil)
			contexts := make(chan *sio.Context, 2)
			left := make(chan sio.Reason, 2)
			h.OnConnect(func(c *sio.Context) error {
				contexts <- c
				if c.Context().Err() != nil || c.Reason() != "" {
					t.Errorf("at first: %v %q", c.Context().Err(), c.Reason())
				}
				return nil
			})
			h.OnDisconnecting(func(c *sio.Context) error { left <- c.Reason(); return nil })
			h.OnDisconnect(func(c *sio.Context) error {
				left <- c.Reason()
				ended(t, c.Context(), c.Reason())
				return nil
			})
			c := h.join("/")
			kept := <-contexts
			leave(c, kept.Socket())
			ended(t, kept.Context(), reason)
			for range 2 {
				if got := receive(t, left, "the disconnect handlers"); got != reason {
					t.Errorf("reason %q, want %q", got, reason)
				}
			}
			if kept.Reason() != reason {
				t.Errorf("the connect handler's Context has reason %q", kept.Reason())
			}
			for what, err := range map[string]error{"Emit": kept.Emit("x"), "Join": kept.Join("room")} {
				if !errors.Is(err, sio.ErrClosed) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := kept.EmitWithAck(context.Background(), "x"); !errors.Is(err, sio.ErrClosed) || !errors.Is(err, reason) {
				t.Errorf("EmitWithAck: %v", err)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	h := newHost(t, nil)
	h.On("transport", func(c *sio.Context) error { return c.Ack(c.Transport()) })
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	c.send(`21["transport"]`)
	c.want(`31["polling"]`)
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	c.send(`21["transport"]`)
	c.want(`31["websocket"]`)
}

func TestCause(t *testing.T) {
	for _, tt := range []struct {
		name   string
		do     func(c *client, s *sio.Socket)
		reason sio.Reason
		cause  error
	}{
		{"connection cut", func(c *client, _ *sio.Socket) { c.Close() }, "transport close", io.EOF},
		{"no packet", func(c *client, _ *sio.Socket) { c.send(`2["secret`) }, "forced close", parser.Error("truncated JSON")},
		{"attachment without an event", func(c *client, _ *sio.Socket) { c.send("51-[]") }, "forced close", parser.Error("event name is neither a string nor a number")},
		{"second CONNECT", func(c *client, _ *sio.Socket) { c.send("0") }, "forced close", parser.Error("second CONNECT")},
		{"namespace not joined", func(c *client, _ *sio.Socket) { c.send(`2/secret,["event"]`) }, "forced close", parser.Error("packet for a namespace not joined")},
		{"DISCONNECT", func(c *client, _ *sio.Socket) { c.send("1") }, "client namespace disconnect", nil},
		{"DISCONNECT, then nonsense", func(c *client, _ *sio.Socket) { c.send("1", "x") }, "client namespace disconnect", nil},
		{"Disconnect", func(_ *client, s *sio.Socket) { s.Disconnect() }, "server namespace disconnect", nil},
		{"Disconnect with the connection", func(_ *client, s *sio.Socket) { s.Disconnect(true) }, "server namespace disconnect", nil},
		{"slow consumer", func(_ *client, s *sio.Socket) { s.Session().Abort(engineio.ReasonSlowConsumer) }, "slow consumer", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			type end struct {
				event  string
				reason sio.Reason
				cause  error
			}
			joined, ends := make(chan *sio.Socket, 1), make(chan end, 2)
			h.OnConnect(func(c *sio.Context) error {
				joined <- c.Socket()
				if err := c.Cause(); err != nil {
					t.Errorf("cause %v while connecting", err)
				}
				return nil
			})
			note := func(c *sio.Context) error {
				ends <- end{c.Event(), c.Reason(), c.Cause()}
				return nil
			}
			h.OnDisconnecting(note)
			h.OnDisconnect(note)
			c := h.join("/")
			s := receive(t, joined, "the socket")
			tt.do(c, s)
			for _, event := range []string{"disconnecting", "disconnect"} {
				if got, want := receive(t, ends, event), (end{event, tt.reason, tt.cause}); got != want {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			ended(t, s.Context(), tt.reason) // not the cause
			if err := s.Cause(); err != tt.cause {
				t.Errorf("Socket.Cause: %v", err)
			}
		})
	}
}

// Of a connection that breaks the rules, every socket has the cause.
func TestCauseInAllNamespaces(t *testing.T) {
	h := newHost(t, nil)
	causes := make(chan error, 2)
	for _, nsp := range []string{"/", "/chat"} {
		h.Of(nsp).OnDisconnect(func(c *sio.Context) error {
			causes <- c.Cause()
			return nil
		})
	}
	h.join("/", "/chat").send("4")
	for range 2 {
		if err := receive(t, causes, "a disconnect"); err != parser.Error("CONNECT_ERROR from a client") {
			t.Errorf("cause %v", err)
		}
	}
}

func TestCauseOfShutdown(t *testing.T) {
	h := newHost(t, nil)
	causes := make(chan error, 1)
	h.OnDisconnect(func(c *sio.Context) error {
		causes <- c.Cause()
		return nil
	})
	h.join("/")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = h.Shutdown(ctx)
	if err := receive(t, causes, "the disconnect"); err != nil {
		t.Errorf("cause %v", err)
	}
}

// TestEmitContext has more sent than may wait.
func TestEmitContext(t *testing.T) {
	h := newHost(t, &sio.Options{QueuePackets: 10, KeepSlow: true})
	number := sio.NewEvent[int]("number")
	h.On("go", func(c *sio.Context) error {
		for i := range 100 {
			if err := c.EmitContext(c.Context(), "n", i); err != nil {
				return err
			}
		}
		for i := range 100 {
			if err := number.EmitContext(context.Background(), c, i); err != nil {
				return err
			}
		}
		return c.Ack()
	})
	c := dial(t, h.url, testclient.Options{})
	c.connect("/", nil)
	c.send(`21["go"]`)
	for _, event := range []string{"n", "number"} {
		for i := range 100 {
			c.want(`2["` + event + `",` + strconv.Itoa(i) + `]`)
		}
	}
	c.want("31[]")
}

// A client whose credentials expire is closed in a way that it reconnects.
func TestExpireAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t, nil)
		contexts := make(chan *sio.Context, 2)
		srv.OnConnect(func(c *sio.Context) error {
			c.ExpireAt(time.Now().Add(time.Hour))
			c.ExpireAt(time.Now().Add(time.Second)) // the last one counts
			contexts <- c
			return nil
		})
		start := time.Now()
		c := siotest.Connect(t, srv)
		c.ExpectDisconnect(siotest.TransportClose) // without a DISCONNECT
		if took := time.Since(start); took != time.Second {
			t.Errorf("closed after %v", took)
		}
		ended(t, (<-contexts).Context(), sio.Reason("forced close"))

		c = siotest.Connect(t, srv)
		(<-contexts).ExpireAt(time.Time{}) // renewed
		time.Sleep(24 * time.Hour)
		c.ExpectNone() // and it is there still
	})
}
