//go:build !portable

package engineio_test

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/siokit/sio/engineio"
)

// TestHijackedKeepAlive has TCP go on looking for a client that is idle, which nobody else
// does: a long answer must not end that.
func TestHijackedKeepAlive(t *testing.T) {
	var fd atomic.Int32
	wh := newWebHost(t, engineio.Options{}, func(web *http.Server) {
		noted := web.ConnState
		web.ConnState = func(conn net.Conn, s http.ConnState) {
			if tcp, ok := conn.(*net.TCPConn); ok && s == http.StateNew {
				raw, _ := tcp.SyscallConn()
				_ = raw.Control(func(old uintptr) {
					n, _ := syscall.Dup(int(old))
					fd.Store(int32(n))
				})
			}
			noted(conn, s)
		}
	})
	l := wh.line()
	p := l.open()
	defer syscall.Close(int(fd.Load()))
	for _, s := range []string{"short", strings.Repeat("long", 50_000), "short"} {
		p.send(s)
		l.ask(wh.request("GET", p.ID(), "")).want(t, 200, "4"+s)
		if on, err := syscall.GetsockoptInt(int(fd.Load()), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); err != nil || on == 0 {
			t.Errorf("behind %d bytes: SO_KEEPALIVE is %d, %v", len(s), on, err)
		}
	}
}

// TestHijackedReset has other handlers see no request without an address of its client, which
// a connection has lost that has been reset.
func TestHijackedReset(t *testing.T) {
	var nobody atomic.Int32
	wh := newWebHost(t, engineio.Options{}, func(web *http.Server) {
		mux := web.Handler
		web.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr == "" {
				nobody.Add(1)
			}
			mux.ServeHTTP(w, r)
		})
	})
	var peers []*peer
	for range 100 {
		l := wh.line()
		peers = append(peers, l.open())
		_ = l.Conn.(*net.TCPConn).SetLinger(0)
		l.write("GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
		_ = l.Close()
	}
	for _, p := range peers {
		p.Abort("over")
	}
	if err := wh.Server.Shutdown(t.Context()); err != nil { // by then all are back
		t.Fatal(err)
	}
	wh.web.Close()
	if n := nobody.Load(); n > 0 {
		t.Errorf("%d requests of nobody", n)
	}
}
