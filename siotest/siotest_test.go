package siotest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/siokit/sio"
	sioecho "github.com/siokit/sio/adapters/echo"
	"github.com/siokit/sio/siotest"
)

type message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// newServer returns a server that does what the tests need.
func newServer(t testing.TB, opts *sio.Options) *sio.Server {
	srv := sio.New(opts)
	siotest.Cleanup(t, srv)
	srv.On("echo", func(c *sio.Context) error {
		args := make([]any, c.Args().Len())
		ptrs := make([]any, len(args))
		for i := range args {
			ptrs[i] = &args[i]
		}
		if err := c.Bind(ptrs...); err != nil {
			return err
		}
		if err := c.Emit("echo", args...); err != nil {
			return err
		}
		return c.Ack(args...)
	})
	srv.On("fail", func(c *sio.Context) error { return &sio.Error{Message: "no", Data: []int{1}} })
	srv.On("kick", func(c *sio.Context) error { c.Disconnect(); return nil })
	srv.On("close", func(c *sio.Context) error { c.Disconnect(true); return nil })
	srv.On("ask", func(c *sio.Context) error {
		answer, err := c.EmitWithAck(c.Context(), "question", "why?")
		if err != nil {
			return err
		}
		var s string
		if err := answer.Bind(&s); err != nil {
			return err
		}
		return c.Ack(s)
	})
	srv.OnAny(func(*sio.Context) error { return nil })
	return srv
}

// transports runs a test for each.
func transports(t *testing.T, f func(t *testing.T, opts *siotest.Options)) {
	t.Run("websocket", func(t *testing.T) { f(t, &siotest.Options{}) })
	t.Run("polling", func(t *testing.T) { f(t, &siotest.Options{Polling: true}) })
}

func TestEvents(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, nil)
		c := siotest.Connect(t, srv, opts)
		if srv.Socket(c.ID()) == nil {
			t.Errorf("id %q is not that of the socket", c.ID())
		}
		m := message{"lobby", "<héllo> & \x1e"}
		c.Call("echo", m, 1).Is(m, 1)
		c.Expect("echo").Is(m, 1)
		if got := siotest.Call[message](c, "echo", m); got != m {
			t.Errorf("answer %v", got)
		}
		if got := siotest.Expect[message](c, "echo"); got != m {
			t.Errorf("event %v", got)
		}
		c.Emit("echo", "a", 2)
		var s string
		var n int
		e := c.Next()
		e.Bind(&s, &n)
		if e.Name() != "echo" || s != "a" || n != 2 || e.WantsAck() || e.String() != `"echo" ["a",2]` {
			t.Errorf("event %v, bound as %q, %d", e, s, n)
		}
		c.Call("echo").Is()
		c.Expect("echo").Is()
		// Many at once arrive in order.
		for i := range 300 {
			c.Emit("echo", i)
		}
		for i := range 300 {
			c.Expect("echo").Is(i)
		}
		c.ExpectNone()
	})
}

func TestBinary(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		c := siotest.Connect(t, newServer(t, nil), opts)
		type file struct {
			Name  string
			Parts [][]byte
		}
		f := file{"f", [][]byte{{1, 2}, {}, []byte(strings.Repeat("x", 100_000))}}
		got := siotest.Call[file](c, "echo", f)
		if got.Name != "f" || !slices.EqualFunc(got.Parts, f.Parts, slices.Equal) {
			t.Errorf("got %v", got)
		}
		c.Expect("echo").Is(f)
		c.Call("echo", []byte{1}, 5, []byte{2}).Is([]byte{1}, 5, []byte{2})
		if e := c.Next(); e.String() != `"echo" ["<1 bytes: 01>",5,"<1 bytes: 02>"]` {
			t.Errorf("event %v", e)
		}
	})
}

// What is emitted is copied.
func TestEmitCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := siotest.Connect(t, newServer(t, nil))
		b := []byte("before")
		c.Emit("echo", b)
		copy(b, "behind")
		c.Expect("echo").Is([]byte("before"))
	})
}

func TestAcks(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		c := siotest.Connect(t, newServer(t, nil), opts)
		a := c.Go("ask")
		b := c.Go("echo", 1) // is handled behind it
		q := c.Expect("question").Is("why?")
		if !q.WantsAck() {
			t.Error("the server does not wait")
		}
		q.Ack("because")
		b.Is(1)
		var s string
		if a.Bind(&s); s != "because" || a.Err() != nil || a.String() != `["because"]` {
			t.Errorf("answer %q, %v", s, a)
		}
		err := c.CallError("fail")
		if err.Message != "no" || string(err.Data) != "[1]" || err.Status != 0 || err.Error() != "no (data [1])" {
			t.Errorf("error %+v", err)
		}
		// Only what a failing handler answers is an error.
		for _, v := range []any{
			map[string]any{"error": "no"}, map[string]any{"error": map[string]any{}}, map[string]any{"message": "no"},
			map[string]any{"error": map[string]any{"message": "no", "code": 1}}, map[string]any{"error": nil}, "error", nil,
		} {
			c.Call("echo", v).Is(v)
		}
	})
}

