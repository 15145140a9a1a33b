package engineio_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Opcodes, with the FIN bit set, as the first byte of a frame.
const (
	opContinue = 0x80
	opText     = 0x81
	opBinary   = 0x82
	opClose    = 0x88
	opPing     = 0x89
	opPong     = 0x8a
)

// A wsClient speaks WebSocket as badly as a test likes.
type wsClient struct {
	h    *host
	conn net.Conn
	br   *bufio.Reader
}

// wsDefaults are the lines of a good WebSocket handshake; the accept value
// for the key, from RFC 6455, section 1.3, is wsAccept.
var wsDefaults = []string{
	"Upgrade: websocket",
	"Connection: Upgrade",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	"Sec-WebSocket-Version: 13",
}

const wsAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

// wsRequest builds a handshake. A line in header replaces the default of
// that name, or removes it when it has no value ("Name:").
func (h *host) wsRequest(query string, header ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET /engine.io/?%s HTTP/1.1\r\nHost: %s\r\n", query, h.addr)
	replaced := func(name string) bool {
		for _, line := range header {
			if n, _, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
				return true
			}
		}
		return false
	}
	for _, line := range wsDefaults {
		if n, _, _ := strings.Cut(line, ":"); !replaced(n) {
			b.WriteString(line + "\r\n")
		}
	}
	for _, line := range header {
		if !strings.HasSuffix(line, ":") {
			b.WriteString(line + "\r\n")
		}
	}
	return b.String() + "\r\n"
}

// raw sends bytes over a fresh connection and reads the head of the
// response; its body is to be read by the caller.
func (h *host) raw(request string) (*wsClient, *http.Response) {
	h.t.Helper()
	conn, err := h.dial()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(h.limit))
	if _, err := io.WriteString(conn, request); err != nil {
		h.t.Fatal(err)
	}
	c := newWSClient(h, conn)
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(c.br, &http.Request{Method: method})
	if err != nil {
		h.t.Fatalf("no response to %.100q: %v", request, err)
	}
	return c, res
}

func newWSClient(h *host, conn net.Conn) *wsClient {
	return &wsClient{h, conn, bufio.NewReader(conn)}
}

// handshake sends the request of a WebSocket and returns the status. Unlike
// raw it may be called from any goroutine.
func (c *wsClient) handshake(query string) (status int, err error) {
	c.conn.SetDeadline(time.Now().Add(c.h.limit))
	if _, err := io.WriteString(c.conn, c.h.wsRequest(query)); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

// ws opens a WebSocket with the query "EIO=4&transport=websocket" + more.
func (h *host) ws(more string, header ...string) *wsClient {
	h.t.Helper()
	c, res := h.raw(h.wsRequest("EIO=4&transport=websocket"+more, header...))
	if res.StatusCode != 101 {
		body, _ := io.ReadAll(res.Body)
		h.t.Fatalf("WebSocket handshake: %s %q", res.Status, body)
	}
	return c
}

// openWS makes a session over WebSocket and reads the open packet.
func (h *host) openWS() (*wsClient, *peer) {
	h.t.Helper()
	c := h.ws("")
	if f := c.read(); f.b0 != opText || !strings.HasPrefix(f.payload, `0{"sid":"`) {
		h.t.Fatalf("first frame %#x %q, want the open packet", f.b0, f.payload)
	}
	return c, h.peer()
}

// wsRefused tries to open a WebSocket. Either the handshake is refused, or
// the WebSocket is closed at once, before any data comes.
func (h *host) wsRefused(more string) {
	h.t.Helper()
	start := time.Now()
	c, res := h.raw(h.wsRequest("EIO=4&transport=websocket" + more))
	if res.StatusCode == 101 {
		c.want(opClose, "")
		if d := time.Since(start); d > 8*time.Second {
			h.t.Errorf("the WebSocket is closed after %v only", d)
		}
		c.conn.Close()
	} else if res.StatusCode != 400 {
		h.t.Fatalf("WebSocket handshake: %s, want 101 and a close, or 400", res.Status)
	}
}

// A frame is one that the server sent.
type frame struct {
	b0      byte // FIN, RSV and opcode
	payload string
}

// masked builds a frame as a client must: masked, in the shortest form.
func masked(b0 byte, payload string) []byte {
	return maskedLen(b0, shortest(uint64(len(payload))), payload)
}

func shortest(n uint64) []byte {
	switch {
	case n < 126:
		return []byte{byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{126}, uint16(n))
	}
	return binary.BigEndian.AppendUint64([]byte{127}, n)
}

// maskedLen is masked with the length field given, which may lie.
func maskedLen(b0 byte, length []byte, payload string) []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := append([]byte{b0}, length...)
	b[1] |= 0x80
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i&3])
	}
	return b
}

