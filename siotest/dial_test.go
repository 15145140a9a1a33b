package siotest_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// What is no server fails the test, and takes no time.
func TestConnectFails(t *testing.T) {
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) }
	}
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	pollingOnly := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sio.New(&sio.Options{Transports: []string{"polling"}}).ServeHTTP(w, r)
	})
	polling := &siotest.Options{Polling: true}
	for name, tt := range map[string]struct {
		h    http.Handler
		opts []*siotest.Options
		want string
	}{
		"not found":          {http.NotFoundHandler(), nil, "siotest: the server refuses the client: status 404: 404 page not found"},
		"polling, not found": {http.NotFoundHandler(), []*siotest.Options{polling}, "siotest: the server refuses the client: status 404: 404 page not found"},
		"transport":          {pollingOnly, nil, "siotest: the server refuses the client: status 400: Transport unknown"},
		"no WebSocket":       {text("hello"), nil, "siotest: the server refuses the client: status 200: hello"},
		"closed":             {hijack(""), nil, "siotest: no connection: WebSocket: "},
		"polling, closed":    {hijack(""), []*siotest.Options{polling}, "siotest: no connection: "},
		"no Engine.IO":       {text("hello"), []*siotest.Options{polling}, `siotest: no connection: the handshake is answered with "hello"`},
		"no id":              {text("0{}"), []*siotest.Options{polling}, `siotest: no connection: the handshake is answered with "0{}"`},
		"no base64":          {text("b?"), []*siotest.Options{polling}, `siotest: no connection: the server has sent "b?": `},
		"silence":            {silent, nil, "siotest: no connection: WebSocket: "},
		"polling, silence":   {silent, []*siotest.Options{polling}, "siotest: no connection: "},
		"too many options":   {silent, []*siotest.Options{nil, nil}, "siotest: 2 Options, want one at most"},
		"no answer": {text(`0{"sid":"x"}`), []*siotest.Options{polling},
			`siotest: the client is disconnected ("transport close"): the server has sent what is no packet: Engine.IO packet of type '0', instead of an answer to CONNECT`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := failing(t, func(t testing.TB) { siotest.Connect(t, tt.h, tt.opts...) })
				if !strings.HasPrefix(f, tt.want) {
					t.Errorf("failure %q\nwant    %q", f, tt.want)
				}
			})
		})
	}
	f := failing(t, func(t testing.TB) { siotest.Refused(t, sio.New(nil)) })
	if want := "siotest: the server lets the client in to /, want a refusal"; f != want {
		t.Errorf("failure %q, want %q", f, want)
	}
}

// Timeout bounds a wait, and may be long enough for what takes its time.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(t, nil)
		srv.OnConnect(func(*sio.Context) error { time.Sleep(time.Minute); return nil })
		start := time.Now()
		f := failing(t, func(t testing.TB) { siotest.Connect(t, srv, &siotest.Options{Timeout: time.Second}) })
		if want := "siotest: the connect handler has not returned within 1s"; f != want || time.Since(start) != time.Second {
			t.Errorf("after %v: failure %q, want %q", time.Since(start), f, want)
		}
		siotest.Connect(t, srv, &siotest.Options{Timeout: time.Hour})
	})
}

// A server that sends without end is stopped.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1 << 16
		srv := newServer(t, &sio.Options{QueuePackets: 2 * most, QueueBytes: 1 << 30})
		c := siotest.Connect(t, srv)
		for i := range most + 1 {
			if err := srv.Emit("x", i); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for range most {
			c.Next()
		}
		c.ExpectDisconnect(siotest.TransportClose)
		f := failing(t, func(tb testing.TB) {
			c := siotest.Connect(tb, srv)
			for i := range most + 1 {
				_ = srv.Emit("x", i)
			}
			synctest.Wait()
			for range most + 1 {
				c.Next()
			}
		})
		if want := `siotest: the client is disconnected ("transport close"): 65536 events wait for the test, want an event`; f != want {
			t.Errorf("failure %q", f)
		}
	})
}

// scripted answers the handshake, and then, when the client has sent something,
// polls, with payloads of a server that is none of ours, until there are no more.
func scripted(payloads ...string) http.Handler {
	var polls int
	var once sync.Once
	sent := make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			once.Do(func() { close(sent) })
			_, _ = io.WriteString(w, "ok")
		case polls < len(payloads):
			if polls++; polls > 1 {
				<-sent
			}
			_, _ = io.WriteString(w, payloads[polls-1])
		default:
			<-r.Context().Done()
		}
	})
}

// A server that breaks the protocol ends the connection, with a reason that says
// how.
func TestProtocolErrors(t *testing.T) {
	const open, connect = `0{"sid":"x","maxPayload":100}`, `40{"sid":"y"}`
	for name, tt := range map[string]struct{ packet, want string }{
		"unknown type":    {"9", "the server has sent what is no packet: Engine.IO packet of type '9'"},
		"empty packet":    {"\x1e", "the server has sent an empty packet"},
		"no JSON":         {`42["x"`, "the server has sent what is no packet: socketio: "},
		"second CONNECT":  {connect, "the server has answered the CONNECT to / twice"},
		"late refusal":    {`44{"message":"no"}`, "the server has answered the CONNECT to / twice"},
		"answer to none":  {`431["x"]`, `the server has sent an answer to nothing: id 1, ["x"]`},
		"lone attachment": {"bAAAA", "the server has sent what is no packet: socketio: "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// What is for others, or means nothing, is passed over.
				h := scripted(open+"\x1e6", connect+"\x1e42/elsewhere,[\"x\"]\x1e6", `42["fine"]`, tt.packet)
				f := failing(t, func(t testing.TB) {
					c := siotest.Connect(t, h, &siotest.Options{Polling: true})
					c.Expect("fine")
					c.Next()
				})
				if want := `siotest: the client is disconnected ("transport close"): ` + tt.want; !strings.HasPrefix(f, want) {
					t.Errorf("failure %q\nwant    %q", f, want)
				}
			})
		})
	}
	for name, answer := range map[string]string{"no id": "40{}", "no object": "44[]", "the end": "1"} {
		synctest.Test(t, func(t *testing.T) {
			f := failing(t, func(t testing.TB) {
				siotest.Connect(t, scripted(open, answer), &siotest.Options{Polling: true})
			})
			if !strings.HasPrefix(f, `siotest: the client is disconnected ("transport close")`) || !strings.HasSuffix(f, ", instead of an answer to CONNECT") {
				t.Errorf("%s: failure %q", name, f)
			}
		})
	}
}

// An event that is larger than the server accepts ends the connection.
func TestTooLarge(t *testing.T) {
	transports(t, func(t *testing.T, opts *siotest.Options) {
		f := failing(t, func(tb testing.TB) {
			c := siotest.Connect(tb, newServer(t, &sio.Options{MaxPayload: 1000}), opts)
			c.Call("echo", strings.Repeat("x", 2000))
		})
		if want := `siotest: the client is disconnected ("transport close")`; !strings.HasPrefix(f, want) {
			t.Errorf("failure %q\nwant    %q", f, want)
		}
	})
}