// Is compares values, not bytes, and is exact about numbers.
func TestIsCompares(t *testing.T) {
	c := siotest.Connect(t, newServer(t, nil))
	c.Call("echo", map[string]any{"text": "t", "room": "r"}).Is(message{"r", "t"})
	f := failing(t, func(t testing.TB) {
		c := siotest.Connect(t, newServer(t, nil))
		c.Call("echo", "9007199254740993") // as text, since float64 can't hold it
		srv := sio.New(nil)
		srv.On("n", func(c *sio.Context) error { return c.Ack(int64(9007199254740993)) })
		siotest.Connect(t, srv).Call("n").Is(int64(9007199254740992))
	})
	if want := `siotest: the answer to "n" is [9007199254740993], want [9007199254740992]`; f != want {
		t.Errorf("failure %q", f)
	}
}

func TestNamespaces(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, nil)
		left := make(chan sio.Reason, 2)
		chat := srv.Of("/chat")
		chat.OnConnect(func(c *sio.Context) error {
			var auth struct{ Token string }
			if err := c.BindAuth(&auth); err != nil {
				return err
			}
			return c.Emit("welcome", auth.Token)
		})
		chat.OnDisconnect(func(c *sio.Context) error { left <- c.Reason(); return nil })
		opts.Namespace, opts.Auth = "chat", map[string]any{"token": "good"}
		c := siotest.Connect(t, srv, opts)
		c.Expect("welcome").Is("good")
		root := c.Of("/", nil)
		root.Call("echo", 1)
		c.Disconnect()
		c.ExpectDisconnect(siotest.ClientDisconnect)
		if r := <-left; r != "client namespace disconnect" {
			t.Errorf("reason %q", r)
		}
		again := root.Of("/chat", message{Text: "t"})
		again.Expect("welcome").Is("")
		if again.ID() == c.ID() || srv.Connections() != 1 {
			t.Errorf("ids %q %q, %d connections", again.ID(), c.ID(), srv.Connections())
		}
		c.Disconnect() // does nothing
		root.Emit("kick")
		root.Expect("echo")
		root.ExpectDisconnect(siotest.ServerDisconnect)
		again.ExpectNone()
		again.Close()
		if r := <-left; r != "transport close" {
			t.Errorf("reason %q", r)
		}
		again.Close()
		again.ExpectDisconnect(siotest.ClientDisconnect)
	})
}

// Close delivers what was emitted, in requests that the server accepts.
func TestCloseDelivers(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, &sio.Options{MaxPayload: 1000})
		var got []int
		left := make(chan struct{})
		sio.On(srv, "n", func(_ *sio.Context, n int) error { got = append(got, n); return nil })
		srv.OnDisconnect(func(*sio.Context) error { close(left); return nil })
		c := siotest.Connect(t, srv, opts)
		for i := range 1000 {
			c.Emit("n", i)
		}
		c.Close()
		<-left
		if len(got) != 1000 || !slices.IsSorted(got) {
			t.Errorf("%d events: %v", len(got), got)
		}
	})
}

func TestServerCloses(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, nil)
		c := siotest.Connect(t, srv, opts)
		c.Emit("close")
		c.ExpectDisconnect(siotest.ServerDisconnect)
		c = siotest.Connect(t, srv, opts)
		if err := srv.Emit("last words"); err != nil {
			t.Error(err)
		}
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		c.Expect("last words")
		c.ExpectDisconnect(siotest.TransportClose)
		err := siotest.Refused(t, srv, opts)
		if err.Status != http.StatusServiceUnavailable {
			t.Errorf("after Shutdown: %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, nil)
		srv.OnConnect(func(c *sio.Context) error {
			var auth struct{ Token string }
			if err := c.BindAuth(&auth); err != nil {
				return err
			}
			if auth.Token != "good" {
				return &sio.Error{Message: "not authorized", Data: 401}
			}
			return nil
		})
		err := siotest.Refused(t, srv, opts)
		if err.Message != "not authorized" || string(err.Data) != "401" || err.Status != 0 {
			t.Errorf("refused with %+v", err)
		}
		opts.Auth = struct{ Token string }{"good"}
		siotest.Connect(t, srv, opts)
		opts.Namespace = "/nobody"
		if err := siotest.Refused(t, srv, opts); err.Message != "Invalid namespace" || err.Data != nil {
			t.Errorf("refused with %+v", err)
		}
	})
}

