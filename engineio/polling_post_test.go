package engineio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/engineio"
)

const noTimeout = `{"code":3,"message":"Request timeout"}`

// TestBodyThatDoesNotCome has requests that announce a body and send none. Whatever
// the answer, it comes, and the connection does not stay.
func TestBodyThatDoesNotCome(t *testing.T) {
	const known = 1 << 10 // marks requests to a session
	for name, test := range map[string]struct {
		method, query string
		status        int
		lines         []string
	}{
		"a POST without a sid":              {"POST", polling, 400, nil},
		"a POST with an unknown sid":        {"POST", polling + "&sid=abcdefghijklmnopqrst", 400, nil},
		"a POST that asks for no transport": {"POST", "EIO=4", 400, nil},
		"a POST of another origin":          {"POST", polling, 403, []string{"Origin: http://evil.test"}},
		"a handshake":                       {"GET", polling, 408, nil},
		"a handshake of revision 5":         {"GET", "EIO=5&transport=polling", 400, nil},
		"a GET":                             {"GET", polling + "&sid=", 408 | known, nil},
		"a GET of an unknown sid":           {"GET", polling + "&sid=abcdefghijklmnopqrst", 400, nil},
		"a PUT":                             {"PUT", polling + "&sid=", 405 | known, nil},
		"a PUT without a sid":               {"PUT", polling, 400, nil},
		"an OPTIONS":                        {"OPTIONS", polling + "&sid=", 204 | known, nil},
		"a preflight":                       {"OPTIONS", polling, 204, []string{"Origin: http://good.test", "Access-Control-Request-Method: POST"}},
		"a WebSocket":                       {"GET", "EIO=4&transport=websocket", 400, wsDefaults},
		"a WebSocket with a bad key":        {"GET", "EIO=4&transport=websocket", 400, []string{"Upgrade: websocket", "Connection: upgrade"}},
		"a WebSocket of a session":          {"GET", "EIO=4&transport=websocket&sid=", 400 | known, wsDefaults},
	} {
		for _, length := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
			t.Run(name+"/"+length, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newPipeHost(t, &engineio.Options{CORS: &engineio.CORS{Origins: []string{"http://good.test"}}})
					query := test.query
					if test.status&known != 0 {
						query += h.open().ID()
					}
					start := time.Now()
					c, res := h.raw(test.method + " /engine.io/?" + query + " HTTP/1.1\r\nHost: " + h.addr + "\r\n" +
						strings.Join(append(test.lines, length), "\r\n") + "\r\n\r\n")
					if res.StatusCode != test.status&^known {
						t.Errorf("status %s", res.Status)
					}
					io.Copy(io.Discard, c.br)
					if d := time.Since(start); d > 11*time.Second {
						t.Errorf("over after %v", d)
					}
				})
			})
		}
	}

	bubble := func(name string, opts *engineio.Options, f func(t *testing.T, h *host)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, newPipeHost(t, opts)) })
		})
	}
	bubble("while the server shuts down", nil, func(t *testing.T, h *host) {
		h.Shutdown(context.Background())
		start := time.Now()
		c, res := h.raw("GET /engine.io/?" + polling + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
		io.Copy(io.Discard, c.br)
		if d := time.Since(start); res.StatusCode != 503 || d > 11*time.Second {
			t.Errorf("%s after %v", res.Status, d)
		}
	})
	bubble("from a capture function that fails", nil, func(t *testing.T, h *host) {
		web := h.Server
		w := &deadlines{ResponseWriter: nullWriter{}}
		r, _ := http.ReadRequest(bufio.NewReader(strings.NewReader(
			"GET /?" + polling + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")))
		refused := errors.New("refused")
		if err := web.Serve(w, r, func() (any, error) { return nil, refused }); err != refused || w.read == 0 {
			t.Errorf("%v, %d deadlines", err, w.read)
		}
	})
	bubble("a GET whose body does not come ends its session, as one that is aborted", nil, func(t *testing.T, h *host) {
		p := h.open()
		get := func() *wsClient {
			c, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1", polling, p.ID())
			return newWSClient(h, c)
		}
		c := get()
		p.ends("transport error")
		res, err := http.ReadResponse(c.br, nil)
		if err != nil || res.StatusCode != 408 || !res.Close {
			t.Fatal(res, err)
		}
		c.conn.Close()
		p = h.open()
		c = get()
		synctest.Wait()
		c.conn.Close()
		start := time.Now()
		p.ends("transport error")
		after(t, start, 0)
	})
	bubble("a GET with a body is a GET", nil, func(t *testing.T, h *host) {
		p := h.open()
		ask := func() *wsClient {
			c, err := h.dial()
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(time.Hour))
			fmt.Fprintf(c, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", polling, p.ID())
			return newWSClient(h, c)
		}
		c := ask()
		time.Sleep(20 * time.Second)
		p.send("late")
		res, err := http.ReadResponse(c.br, nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		if b, _ := io.ReadAll(res.Body); string(b) != "4late" {
			t.Errorf("%q", b)
		}
		c.conn.Close()
		c = ask()
		synctest.Wait()
		c.conn.Close() // seen, though it had a body
		start := time.Now()
		p.ends("transport error")
		after(t, start, 0)
	})
	bubble("a connection that is used again has no deadline left", nil, func(t *testing.T, h *host) {
		p := h.open()
		refused := "POST /engine.io/?" + polling + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
		c, res := h.raw(refused)
		io.Copy(io.Discard, res.Body)
		if res.StatusCode != 400 || res.Close {
			t.Fatalf("%s, close %t", res.Status, res.Close)
		}
		time.Sleep(20 * time.Second)
		fmt.Fprintf(c.conn, "GET /engine.io/?%s&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", polling, p.ID())
		time.Sleep(4 * time.Second)
		p.send("x")
		if res, err := http.ReadResponse(c.br, nil); err != nil || res.StatusCode != 200 {
			t.Error(res, err)
		}
		c.conn.Close()
	})
}

// TestPostTimeout has POSTs that take their time.
func TestPostTimeout(t *testing.T) {
	run := func(name string, f func(t *testing.T, h *host, p *peer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newPipeHost(t, nil)
				f(t, h, h.open())
			})
		})
	}
	run("408 after 30 s, and the pending GET is released", func(t *testing.T, h *host, p *peer) {
		start := time.Now()
		c := newWSClient(h, h.begin(p.ID(), 100, "4first"))
		get := h.pend(p.ID()) // has a ping, then nothing
		(<-get).want(t, 200, "2")
		get = h.pend(p.ID())
		(<-get).want(t, 200, "1")
		after(t, start, 30*time.Second)
		res, err := http.ReadResponse(c.br, nil)
		if err != nil || res.StatusCode != 408 || !res.Close {
			t.Fatal(res, err)
		}
		if b, _ := io.ReadAll(res.Body); string(b) != noTimeout {
			t.Errorf("%q", b)
		}
		after(t, start, 30*time.Second)
		p.ends("transport error")
		p.silent()
		h.gone(p.ID())
	})
	run("one that keeps coming may take longer, and is a sign of life", func(t *testing.T, h *host, p *peer) {
		const size = 1_000_000 // at 80 kbit/s: 100 s
		conn := h.begin(p.ID(), size, "4")
		go func() { // until the session ends
			for h.get(p.ID()).body == "2" {
			}
		}()
		piece := strings.Repeat("x", 1000)
		for sent := 1; sent < size; {
			time.Sleep(100 * time.Millisecond)
			n, err := io.WriteString(conn, piece[:min(len(piece), size-sent)])
			sent += n
			if err != nil {
				t.Fatalf("after %d bytes: %v", sent, err)
			}
		}
		if m := p.next(); len(m.data) != size-1 {
			t.Errorf("%d bytes", len(m.data))
		}
		h.post(p.ID(), "1")
	})
}

// A POST that takes longer than the HTTP server gives to an answer has one, or its
// client would take what has been heard for lost.
func TestPostOutlastsTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newPipeHost(t, nil, func(web *http.Server) {
			web.ReadTimeout, web.WriteTimeout = 3*time.Second, 3*time.Second
		})
		p := h.open()
		body := "4first\x1e4second"
		conn := h.begin(p.ID(), len(body), body[:3])
		time.Sleep(4 * time.Second)
		p.Pause()
		go io.WriteString(conn, body[3:])
		time.Sleep(4 * time.Second)
		p.Resume()
		b := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != "HTTP/1.1 200" {
			t.Errorf("response %q %v", b, err)
		}
		p.want("first", "second")
		conn.Close()
	})
}

// TestChunkedPost has the connection closed behind a body whose end may be a matter
// of opinion.
func TestChunkedPost(t *testing.T) {
	h := newHost(t, nil)
	p := h.open()
	for _, lines := range [][]string{
		{"Content-Length: 2", "Transfer-Encoding: chunked"},
		{"Transfer-Encoding: chunked", "Content-Length: 7"},
	} {
		c, res := h.raw(h.head(p.ID(), lines...) + "2\r\n4a\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if b, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(b) != "ok" || !res.Close {
			t.Errorf("%s %q, close %t", res.Status, b, res.Close)
		}
		if b, err := io.ReadAll(c.br); len(b) > 0 { // an error is that of the reset
			t.Errorf("more came: %q %v", b, err)
		}
		p.want("a")
	}
	p.alive()
}

// A deadlines counts how often a deadline for reading was set.
type deadlines struct {
	http.ResponseWriter
	read int
}

func (d *deadlines) SetReadDeadline(time.Time) error {
	d.read++
	return nil
}

type nullWriter struct{}

func (nullWriter) Header() http.Header         { return make(http.Header) }
func (nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nullWriter) WriteHeader(int)             {}
