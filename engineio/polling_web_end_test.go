package engineio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// TestHijackedIdle has IdleTimeout hold.
func TestHijackedIdle(t *testing.T) {
	wh := newWebHost(t, engineio.Options{}, func(web *http.Server) { web.IdleTimeout = time.Second })
	l := wh.line()
	l.open()
	if _, err := l.in.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection: %v, want its end", err)
	}
}

// TestHijackedClientLeaves ends the session of a client that leaves while its GET waits.
func TestHijackedClientLeaves(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	l := wh.line()
	p := l.open()
	l.write(wh.request("GET", p.ID(), ""))
	p.polled()
	l.Close()
	p.ends("transport error")
}

// TestHijackedShutdown shuts the HTTP server down: idle connections end, and one whose GET
// waits when that is answered.
func TestHijackedShutdown(t *testing.T) {
	if !polled {
		t.Skip("Shutdown of net/http waits for GETs that wait")
	}
	wh := newWebHost(t, engineio.Options{})
	idle, waits := wh.line(), wh.line()
	p := idle.open()
	q := waits.open()
	waits.write(wh.request("GET", q.ID(), ""))
	q.polled()
	if err := wh.web.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.in.ReadByte(); err != io.EOF {
		t.Errorf("an idle connection: %v, want its end", err)
	}
	q.send("x")
	waits.answer().want(t, 200, "4x")
	if _, err := waits.in.ReadByte(); err != io.EOF {
		t.Errorf("behind the answer: %v, want the end", err)
	}
	p.Abort("over")
	q.Abort("over")
}

// TestHijackedGoesBack has net/http go on with connections when the server has been shut
// down.
func TestHijackedGoesBack(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	idle, waits := wh.line(), wh.line()
	p := idle.open()
	waits.write(wh.request("GET", p.ID(), ""))
	p.polled()
	if err := wh.Server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	waits.answer().want(t, 200, farewell)
	for _, l := range []*line{idle, waits} {
		l.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n").want(t, 200, "other GET ")
		l.ask(wh.request("GET", p.ID(), "")).want(t, 400, code1)
	}
}

// TestHijackedWebSocket upgrades over a connection that was ours before.
func TestHijackedWebSocket(t *testing.T) {
	wh := newWebHost(t, engineio.Options{})
	l := wh.line()
	p := l.open()
	l.ask(wh.request("POST", p.ID(), "4x")).want(t, 200, "ok")
	p.want("x")
	l.write(fmt.Sprintf("GET /engine.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", p.ID(), wh.addr))
	res, err := http.ReadResponse(l.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", res, err)
	}
	_, _ = l.Write(masked(opText, "5"))
	_, _ = l.Write(masked(opText, "4over websocket"))
	p.want("over websocket")
	p.Abort("over")
	_ = timetest.Receive(t, p.closed, wh.limit, "the end")
}

// lines are what is logged.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestHijackedHooks has hooks of the HTTP server panic when they see a connection that is given
// back: it is closed, the log says where, and no more are taken over.
func TestHijackedHooks(t *testing.T) {
	for name, set := range map[string]func(*http.Server){
		"ConnContext": func(web *http.Server) {
			web.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
				_ = conn.(*net.TCPConn)
				return ctx
			}
		},
		"BaseContext": func(web *http.Server) {
			web.BaseContext = func(l net.Listener) context.Context {
				_ = l.(*net.TCPListener)
				return context.Background()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			logged := make(lines, 9)
			log := zerolog.New(logged).Level(zerolog.ErrorLevel)
			wh := newWebHost(t, engineio.Options{Logger: &log}, set)
			const other = "GET /other HTTP/1.1\r\nHost: a\r\n\r\n"
			if polled {
				l := wh.line()
				l.open()
				l.write(other)
				if _, err := l.in.ReadByte(); err != io.EOF {
					t.Errorf("of a connection that was given back: %v, want its end", err)
				}
				line := timetest.Receive(t, logged, wh.limit, "a line of the log")
				if !strings.Contains(line, `"panic":"*runtime.TypeAssertionError"`) || !strings.Contains(line, "polling_web_end_test.go") {
					t.Errorf("logged: %s", line)
				}
			}
			took := wh.took.Load()
			l := wh.line()
			l.open()
			l.ask(other).want(t, 200, "other GET ")
			if more := wh.took.Load() - took; more > 0 {
				t.Errorf("%d connections were taken over all the same", more)
			}
		})
	}
}
