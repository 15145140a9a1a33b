package adminui_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/siotest"
)

// A page that reads nothing holds nobody up, and is closed.
func TestSlowPage(t *testing.T) {
	srv := mount(t, &sio.Options{WriteTimeout: 500 * time.Millisecond}, adminui.Options{Unprotected: true, Mode: adminui.Development})
	srv.On("echo", func(c *sio.Context) error { return c.Ack() })
	page := stalled(t, srv)
	c := siotest.Connect(t, srv)
	text := strings.Repeat("x", 2000)
	slowest := time.Duration(0)
	for start := time.Now(); page.Context().Err() == nil; {
		begin := time.Now()
		c.Call("echo", text)
		if slowest = max(slowest, time.Since(begin)); time.Since(start) > time.Minute {
			t.Fatal("the page is still there")
		}
	}
	if slowest > 10*time.Second || page.Reason() != "transport error" {
		t.Errorf("the page has left for %q; an answer took %v meanwhile", page.Reason(), slowest)
	}
}

// With KeepSlow, what does not fit is lost: a page that misses something is closed, so that it
// comes back and is told all.
func TestPageMissesSomething(t *testing.T) {
	srv := mount(t, &sio.Options{KeepSlow: true, QueueBytes: 64 << 10, WriteTimeout: time.Hour}, adminui.Options{Unprotected: true, Mode: adminui.Development})
	page := stalled(t, srv)
	header := make(http.Header)
	for i := range 40 {
		header.Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 256))
	}
	for range 100 {
		siotest.Connect(t, srv, &siotest.Options{Header: header})
	}
	select {
	case <-page.Context().Done():
	case <-time.After(time.Minute):
		t.Fatal("the page is still there")
	}
	if page.Reason() != "slow consumer" {
		t.Errorf("it has left for %q", page.Reason())
	}
}

// stalled returns a page that reads nothing. What waits for it is in the server's queue.
func stalled(t *testing.T, srv *sio.Server) *sio.Socket {
	t.Helper()
	web := httptest.NewUnstartedServer(srv)
	web.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if err := conn.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
			t.Error(err)
		}
		return ctx
	}
	web.Start()
	t.Cleanup(web.Close)
	p, err := testclient.Dial(web.URL+"/socket.io/", testclient.Options{WebSocket: true, Dial: func() (net.Conn, error) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(web.URL, "http://"))
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		return conn, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if _, err := p.Connect("/admin", nil); err != nil {
		t.Fatal(err)
	}
	return srv.Of("/admin").Local().LocalSockets()[0]
}
