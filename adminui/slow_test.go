package adminui_test

import (
	"net"
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
	web := httptest.NewServer(srv)
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
	page := srv.Of("/admin").Local().LocalSockets()[0]
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
