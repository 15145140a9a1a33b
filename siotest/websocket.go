package siotest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// host is what requests are made to.
const host = "example.com"

// address returns the URL of a request.
func address(scheme, transport, sid string, o *Options) string {
	q := url.Values{}
	maps.Copy(q, o.Query)
	q.Set("EIO", "4")
	q.Set("transport", transport)
	if sid != "" {
		q.Set("sid", sid)
	}
	u := url.URL{Scheme: scheme, Host: host, Path: strings.TrimSuffix(o.Path, "/") + "/", RawQuery: q.Encode()}
	return u.String()
}

// A webSocket is the transport of that name.
type webSocket struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialWebSocket(s *inMemory, o *Options) (transport, []packet, error) {
	var refusal *Error
	d := ws.Dialer{
		Timeout: o.Timeout,
		Header:  ws.HandshakeHeaderHTTP(o.Header),
		NetDial: s.DialContext,
		OnStatusError: func(code int, _ []byte, r io.Reader) {
			refusal = &Error{Status: code}
			if res, err := http.ReadResponse(bufio.NewReader(r), nil); err == nil {
				b, _ := io.ReadAll(res.Body) // as much as there is
				refusal.Message = string(b)
			}
		},
	}
	conn, in, _, err := d.Dial(context.Background(), address("ws", "websocket", "", o))
	switch {
	case refusal != nil:
		return nil, nil, refusal
	case err != nil:
		return nil, nil, fmt.Errorf("WebSocket: %w", err)
	case in == nil:
		in = bufio.NewReader(conn)
	}
	w := &webSocket{conn, in}
	_ = conn.SetReadDeadline(time.Now().Add(o.Timeout))
	ps, err := w.read()
	if err == nil {
		_, ps, err = opened(ps)
	}
	if err != nil {
		w.cut()
		return nil, nil, err
	}
	_ = conn.SetReadDeadline(time.Time{})
	return w, ps, nil
}

// read returns a packet. The server, which is not a proxy, does not send
// fragments; what it sends as a ping or pong of the WebSocket means nothing.
func (w *webSocket) read() ([]packet, error) {
	for {
		h, payload, err := w.next()
		switch {
		case errors.Is(err, io.ErrClosedPipe), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, io.EOF
		case err != nil:
			return nil, err
		}
		switch h.OpCode {
		case ws.OpText, ws.OpBinary:
			return []packet{{payload, h.OpCode == ws.OpBinary}}, nil
		case ws.OpClose:
			return nil, io.EOF
		}
	}
}

// next reads a frame.
func (w *webSocket) next() (h ws.Header, payload []byte, err error) {
	if h, err = ws.ReadHeader(w.in); err != nil {
		return h, nil, err
	}
	if h.Masked || !h.Fin || h.Length > maxFrame {
		return h, nil, fmt.Errorf("the server has sent a frame that is masked, fragmented or too large: %+v", h)
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(w.in, payload)
	return h, payload, err
}

// maxFrame is the largest MaxPayload that a server may have.
const maxFrame = 1 << 28

func (w *webSocket) write(ps []packet) error {
	for _, p := range ps {
		f := ws.NewTextFrame(p.data)
		if p.binary {
			f = ws.NewBinaryFrame(p.data)
		}
		if err := w.frame(f); err != nil {
			return err
		}
	}
	return nil
}

func (w *webSocket) frame(f ws.Frame) error {
	b, err := ws.CompileFrame(ws.MaskFrame(f))
	if err == nil {
		_, err = w.conn.Write(b)
	}
	if errors.Is(err, io.ErrClosedPipe) {
		err = io.EOF
	}
	return err
}

func (w *webSocket) bye() error {
	return w.frame(ws.NewCloseFrame(nil))
}

func (w *webSocket) cut() { _ = w.conn.Close() }
