package engineio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/timetest"
)

// caused waits for the end of a session, and checks its cause.
func (p *peer) caused(reason string, cause error) {
	p.h.t.Helper()
	p.ends(reason)
	switch got := p.Cause(); {
	case cause == nil && got != nil, !errors.Is(got, cause):
		p.h.t.Errorf("%s: cause %#v, want %v", reason, got, cause)
	}
}

func TestCauseOverWebSocket(t *testing.T) {
	const secret = "secret"
	for _, tt := range []struct {
		name   string
		do     func(c *wsClient, p *peer)
		reason string
		cause  error
	}{
		{"unmasked", func(c *wsClient, _ *peer) { c.write(unmasked(opText, "4"+secret)) },
			"transport error", engineio.ProtocolError("frame is not masked")},
		{"not UTF-8", func(c *wsClient, _ *peer) { c.text("4" + secret + "\xff") },
			"transport error", engineio.ProtocolError("text is not UTF-8")},
		{"too large", func(c *wsClient, _ *peer) { c.write(maskedLen(opText, shortest(1<<20), "")) },
			"transport error", engineio.ProtocolError("message exceeds MaxPayload")},
		{"no packet", func(c *wsClient, _ *peer) { c.text(secret) },
			"parse error", engineio.ProtocolError("unknown packet type")},
		{"bad base64", func(c *wsClient, _ *peer) { c.text("b$" + secret) },
			"parse error", engineio.ProtocolError("bad base64")},
		{"ping", func(c *wsClient, _ *peer) { c.text("2") },
			"transport error", engineio.ProtocolError("heartbeat in the wrong direction")},
		{"close packet", func(c *wsClient, _ *peer) { c.text("1") }, "transport close", nil},
		{"close frame", func(c *wsClient, _ *peer) { c.write(masked(opClose, closePayload(1000, secret))) }, "transport close", nil},
		{"cut off", func(c *wsClient, _ *peer) { c.conn.Close() }, "transport close", io.EOF},
		{"reset", func(c *wsClient, _ *peer) {
			c.conn.(*net.TCPConn).SetLinger(0)
			c.conn.Close()
		}, "transport error", syscall.ECONNRESET},
		{"Close", func(_ *wsClient, p *peer) { p.Session.Close() }, "forced close", nil},
		{"CloseWith", func(_ *wsClient, p *peer) { p.CloseWith(io.ErrNoProgress) }, "forced close", io.ErrNoProgress},
		{"Abort", func(_ *wsClient, p *peer) { p.Abort("why not") }, "why not", nil},
		{"the first counts", func(c *wsClient, p *peer) {
			p.CloseWith(io.ErrNoProgress)
			p.Abort("another")
			c.conn.Close()
		}, "forced close", io.ErrNoProgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			c, p := h.openWS()
			if err := p.Cause(); err != nil {
				t.Errorf("cause %v of a session that is open", err)
			}
			tt.do(c, p)
			p.caused(tt.reason, tt.cause)
			if err := p.Cause(); err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the cause quotes the peer: %v", err)
			}
		})
	}
}

func TestCauseOfWriteTimeout(t *testing.T) {
	h := newHost(t, &engineio.Options{WriteTimeout: 50 * time.Millisecond, QueueBytes: 64 << 20})
	_, p := h.openWS() // and does not read
	m := engineio.NewMessage(make([]byte, 32<<20))
	if err := p.Send(m); err != nil {
		t.Fatal(err)
	}
	p.caused("transport error", os.ErrDeadlineExceeded)
	if n := h.audit.reached(engineio.LimitWriteTimeout); n != 1 {
		t.Errorf("observers were told %d times, want once", n)
	}
}

func TestCauseOverPolling(t *testing.T) {
	h := newHost(t, nil)
	t.Run("no packet", func(t *testing.T) {
		p := h.in(t).open()
		h.post(p.ID(), "abc")
		p.caused("parse error", engineio.ProtocolError("unknown packet type"))
	})
	t.Run("not UTF-8", func(t *testing.T) {
		p := h.in(t).open()
		h.post(p.ID(), "4\xff")
		p.caused("parse error", engineio.ProtocolError("text is not UTF-8"))
	})
	t.Run("binary body", func(t *testing.T) {
		p := h.in(t).open()
		h.do("POST", polling+"&sid="+p.ID(), "4a", "Content-Type: application/octet-stream")
		p.caused("transport error", engineio.ProtocolError("binary body"))
	})
	t.Run("overlapping GETs", func(t *testing.T) {
		p := h.in(t).open()
		first, second := h.pend(p.ID()), h.pend(p.ID())
		p.caused("transport error", engineio.ProtocolError("overlapping requests"))
		<-first
		<-second
	})
	t.Run("body cut short", func(t *testing.T) {
		p := h.in(t).open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "POST /engine.io/?"+polling+"&sid="+p.ID()+" HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4a")
		conn.Close()
		p.caused("transport error", io.ErrUnexpectedEOF)
	})
	t.Run("GET aborted", func(t *testing.T) {
		p := h.in(t).open()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET /engine.io/?"+polling+"&sid="+p.ID()+" HTTP/1.1\r\nHost: a\r\n\r\n")
		conn.Close()
		p.caused("transport error", context.Canceled)
	})
	t.Run("close packet", func(t *testing.T) {
		p := h.in(t).open()
		h.post(p.ID(), "1")
		p.caused("transport close", nil)
	})
	t.Run("handler closes", func(t *testing.T) {
		p := h.in(t).open()
		p.CloseWith(io.ErrNoProgress)
		p.caused("forced close", io.ErrNoProgress)
		h.get(p.ID()).want(t, 200, "6\x1e1")
	})
}

// The handler finds the cause when Close is called.
func TestCauseIsThereForClose(t *testing.T) {
	found := make(chan error, 1)
	srv, err := engineio.New(nil, func(s *engineio.Session) engineio.Handler {
		return closing{func() { found <- s.Cause() }}
	})
	if err != nil {
		t.Fatal(err)
	}
	h := serveHost(t, srv)
	c := h.ws("")
	c.read() // the open packet
	c.write(unmasked(opText, "4"))
	if err := timetest.Receive(t, found, patience, "Close"); err != engineio.ProtocolError("frame is not masked") {
		t.Errorf("cause %v", err)
	}
}

type closing struct{ f func() }

func (closing) Message([]byte, bool)    {}
func (c closing) Close(engineio.Reason) { c.f() }
