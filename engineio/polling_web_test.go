package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// A line is a connection on which a test writes requests as it likes.
type line struct {
	h *host
	net.Conn
	in *bufio.Reader
}

func (h *host) line() *line {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(h.limit))
	return &line{h, conn, bufio.NewReader(conn)}
}

func (l *line) write(s string) {
	l.h.t.Helper()
	if _, err := io.WriteString(l, s); err != nil {
		l.h.t.Fatal(err)
	}
}

// answer reads an answer.
func (l *line) answer() reply {
	l.h.t.Helper()
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

// request is a request for a session, with further lines of its head.
func (h *host) request(method, sid, body string, lines ...string) string {
	head := fmt.Sprintf("%s /engine.io/?EIO=4&transport=polling&t=abc&sid=%s HTTP/1.1\r\nHost: %s\r\n", method, sid, h.addr)
	if sid == "" {
		head = strings.Replace(head, "&sid=", "", 1)
	}
	for _, l := range lines {
		head += l + "\r\n"
	}
	if method == "POST" {
		head += fmt.Sprintf("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	return head + "\r\n" + body
}

func TestHijackPolling(t *testing.T) {
	h := newHost(t, &engineio.Options{HijackPolling: true})
	p := h.open()
	for range 20 {
		get := h.pend(p.ID())
		p.polled()
		h.post(p.ID(), "4hello").want(t, 200, "ok")
		p.want("hello")
		p.send("there")
		timetest.Receive(t, get, h.limit, "an answer").want(t, 200, "4there")
	}
}