// unmasked is what only a server may send.
func unmasked(b0 byte, payload string) []byte {
	return append(append([]byte{b0}, shortest(uint64(len(payload)))...), payload...)
}

func closePayload(code int, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// write sends raw bytes in one piece.
func (c *wsClient) write(frames ...[]byte) {
	c.h.t.Helper()
	var all []byte
	for _, f := range frames {
		all = append(all, f...)
	}
	c.conn.SetWriteDeadline(time.Now().Add(c.h.limit))
	if _, err := c.conn.Write(all); err != nil {
		c.h.t.Fatalf("write: %v", err)
	}
}

func (c *wsClient) text(s string) {
	c.h.t.Helper()
	c.write(masked(opText, s))
}

// tryRead reads a frame and checks what holds for any frame of a server:
// it is not masked, and its length is in the shortest form.
func (c *wsClient) tryRead() (frame, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.h.limit))
	var head [2]byte
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return frame{}, err
	}
	n := uint64(head[1])
	switch head[1] {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(c.br, b[:]); err != nil {
			return frame{}, err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(c.br, b[:]); err != nil {
			return frame{}, err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	if head[1]&0x80 != 0 || len(shortest(n)) != len(shortest(max(n, lengthFloor(head[1])))) {
		return frame{}, fmt.Errorf("bad frame header % x for %d bytes", head, n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(c.br, payload)
	return frame{head[0], string(payload)}, err
}

// lengthFloor is the least length that needs the form b.
func lengthFloor(b byte) uint64 {
	switch b {
	case 126:
		return 126
	case 127:
		return 1 << 16
	}
	return 0
}

func (c *wsClient) read() frame {
	c.h.t.Helper()
	f, err := c.tryRead()
	if err != nil {
		c.h.t.Fatalf("read: %v", err)
	}
	return f
}

// want reads a frame and compares it.
func (c *wsClient) want(b0 byte, payload string) {
	c.h.t.Helper()
	if f := c.read(); f.b0 != b0 || f.payload != payload {
		c.h.t.Fatalf("frame %#x %.200q, want %#x %.200q", f.b0, f.payload, b0, payload)
	}
}

// wants reads text frames.
func (c *wsClient) wants(texts ...string) {
	c.h.t.Helper()
	for _, s := range texts {
		c.want(opText, s)
	}
}

// closed reads a close frame with one of the codes and no reason (1005: an
// empty frame), answers it, ends its side of the connection and waits for the
// server to end the other.
func (c *wsClient) closed(codes ...int) {
	c.h.t.Helper()
	f := c.read()
	code := 1005
	if len(f.payload) >= 2 {
		code = int(binary.BigEndian.Uint16([]byte(f.payload)))
	}
	ok := f.b0 == opClose && len(f.payload) != 1 && len(f.payload) <= 2
	for _, want := range codes {
		if ok && code == want {
			c.conn.SetWriteDeadline(time.Now().Add(c.h.limit))
			c.conn.Write(masked(opClose, f.payload)) // too late if the server does not wait for it
			if tcp, ok := c.conn.(*net.TCPConn); ok {
				tcp.CloseWrite()
			}
			c.eof()
			return
		}
	}
	c.h.t.Fatalf("frame %#x %q (code %d), want a close frame with %v", f.b0, f.payload, code, codes)
}

// eof waits for the end of the connection; no frame may come before.
func (c *wsClient) eof() {
	c.h.t.Helper()
	f, err := c.tryRead()
	if err == nil {
		c.h.t.Fatalf("frame %#x %.100q, want the connection closed", f.b0, f.payload)
	}
	if isTimeout(err) {
		c.h.t.Fatal("the connection stays open")
	}
}
