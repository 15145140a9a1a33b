package socketio_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// A client speaks Engine.IO packets over a WebSocket.
type client struct {
	h    *host
	conn net.Conn
	br   *bufio.Reader
	sid  string // of the session
}

// tryWS opens a session over WebSocket. It may be called from any goroutine.
func (h *host) tryWS() (*client, error) {
	conn, err := h.dial()
	if err != nil {
		return nil, err
	}
	c := &client{h: h, conn: conn, br: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(h.limit))
	fmt.Fprintf(conn, "GET /socket.io/?EIO=%s&transport=websocket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", cmp.Or(h.eio, "4"), h.addr)
	res, err := http.ReadResponse(c.br, nil)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		conn.Close()
		return nil, errors.New(res.Status)
	}
	open, _, err := c.tryRead()
	if err == nil && !strings.HasPrefix(open, `0{"sid":"`) {
		err = fmt.Errorf("open packet %q", open)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.sid = open[len(`0{"sid":"`):][:20]
	return c, nil
}

// ws opens a session over WebSocket, which is cut at the end of the test.
func (h *host) ws() *client {
	h.t.Helper()
	c, err := h.tryWS()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.conn.Close() })
	return c
}

func frame(op ws.OpCode, payload string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, []byte(payload))))
}

func (c *client) trySend(packets ...string) error {
	var all []byte
	for _, p := range packets {
		all = append(all, frame(ws.OpText, p)...)
	}
	return c.write(all)
}

func (c *client) write(b []byte) error {
	c.conn.SetWriteDeadline(time.Now().Add(c.h.limit))
	_, err := c.conn.Write(b)
	return err
}

// send sends packets in one piece.
func (c *client) send(packets ...string) {
	c.h.t.Helper()
	if err := c.trySend(packets...); err != nil {
		c.h.t.Fatalf("send: %v", err)
	}
}

// binary sends binary messages.
func (c *client) binary(messages ...string) {
	c.h.t.Helper()
	for _, m := range messages {
		if err := c.write(frame(ws.OpBinary, m)); err != nil {
			c.h.t.Fatalf("send: %v", err)
		}
	}
}

var (
	errClosed  = errors.New("close frame")
	errRestart = errors.New("close frame with 1012")
)

// tryRead reads a message. The error is errClosed for an empty close frame, and
// errRestart for one that asks to come back.
func (c *client) tryRead() (payload string, binary bool, err error) {
	c.conn.SetReadDeadline(time.Now().Add(c.h.limit))
	h, err := ws.ReadHeader(c.br)
	if err != nil {
		return "", false, err
	}
	data := make([]byte, h.Length)
	_, err = io.ReadFull(c.br, data)
	switch {
	case err != nil:
		return "", false, err
	case h.OpCode == ws.OpText || h.OpCode == ws.OpBinary:
		return string(data), h.OpCode == ws.OpBinary, nil
	case h.OpCode == ws.OpClose && h.Length == 0:
		return "", false, errClosed
	case h.OpCode == ws.OpClose && string(data) == "\x03\xf4":
		return "", false, errRestart
	}
	return "", false, fmt.Errorf("frame with opcode %#x and payload %q", h.OpCode, data)
}

// read reads a text message.
func (c *client) read() string {
	c.h.t.Helper()
	p, binary, err := c.tryRead()
	if err != nil || binary {
		c.h.t.Fatalf("message %.100q (binary %t), error %v, want text", p, binary, err)
	}
	return p
}

// want reads text messages and compares them.
func (c *client) want(packets ...string) {
	c.h.t.Helper()
	for _, want := range packets {
		p, binary, err := c.tryRead()
		if err != nil || binary || p != want {
			c.h.t.Fatalf("message %.200q (binary %t), error %v, want %.200q", p, binary, err, want)
		}
	}
}

// wantBinary reads binary messages and compares them.
func (c *client) wantBinary(messages ...string) {
	c.h.t.Helper()
	for _, want := range messages {
		p, binary, err := c.tryRead()
		if err != nil || !binary || p != want {
			c.h.t.Fatalf("message %.200q (binary %t), error %v, want binary %.200q", p, binary, err, want)
		}
	}
}

// join connects to a namespace and returns the socket's id.
func (c *client) join(nsp string) string {
	c.h.t.Helper()
	c.send("40" + prefix(nsp))
	return connected(c.h.t, nsp, c.read())
}

// alive checks that the socket in nsp answers, and that nothing else had been
// sent before. Its handler is the one that answers.
func (c *client) alive(nsp string) {
	c.h.t.Helper()
	c.send("42" + prefix(nsp) + `99["alive"]`)
	c.want("43" + prefix(nsp) + `99[]`)
}

// closed checks that the server closes the connection without another
// packet, and closes it too.
func (c *client) closed() {
	c.h.t.Helper()
	c.closedBy(errClosed)
}

// restarted is closed for one that shall come back.
func (c *client) restarted() {
	c.h.t.Helper()
	c.closedBy(errRestart)
}

func (c *client) closedBy(want error) {
	c.h.t.Helper()
	if p, _, err := c.tryRead(); err != want {
		c.h.t.Fatalf("message %.200q, error %v, want %v", p, err, want)
	}
	c.write(frame(ws.OpClose, ""))
	var late net.Error
	if _, err := c.br.ReadByte(); err == nil || errors.As(err, &late) && late.Timeout() { // or a reset, if we are late
		c.h.t.Fatalf("behind the close frame: %v, want the end", err)
	}
}

// leave closes the connection as a client does. A server that is about to
// write need not answer the close frame.
func (c *client) leave() {
	c.h.t.Helper()
	c.write(frame(ws.OpClose, ""))
	for {
		if _, _, err := c.tryRead(); err == errClosed || err == errRestart || err == io.EOF {
			break
		} else if err != nil {
			c.h.t.Fatalf("the connection is not closed: %v", err)
		}
	}
	c.conn.Close()
}
