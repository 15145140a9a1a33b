package siotest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
)

// Options say how to connect. The zero value of each field is its default.
type Options struct {
	// Namespace to join. Default "/".
	Namespace string
	// Auth is the client's auth option, which Context.BindAuth decodes:
	// something that is encoded as a JSON object. Default: none.
	Auth any
	// Path of the requests. Default: that of the server, or "/socket.io" if
	// the handler is none.
	Path string
	// Query and Header of the requests.
	Query  url.Values
	Header http.Header
	// Polling makes the client poll, and never change to WebSocket. Default:
	// WebSocket from the beginning.
	Polling bool
	// Timeout bounds every wait. Default 10 s.
	Timeout time.Duration
}

const defaultTimeout = 10 * time.Second

// Why a client is not connected any more, as the official client has it.
const (
	ServerDisconnect = "io server disconnect" // the server has made it leave the namespace
	ClientDisconnect = "io client disconnect" // the test has called Disconnect or Close
	TransportClose   = "transport close"      // the connection has ended
)

// An Error is what a handler's error becomes for the client.
type Error struct {
	Message string
	Data    json.RawMessage // nil if there is none
	// Status is that of an HTTP response which refuses the handshake, its
	// body being the message; or 0.
	Status int
}

func (e *Error) Error() string {
	switch {
	case e.Status != 0:
		return fmt.Sprintf("status %d: %s", e.Status, strings.TrimSpace(e.Message))
	case e.Data != nil:
		return fmt.Sprintf("%s (data %s)", e.Message, e.Data)
	}
	return e.Message
}

// Connect connects a client to h: a [sio.Server], or whatever handler it is
// mounted in. The client is closed when the test ends. A refusal fails the
// test.
func Connect(t testing.TB, h http.Handler, opts ...*Options) *Client {
	t.Helper()
	c, refusal := connect(t, h, opts)
	if refusal != nil {
		t.Fatalf("siotest: the server refuses the client: %v", refusal)
	}
	return c
}

// Refused tries to connect and returns the error that the connect handler, or
// a middleware of the HTTP server, refuses the client with. To be let in fails
// the test.
func Refused(t testing.TB, h http.Handler, opts ...*Options) *Error {
	t.Helper()
	c, refusal := connect(t, h, opts)
	if refusal == nil {
		t.Fatalf("siotest: the server lets the client in to %s, want a refusal", c.nsp)
	}
	return refusal
}

func connect(t testing.TB, h http.Handler, opts []*Options) (*Client, *Error) {
	t.Helper()
	var o Options
	switch {
	case len(opts) > 1:
		t.Fatalf("siotest: %d Options, want one at most", len(opts))
	case len(opts) == 1 && opts[0] != nil:
		o = *opts[0]
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Path == "" {
		o.Path = "/socket.io"
		if s, ok := h.(interface{ Path() string }); ok {
			o.Path = s.Path()
		}
	}
	conn, err := dial(h, &o)
	if refusal, ok := err.(*Error); ok {
		return nil, refusal
	}
	if err != nil {
		t.Fatalf("siotest: no connection: %v", err)
	}
	t.Cleanup(conn.close)
	c, refusal := join(t, conn, o.Namespace, o.Auth)
	if refusal != nil {
		conn.close()
	}
	return c, refusal
}

// Cleanup has srv shut down when the test ends, and waits for its handlers.
// Clients that connect after this call have been closed before.
func Cleanup(t testing.TB, srv *sio.Server) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("siotest: the server does not shut down, since a handler does not return: %v", err)
		}
	})
}

// Expect is [Client.Expect] for an event whose first argument is a T.
func Expect[T any](c *Client, event string) T {
	c.t.Helper()
	var v T
	c.Expect(event).Bind(&v)
	return v
}

// Call is [Client.Call] for an answer whose first argument is a T.
func Call[T any](c *Client, event string, args ...any) T {
	c.t.Helper()
	var v T
	c.Call(event, args...).Bind(&v)
	return v
}
