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

// Options say how a client connects. The zero value of each field stands for its
// default.
type Options struct {
	// Namespace is the namespace to join. Default "/".
	Namespace string
	// Auth is the client's auth option, which Context.BindAuth decodes: a value whose
	// JSON is an object. Default: none.
	Auth any
	// Path is the path of the requests. Default: the path of the server, or
	// "/socket.io" if the handler is not a sio.Server.
	Path string
	// Query and Header are added to the requests.
	Query  url.Values
	Header http.Header
	// Polling makes the client poll without ever changing to WebSocket. Default:
	// WebSocket from the beginning.
	Polling bool
	// Timeout bounds every wait. Default 10 s.
	Timeout time.Duration
}

const defaultTimeout = 10 * time.Second

// The reasons why a client is not connected any more, in the words of the official
// client.
const (
	ServerDisconnect = "io server disconnect" // the server has made it leave the namespace
	ClientDisconnect = "io client disconnect" // the test has called Disconnect or Close
	TransportClose   = "transport close"      // the connection has ended
)

// An Error is the error that the server has told the client: that of a handler, or of
// a refused handshake.
type Error struct {
	Message string
	Data    json.RawMessage // nil if there is none
	// Status is the status of an HTTP response that refused the handshake, whose
	// body is the Message; otherwise 0.
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

// Connect connects a client to h, which is a [sio.Server] or a handler that it is
// mounted in. The client is closed when the test ends. A refusal fails the test.
func Connect(t testing.TB, h http.Handler, opts ...*Options) *Client {
	t.Helper()
	c, refusal := connect(t, h, opts)
	if refusal != nil {
		t.Fatalf("siotest: the server refuses the client: %v", refusal)
	}
	return c
}

// Refused tries to connect, and returns the error with which the connect handler, or a
// middleware of the HTTP server, refuses the client. If the client is let in, the test
// fails.
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

// Cleanup shuts srv down when the test ends, and waits for its handlers. Clients that
// connect after this call are closed before that.
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

// Expect waits for the next event, as [Client.Expect] does, and returns its first
// argument, decoded into a T.
func Expect[T any](c *Client, event string) T {
	c.t.Helper()
	var v T
	c.Expect(event).Bind(&v)
	return v
}

// Call sends an event and waits for the answer, as [Client.Call] does, and returns the
// first argument of the answer, decoded into a T.
func Call[T any](c *Client, event string, args ...any) T {
	c.t.Helper()
	var v T
	c.Call(event, args...).Bind(&v)
	return v
}
