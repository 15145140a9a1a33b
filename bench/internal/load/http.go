package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A web is an HTTP/1.1 connection of one long-polling client, written by hand to be
// much cheaper than the server.
type web struct {
	ctx      context.Context
	server   Server
	deadline time.Time
	conn     net.Conn
	forget   func() bool // of ctx
	r        *bufio.Reader
	used     bool // a request has been sent over conn
	closes   bool // the server closes after each response
	body     []byte
}

// dialWeb connects. Whatever the connection awaits fails at the deadline, or once the
// context is done.
func dialWeb(ctx context.Context, s Server, deadline time.Time) (*web, error) {
	w := &web{ctx: ctx, server: s, deadline: deadline, r: bufio.NewReaderSize(nil, 2<<10)}
	return w, w.redial()
}

func (w *web) redial() error {
	w.Close()
	c, err := new(net.Dialer).DialContext(w.ctx, "tcp", w.server.Addr.String())
	if err != nil {
		return err
	}
	w.conn, w.used = c, false
	w.forget = context.AfterFunc(w.ctx, func() { c.Close() })
	w.r.Reset(c)
	return c.SetDeadline(w.deadline)
}

// until moves the deadline.
func (w *web) until(deadline time.Time) error {
	w.deadline = deadline
	return w.conn.SetDeadline(deadline)
}

func (w *web) Close() {
	if w.conn != nil {
		w.forget()
		w.conn.Close()
	}
}

// pollingPath returns the path of a session's requests; it has no sid before the first.
func pollingPath(sid string) string {
	if sid == "" {
		return "/socket.io/?EIO=4&transport=polling"
	}
	return "/socket.io/?EIO=4&transport=polling&sid=" + sid
}

// GetRequest is a poll of the session sid, or a handshake if that is empty.
func GetRequest(s Server, sid string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n%s\r\n", pollingPath(sid), s.Addr, headers)
}

// PostRequest sends a payload to the session sid.
func PostRequest(s Server, sid, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nContent-Type: text/plain;charset=UTF-8\r\n"+
		"Content-Length: %d\r\n%s\r\n%s", pollingPath(sid), s.Addr, len(body), headers, body)
}

// do sends a request and returns the body of what answers it, valid until the next.
func (w *web) do(request []byte) ([]byte, error) {
	if err := w.send(request); err != nil {
		return nil, err
	}
	// A server may close a connection at any time between requests, even if it does
	// not say so; one does after each.
	if _, err := w.r.Peek(1); err != nil && w.again(err) {
		w.closes = true
		if err := w.send(request); err != nil {
			return nil, err
		}
	}
	return w.response()
}

func (w *web) again(err error) bool {
	return !w.closes && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET))
}

// send sends a request that response is called for later.
func (w *web) send(request []byte) error {
	if w.closes && w.used {
		if err := w.redial(); err != nil {
			return err
		}
	}
	w.used = true
	_, err := w.conn.Write(request)
	if err != nil && w.ctx.Err() == nil && !w.closes {
		w.closes = true
		return w.send(request)
	}
	return err
}

// response reads a response. It has to be a 200.
func (w *web) response() ([]byte, error) {
	status, err := w.line()
	if err != nil {
		return nil, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	first := string(status) // the line does not outlive the next
	length, chunked := -1, false
	for {
		line, err := w.line()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			w.closes = true
		}
	}
	w.body = w.body[:0]
	switch {
	case chunked:
		err = w.chunks()
	case length < 0:
		err = errors.New("response without a length")
	default:
		err = w.more(length)
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("answered %q: %.200q", first, w.body)
	}
	return w.body, nil
}

func (w *web) line() ([]byte, error) {
	line, err := w.r.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// more appends n bytes to the body.
func (w *web) more(n int) error {
	if n < 0 || n > readBuffer {
		return fmt.Errorf("response of %d bytes", n)
	}
	old := len(w.body)
	w.body = append(w.body, make([]byte, n)...)
	_, err := io.ReadFull(w.r, w.body[old:])
	return err
}

func (w *web) chunks() error {
	for {
		line, err := w.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(line), 16, 32)
		if err != nil {
			return err
		}
		if err := w.more(int(n)); err != nil {
			return err
		}
		if line, err = w.line(); err != nil || len(line) > 0 {
			return fmt.Errorf("after a chunk: %q, %w", line, err)
		}
		if n == 0 {
			return nil
		}
	}
}

// open begins a session by polling, and joins "/".
func (w *web) open() (sid string, err error) {
	body, err := w.do(GetRequest(w.server, ""))
	if err != nil {
		return "", err
	}
	if err := hellos[SocketIO][0].check(body); err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(body), `"sid":"`)
	sid, _, _ = strings.Cut(rest, `"`)
	if err := w.post(PostRequest(w.server, sid, "40")); err != nil {
		return "", err
	}
	packet, err := w.poll(GetRequest(w.server, sid), PostRequest(w.server, sid, "3"))
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(packet, []byte(`40{"sid":"`)) {
		return "", fmt.Errorf("not an answer to CONNECT: %.200q", packet)
	}
	return sid, nil
}

// poll repeats the GET until it brings a packet other than a ping, which is answered.
func (w *web) poll(get, pong []byte) ([]byte, error) {
	for {
		body, err := w.do(get)
		if err != nil {
			return nil, err
		}
		packet, pinged := withoutPing(body)
		if pinged {
			packet = bytes.Clone(packet)
			if err := w.post(pong); err != nil {
				return nil, err
			}
		}
		if len(packet) > 0 {
			return packet, nil
		}
	}
}

// separator is between the packets of a payload.
const separator = 0x1e

// withoutPing takes a payload of which one packet may be a ping.
func withoutPing(payload []byte) (rest []byte, pinged bool) {
	if string(payload) == "2" {
		return nil, true
	}
	if rest, ok := bytes.CutPrefix(payload, []byte{'2', separator}); ok {
		return rest, true
	}
	return bytes.CutSuffix(payload, []byte{separator, '2'})
}

// post sends packets.
func (w *web) post(request []byte) error {
	body, err := w.do(request)
	if err != nil {
		return err
	}
	if !bytes.EqualFold(body, []byte("ok")) { // which the official client ignores
		return fmt.Errorf("POST answered %.200q", body)
	}
	return nil
}
