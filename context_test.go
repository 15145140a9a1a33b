package sio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
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

type ctxKey struct{}

// What Request returns is detached from the one that was served.
func TestRequest(t *testing.T) {
	for _, webSocket := range []bool{false, true} {
		srv := sio.New(nil)
		served := make(chan *http.Request, 1) // with the handshake
		mux := http.NewServeMux()
		mux.HandleFunc("/t/{tenant}/socket.io/", func(w http.ResponseWriter, r *http.Request) {
			r = r.WithContext(context.WithValue(r.Context(), ctxKey{}, "value"))
			if r.URL.Query().Get("sid") == "" {
				served <- r
			}
			_ = srv.ServeWith(w, r, nil)
		})
		contexts := make(chan *sio.Context, 1)
		srv.OnConnect(func(c *sio.Context) error { contexts <- c; return nil })
		url := serve(t, mux, srv)
		c := dial(t, url+"/t/acme/socket.io/?q=1", testclient.Options{
			WebSocket: webSocket,
			Header:    http.Header{"X-Test": {"header"}, "Cookie": {"a=b"}},
		})
		c.connect("/", nil)
		kept := <-contexts
		r, original := kept.Request(), <-served
		if r == original || r.URL == original.URL {
			t.Error("the request is not a copy")
		}
		cookie, err := r.Cookie("a")
		if err != nil || cookie.Value != "b" {
			t.Errorf("cookie %v %v", cookie, err)
		}
		for what, pair := range map[string][2]string{
			"method": {r.Method, "GET"}, "header": {r.Header.Get("X-Test"), "header"}, "query": {r.URL.Query().Get("q"), "1"},
			"path": {r.URL.Path, "/t/acme/socket.io/"}, "path value": {r.PathValue("tenant"), "acme"},
			"remote address": {r.RemoteAddr, c.LocalAddr}, "RemoteAddr": {kept.RemoteAddr(), c.LocalAddr},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s %q, want %q", what, pair[0], pair[1])
			}
		}
		original.Header.Set("X-Test", "changed")
		if got := r.Header.Get("X-Test"); got != "header" {
			t.Errorf("header %q", got)
		}
		if b, err := io.ReadAll(r.Body); len(b) > 0 || err != nil {
			t.Errorf("body %q %v", b, err)
		}
		ctx, socketCtx := r.Context(), kept.Context()
		for what, ctx := range map[string]context.Context{"Request": ctx, "Context": socketCtx} {
			if ctx.Err() != nil || ctx.Value(ctxKey{}) != "value" {
				t.Errorf("the context of %s: %v, value %v", what, ctx.Err(), ctx.Value(ctxKey{}))
			}
		}
		// Leaving the namespace ends the one context, and leaving altogether the other.
		c.send("1")
		ended(t, socketCtx, sio.Reason("client namespace disconnect"))
		if ctx.Err() != nil {
			t.Errorf("the context of the request has ended with the namespace: %v", context.Cause(ctx))
		}
		c.Close()
		ended(t, ctx, sio.Reason("transport close"))
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

func TestForgetRequest(t *testing.T) {
	srv := sio.New(&sio.Options{ForgetRequest: true})
	srv.On("x", func(c *sio.Context) error {
		return c.Ack(c.Request() == nil, c.Captured(), c.RemoteAddr() != "", c.Context().Err() == nil)
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	detached := make(chan *http.Request, 1)
	mux.HandleFunc("/captured/", func(w http.ResponseWriter, r *http.Request) {
		_ = srv.ServeWith(w, r, func(d *http.Request) (any, error) {
			detached <- d
			return "captured", nil
		})
	})
	siotest.Cleanup(t, srv)
	for path, captured := range map[string]any{
		"/socket.io/": nil,
		"/captured/":  "captured",
	} {
		siotest.Connect(t, mux, &siotest.Options{Path: path, Polling: true}).Call("x").Is(true, captured, true, true)
	}
	if r := <-detached; r != nil {
		t.Error("the capture function was handed a copy of the request to keep")
	}
}

// The capture function runs once for each session, whatever its transport.
func TestCapture(t *testing.T) {
	srv := sio.New(nil)
	var captures []string // on one connection, requests come one by one
	errMallory := errors.New("who is mallory?")
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := srv.ServeWith(w, r, func(d *http.Request) (any, error) {
			user := d.Header.Get("X-User")
			captures = append(captures, user)
			if user == "mallory" {
				return nil, errMallory
			}
			return user, nil
		})
		switch {
		case errors.Is(err, errMallory):
			http.Error(w, "no", http.StatusTeapot)
		case err != nil:
			t.Errorf("ServeWith: %v", err)
		}
	}), srv)
	srv.OnConnect(func(c *sio.Context) error { return c.Emit("who", c.Captured()) })
	srv.On("who", func(c *sio.Context) error {
		if _, ok := sio.Captured[int](c); ok {
			t.Error("a string is captured as an int")
		}
		user, ok := sio.Captured[string](c)
		return c.Ack(user, ok)
	})

	c := dial(t, url, testclient.Options{Header: http.Header{"X-User": {"ada"}}})
	c.connect("/", nil)
	c.want(`2["who","ada"]`)
	c.send(`21["who"]`)
	c.want(`31["ada",true]`)
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	c.send(`21["who"]`)
	c.want(`31["ada",true]`)
	if !slices.Equal(captures, []string{"ada"}) {
		t.Errorf("captured %q", captures)
	}
	for _, webSocket := range []bool{false, true} {
		_, err := testclient.Dial(url, testclient.Options{WebSocket: webSocket, Header: http.Header{"X-User": {"mallory"}}})
		var status *testclient.StatusError
		if !errors.As(err, &status) || status.Code != http.StatusTeapot {
			t.Errorf("a capture that fails: %v, want the caller's answer", err)
		}
	}
	if n := srv.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
