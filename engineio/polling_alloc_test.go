//go:build !race

package engineio

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/siokit/sio/internal/alloctest"
)

// A sayer answers each message with one.
type sayer struct {
	s   *Session
	say *Message
}

func (h *sayer) Message([]byte, bool) { _ = h.s.Send(h.say) }
func (h *sayer) Close(Reason)         {}

// TestAllocationsReadByUs holds a message each way, which is a GET and a POST, to its
// allocations where both are read without net/http.
func TestAllocationsReadByUs(t *testing.T) {
	if !hasPoller {
		t.Skip("net/http reads all here")
	}
	say := NewMessage([]byte("there"))
	ids := make(chan string, 1)
	srv, err := New(&Options{HijackPolling: true}, func(s *Session) Handler {
		ids <- s.ID()
		return &sayer{s, say}
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv)
	defer web.Close()
	defer func() { _ = srv.Shutdown(t.Context()) }()
	var buf [4096]byte
	ask := func(conn net.Conn, request []byte, end string) {
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(buf[:n], []byte(end)); {
			more, err := conn.Read(buf[n:])
			if err != nil {
				t.Fatalf("%v behind %q", err, buf[:n])
			}
			n += more
		}
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		return conn
	}
	get, post := dial(), dial()
	defer get.Close()
	defer post.Close()
	ask(get, []byte("GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n"), "}")
	path := "/?EIO=4&transport=polling&t=abc&sid=" + <-ids
	up := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n4hello", path)
	down := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	both := func() {
		ask(post, up, "ok")
		ask(get, down, "4there")
	}
	for range 10 {
		both()
	}
	alloctest.Hold(t, 300, map[string]float64{"polling/a message each way": 2}, func(yield func(string, func()) bool) {
		yield("polling/a message each way", both)
	})
}