// The handler may be whatever the server is mounted in.
func TestMounted(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, &sio.Options{Path: "/own"})
		srv.On("who", func(c *sio.Context) error {
			r := c.Request()
			return c.Ack(sioecho.Context(c).Get("user"), r.Header.Get("X-Test"), r.URL.Query().Get("q"), r.URL.Path, c.RemoteAddr(), r.Host, c.Transport())
		})
		e := echo.New()
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				if c.Request().Header.Get("Authorization") == "" {
					return echo.NewHTTPError(http.StatusUnauthorized, "who are you?")
				}
				c.Set("user", "ada")
				return next(c)
			}
		})
		sioecho.Register(e.Group("/t/:tenant"), "/io", srv)
		opts.Path = "/t/acme/io/"
		err := siotest.Refused(t, e, opts)
		if err.Status != http.StatusUnauthorized || !strings.Contains(err.Message, "who are you?") || !strings.HasPrefix(err.Error(), "status 401: {") {
			t.Errorf("refused with %v", err)
		}
		opts.Header = http.Header{"Authorization": {"Bearer x"}, "X-Test": {"header"}}
		opts.Query = map[string][]string{"q": {"a b"}}
		transport := "websocket"
		if opts.Polling {
			transport = "polling"
		}
		siotest.Connect(t, e, opts).Call("who").Is("ada", "header", "a b", "/t/acme/io/", "192.0.2.1:1234", "example.com", transport)
		// A server knows its own path.
		siotest.Connect(t, srv).Call("echo")
	})
}

// Many clients, each used by a goroutine of its own.
func TestManyClients(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		srv := newServer(t, nil)
		srv.OnConnect(func(c *sio.Context) error { return c.Join("all") })
		const n = 20
		clients := make([]*siotest.Client, n)
		for i := range clients {
			clients[i] = siotest.Connect(t, srv, opts)
		}
		if err := srv.To("all").Emit("hello"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i, c := range clients {
			wg.Go(func() {
				c.Expect("hello")
				for j := range 20 {
					c.Call("echo", i, j).Is(i, j)
					c.Expect("echo").Is(i, j)
				}
			})
		}
		wg.Wait()
	})
}

// One client, used by many goroutines.
func TestConcurrentUse(t *testing.T) {
	srv := newServer(t, nil)
	c := siotest.Connect(t, srv)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { c.Call("echo", i).Is(i) })
		wg.Go(func() { c.Expect("echo") })
	}
	wg.Wait()
	c.ExpectNone()
}

// A bubble lets time pass: the client answers pings, and nothing of it stays.
func TestTimePasses(t *testing.T) {
	for _, polling := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := newServer(t, nil)
			left := make(chan sio.Reason, 1)
			srv.OnDisconnect(func(c *sio.Context) error { left <- c.Reason(); return nil })
			c := siotest.Connect(t, srv, &siotest.Options{Polling: polling})
			time.Sleep(24 * time.Hour)
			c.ExpectNone()
			c.Call("echo", 1).Is(1)
			c.Expect("echo")

			time.AfterFunc(9*time.Second, func() { _ = srv.Emit("late") })
			c.ExpectNone()
			start := time.Now()
			c.Expect("late")
			if took := time.Since(start); took != 9*time.Second {
				t.Errorf("late after %v", took)
			}

			start = time.Now()
			c.Mute()
			if r := <-left; r != "ping timeout" {
				t.Errorf("reason %q", r)
			}
			if took := time.Since(start); took > 45*time.Second {
				t.Errorf("a mute client is given up after %v", took)
			}
			c.ExpectDisconnect(siotest.TransportClose)
		})
	}
}

// Cleanup reports a handler that stays.
func TestCleanupReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		f := failing(t, func(tb testing.TB) {
			srv := sio.New(nil)
			siotest.Cleanup(tb, srv)
			srv.On("block", func(*sio.Context) error { <-finish; return nil })
			siotest.Connect(tb, srv).Emit("block")
			synctest.Wait()
		})
		if want := "siotest: the server does not shut down, since a handler does not return: " + context.DeadlineExceeded.Error(); f != want {
			t.Errorf("failure %q", f)
		}
		close(finish)
	})
}

// An Error is one.
func TestError(t *testing.T) {
	for want, err := range map[string]error{
		"no":               &siotest.Error{Message: "no"},
		`no (data {})`:     &siotest.Error{Message: "no", Data: []byte(`{}`)},
		"status 403: gone": &siotest.Error{Message: "gone\n", Status: 403},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		if _, ok := errors.AsType[*siotest.Error](fmt.Errorf("wrapped: %w", err)); !ok {
			t.Errorf("%v is not found", err)
		}
	}
}
