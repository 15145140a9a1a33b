// Package testclient is a Socket.IO client for the tests of this module. It
// reads packets by itself rather than with the packages under test, and does
// only what tests need: text packets, over polling, WebSocket, or the one and
// then the other.
//
// A Client has no goroutine: it polls, and answers pings, while Next runs. One
// goroutine may call Next while another one sends.
package testclient

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// patience bounds every wait by default. A test that passes never waits that
// long.
const patience = 10 * time.Second

// Options say how to connect. The zero value polls.
type Options struct {
	WebSocket bool        // instead of polling
	Header    http.Header // of every request
	Patience  time.Duration
	Dial      func() (net.Conn, error) // instead of TCP
	Shared    *http.Transport          // for the requests of many clients; its owner closes it
}

// A Client is one session.
type Client struct {
	SID       string      // of the session
	Upgrades  []string    // that the server offers
	Header    http.Header // of the answer to the handshake
	LocalAddr string      // of the connection that the handshake went over

	opts  Options
	url   *url.URL // of further requests
	http  *http.Client
	own   *http.Transport // nil with Options.Shared
	ws    net.Conn        // nil while polling
	wsIn  io.Reader
	queue []string // packets of a payload that Next has not returned
}

// A StatusError is the answer of a server that refuses a request.
type StatusError struct {
	Code   int
	Header http.Header
	Body   string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Code, e.Body) }

// Dial opens a session at an address such as "http://127.0.0.1:1/socket.io/",
// which may have a query.
func Dial(addr string, opts Options) (*Client, error) {
	u, err := url.Parse(addr)
	if err != nil {
		return nil, err
	}
	if opts.Patience == 0 {
		opts.Patience = patience
	}
	tr := opts.Shared
	c := &Client{opts: opts, url: u}
	if tr == nil {
		tr = &http.Transport{}
		if opts.Dial != nil {
			tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return opts.Dial() }
		}
		c.own = tr
	}
	c.http = &http.Client{Transport: tr, Timeout: opts.Patience}
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) open() error {
	var packet string
	var err error
	if c.opts.WebSocket {
		if err = c.dialWebSocket(); err == nil {
			packet, err = c.readFrame()
		}
	} else {
		packet, err = c.request(http.MethodGet, "")
	}
	if err != nil {
		return err
	}
	data, ok := strings.CutPrefix(packet, "0")
	var open struct {
		SID      string
		Upgrades []string
	}
	if err := json.Unmarshal([]byte(data), &open); !ok || err != nil {
		return fmt.Errorf("no open packet: %q", packet)
	}
	c.SID, c.Upgrades = open.SID, open.Upgrades
	return nil
}

// address returns the URL of a request.
func (c *Client) address(transport string) string {
	u := *c.url
	q := u.Query()
	q.Set("EIO", "4")
	q.Set("transport", transport)
	if c.SID != "" {
		q.Set("sid", c.SID)
	}
	q.Set("t", rand.Text()) // so that none is taken for a repetition
	u.RawQuery = q.Encode()
	if transport == "websocket" {
		u.Scheme = "ws"
	}
	return u.String()
}

func (c *Client) request(method, body string) (string, error) {
	req, err := http.NewRequest(method, c.address("polling"), strings.NewReader(body))
	if err != nil {
		return "", err
	}
	maps.Copy(req.Header, c.opts.Header)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	var local string
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { local = i.Conn.LocalAddr().String() }}
	res, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return "", err
	case res.StatusCode != http.StatusOK:
		return "", &StatusError{res.StatusCode, res.Header, string(b)}
	case c.SID == "":
		c.Header, c.LocalAddr = res.Header, local
	}
	return string(b), nil
}

func (c *Client) dialWebSocket() error {
	header := make(http.Header)
	var refused error
	d := ws.Dialer{
		Timeout: c.opts.Patience,
		Header:  ws.HandshakeHeaderHTTP(c.opts.Header),
		OnHeader: func(k, v []byte) error {
			header.Add(string(k), string(v))
			return nil
		},
		OnStatusError: func(code int, _ []byte, r io.Reader) {
			res, err := http.ReadResponse(bufio.NewReader(r), nil)
			if err != nil {
				refused = err
				return
			}
			b, _ := io.ReadAll(res.Body) // as much as there is, for a message
			refused = &StatusError{code, res.Header, string(b)}
		},
	}
	if c.opts.Dial != nil {
		d.NetDial = func(context.Context, string, string) (net.Conn, error) { return c.opts.Dial() }
	}
	conn, br, _, err := d.Dial(context.Background(), c.address("websocket"))
	if refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	c.ws, c.wsIn = conn, conn
	if br != nil { // frames came with the handshake
		c.wsIn = br
	}
	if c.SID == "" {
		c.Header, c.LocalAddr = header, conn.LocalAddr().String()
	}
	return nil
}

// Upgrade moves the session to a WebSocket. Next must not be running.
func (c *Client) Upgrade() error {
	if err := c.dialWebSocket(); err != nil {
		return err
	}
	if err := c.write("2probe"); err != nil {
		return err
	}
	if answer, err := c.readFrame(); err != nil || answer != "3probe" {
		return fmt.Errorf("answer to the probe: %q %v", answer, err)
	}
	return c.write("5")
}

// Send sends a Socket.IO packet as it is, such as `2/chat,1["event","arg"]`.
func (c *Client) Send(packet string) error { return c.write("4" + packet) }

// write sends an Engine.IO packet.
func (c *Client) write(packet string) error {
	if c.ws == nil {
		_, err := c.request(http.MethodPost, packet)
		return err
	}
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.opts.Patience)); err != nil {
		return err
	}
	return wsutil.WriteClientText(c.ws, []byte(packet))
}

// Next returns the next Socket.IO packet as it is. It fails with io.EOF when
// the server has closed the session.
func (c *Client) Next() (string, error) {
	for {
		packet, err := c.read()
		if err != nil {
			return "", err
		}
		switch packet[0] {
		case '1':
			return "", io.EOF
		case '2':
			if err := c.write("3"); err != nil {
				return "", err
			}
		case '4':
			return packet[1:], nil
		case '6':
		default:
			return "", fmt.Errorf("Engine.IO packet %q", packet)
		}
	}
}

// read returns the next Engine.IO packet.
func (c *Client) read() (string, error) {
	if len(c.queue) > 0 {
		packet := c.queue[0]
		c.queue = c.queue[1:]
		return packet, nil
	}
	if c.ws != nil {
		return c.readFrame()
	}
	payload, err := c.request(http.MethodGet, "")
	if err != nil {
		return "", err
	}
	c.queue = strings.Split(payload, "\x1e")
	return c.read()
}

func (c *Client) readFrame() (string, error) {
	if err := c.ws.SetReadDeadline(time.Now().Add(c.opts.Patience)); err != nil {
		return "", err
	}
	rw := struct {
		io.Reader
		io.Writer
	}{c.wsIn, c.ws}
	b, err := wsutil.ReadServerText(rw)
	var closed wsutil.ClosedError
	if errors.As(err, &closed) || err == ws.ErrProtocolStatusCodeUnknown { // 1012, which ws does not know
		err = io.EOF
	}
	if err == nil && len(b) == 0 {
		err = errors.New("empty frame")
	}
	return string(b), err
}

// Close closes the session. Over polling it tells the server so; a WebSocket
// just breaks off.
func (c *Client) Close() {
	switch {
	case c.ws != nil:
		_ = c.ws.Close()
	case c.SID != "":
		_ = c.write("1") // the server may have closed it already
	}
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}
