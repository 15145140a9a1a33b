package siotest

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

// A Client is a client in one namespace.
type Client struct {
	t    testing.TB
	conn *conn
	nsp  string

	// Protected by conn.mu.
	id      string // "" until the server has answered
	offsets bool   // events may have one, since the server recovers clients
	refusal *Error // or what it answered instead
	reason  string // why the client is not connected any more, or ""
	events  []*Event
	nextAck uint64
	pending map[uint64]*Answer
}

// join sends a CONNECT and waits for what comes of it.
func join(t testing.TB, conn *conn, nsp string, auth any) (*Client, *Error) {
	t.Helper()
	if !strings.HasPrefix(nsp, "/") {
		nsp = "/" + nsp
	}
	c := &Client{t: t, conn: conn, nsp: nsp, pending: make(map[uint64]*Answer)}
	packet, err := parser.EncodeConnect(nil, nil, nsp, auth)
	if err != nil {
		c.fatalf("Auth can't be sent: %v", err)
	}
	if !conn.add(c, packet) {
		c.fatalf("the connection has a client in this namespace already")
	}
	if !conn.wait(func() bool { return c.id != "" || c.refusal != nil || c.reason != "" }) {
		c.fatalf("the connect handler has not returned %s", conn.waited())
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if c.id == "" && c.refusal == nil {
		c.fatalf("%s, instead of an answer to CONNECT", c.goneLocked())
	}
	return c, c.refusal
}

// Of joins another namespace over the same connection. A refusal fails the test.
func (c *Client) Of(namespace string, auth any) *Client {
	c.t.Helper()
	other, refusal := join(c.t, c.conn, namespace, auth)
	if refusal != nil {
		other.fatalf("the server refuses the client: %v", refusal)
	}
	return other
}

// ID returns the id of the client's socket.
func (c *Client) ID() string { return c.id } // set before the Client is handed out

// Emit sends an event. It waits for nothing.
func (c *Client) Emit(event string, args ...any) {
	c.t.Helper()
	c.emit(event, args, nil)
}

// Call sends an event, waits for the answer and returns it. An answer that is an
// error, as that of a handler that fails, fails the test: see [Client.CallError].
func (c *Client) Call(event string, args ...any) *Answer {
	c.t.Helper()
	return c.Go(event, args...).succeeds()
}

// CallError sends an event, waits for an answer that is an error, and returns that
// error. Any other answer fails the test.
func (c *Client) CallError(event string, args ...any) *Error {
	c.t.Helper()
	a := c.Go(event, args...)
	err := a.Err()
	if err == nil {
		c.fatalf("the answer to %q is %s, want an error", event, a)
	}
	return err
}

// Go sends an event and returns an [Answer], whose methods wait for it. Before it calls one
// of these, the test can do what the handler waits for.
func (c *Client) Go(event string, args ...any) *Answer {
	c.t.Helper()
	a := &Answer{c: c, event: event}
	c.emit(event, args, a)
	return a
}

func (c *Client) emit(event string, args []any, a *Answer) {
	c.t.Helper()
	conn := c.conn
	conn.mu.Lock()
	id := c.nextAck
	if a != nil {
		c.nextAck++
		c.pending[id] = a
	}
	conn.mu.Unlock()
	if parser.IsReserved(event) {
		c.fatalf("Emit(%q): the name is reserved", event)
	}
	text, attachments, err := parser.EncodeEvent(nil, nil, c.nsp, event, args, id, a != nil)
	if err != nil {
		c.fatalf("Emit(%q): %v", event, err)
	}
	c.send(fmt.Sprintf("Emit(%q)", event), text, attachments)
}

// send queues a packet.
func (c *Client) send(what string, text []byte, attachments [][]byte) {
	c.t.Helper()
	if gone := c.conn.send(c, text, attachments); gone != "" {
		c.fatalf("%s: %s", what, gone)
	}
}

// Next waits for the next event, and returns it, whatever it is.
func (c *Client) Next() *Event {
	c.t.Helper()
	return c.next("an event")
}

// Expect waits for the next event, and returns it. An event with another name fails
// the test.
func (c *Client) Expect(event string) *Event {
	c.t.Helper()
	e := c.next(fmt.Sprintf("%q", event))
	if e.name != event {
		c.fatalf("the next event is %v, want %q", e, event)
	}
	return e
}

func (c *Client) next(what string) *Event {
	c.t.Helper()
	conn := c.conn
	var e *Event
	var gone string
	if !conn.wait(func() bool {
		if len(c.events) > 0 {
			e = c.events[0]
			c.events = c.events[1:]
		} else if c.reason != "" {
			gone = c.goneLocked()
		}
		return e != nil || gone != ""
	}) {
		c.fatalf("no event has come %s, want %s", conn.waited(), what)
	}
	if gone != "" {
		c.fatalf("%s, want %s", gone, what)
	}
	return e
}

// quiet is how long ExpectNone waits for what should not come, where it can't
// know that nothing will.
const quiet = 50 * time.Millisecond

// ExpectNone checks that the client is connected, and that no event is there. In a
// testing/synctest bubble it checks when all other goroutines are idle, so that no
// event can come until time passes. Outside a bubble it waits for 50 ms. Where that is
// not reliable enough, call it after a [Client.Call].
func (c *Client) ExpectNone() {
	c.t.Helper()
	if !settle() {
		c.conn.waitFor(quiet, func() bool { return len(c.events) > 0 || c.reason != "" })
	}
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	switch {
	case len(c.events) > 0:
		c.fatalf("the next event is %v, want none%s", c.events[0], more(c.events))
	case c.reason != "":
		c.fatalf("%s, want a connected client and no event", c.goneLocked())
	}
}

// settle waits until all other goroutines of the bubble are idle. It reports
// false outside of one.
func settle() (inBubble bool) {
	defer func() { _ = recover() }() // what Wait does outside, or if another goroutine waits already
	synctest.Wait()
	return true
}

// more tells what comes behind the first event.
func more(events []*Event) string {
	if len(events) < 2 {
		return ""
	}
	names := make([]string, len(events)-1)
	for i, e := range events[1:] {
		names[i] = fmt.Sprintf("%q", e.name)
	}
	return "; behind it " + strings.Join(names, ", ")
}

// ExpectDisconnect waits until the client is not connected any more, and checks the
// reason: [ServerDisconnect] or [TransportClose]. An event before that fails the test.
func (c *Client) ExpectDisconnect(reason string) {
	c.t.Helper()
	if !c.conn.wait(func() bool { return len(c.events) > 0 || c.reason != "" }) {
		c.fatalf("the client has not been disconnected %s, want %q", c.conn.waited(), reason)
	}
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	switch {
	case len(c.events) > 0:
		c.fatalf("the next event is %v, want the client disconnected%s", c.events[0], more(c.events))
	case c.reason != reason:
		c.fatalf("%s, want %q", c.goneLocked(), reason)
	}
}

// Disconnect leaves the namespace, which the server sees as "client namespace
// disconnect". The connection stays open, and [Client.Of] can join the namespace
// again. Disconnect does nothing if the client is not connected any more.
func (c *Client) Disconnect() { c.conn.leave(c) }

// Close closes the connection after everything that was emitted has been sent, which
// the server sees as "transport close". It may be called again.
func (c *Client) Close() { c.conn.close() }

// Mute makes the connection answer no more pings, as if its network were gone. The
// server ends it with "ping timeout".
func (c *Client) Mute() {
	c.conn.mu.Lock()
	defer c.conn.mu.Unlock()
	c.conn.muted = true
}

// goneLocked says why the client is not connected any more.
func (c *Client) goneLocked() string {
	s := fmt.Sprintf("the client is disconnected (%q)", c.reason)
	if c.conn.failure != nil && c.reason == TransportClose {
		s += fmt.Sprintf(": %v", c.conn.failure)
	}
	return s
}

func (c *Client) fatalf(format string, args ...any) {
	c.t.Helper()
	where := "siotest: "
	if c.nsp != "/" {
		where += c.nsp + ": "
	}
	c.t.Fatalf("%s%s", where, fmt.Sprintf(format, args...))
}
