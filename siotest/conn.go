package siotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/siokit/sio/socketio/parser"
)

// A transport carries Engine.IO packets.
type transport interface {
	// read returns what comes next. It fails with io.EOF behind the last.
	read() ([]packet, error)
	// write blocks until the server has read everything.
	write(ps []packet) error
	// bye tells the server that this is the end.
	bye() error
	// cut ends read and write, from any goroutine.
	cut()
}

// A packet is text, which begins with its type, or a binary message.
type packet struct {
	data   []byte
	binary bool
}

// maxEvents bounds what waits for the test: a server that goes on and on is
// stopped before the memory of the test is full.
const maxEvents = 1 << 16

// A conn is one connection, for the clients of one or more namespaces.
type conn struct {
	tr      transport
	server  *inMemory
	timeout time.Duration
	wg      sync.WaitGroup // reader and writer

	mu      sync.Mutex         // protects the following
	changed chan struct{}      // closed, and replaced, when something has
	clients map[string]*Client // by namespace, while they are there
	out     []packet           // for the writer
	muted   bool               // no pongs
	closing bool               // nothing more is queued
	ended   bool
	failure error // what ended it, if not the one side or the other
}

// dial opens a connection. The error is an *Error if the server has refused it.
func dial(h http.Handler, o *Options) (*conn, error) {
	c := &conn{
		server:  serve(h),
		timeout: o.Timeout,
		changed: make(chan struct{}),
		clients: make(map[string]*Client),
	}
	var rest []packet
	var err error
	if o.Polling {
		c.tr, rest, err = dialPolling(c.server, o)
	} else {
		c.tr, rest, err = dialWebSocket(c.server, o)
	}
	if err != nil {
		c.server.close()
		return nil, err
	}
	c.wg.Go(func() { c.read(rest) }) // until the transport ends
	c.wg.Go(c.write)                 // the same
	return c, nil
}

// read is the reader.
func (c *conn) read(ps []packet) {
	d := parser.TextDecoder{FromServer: true, MaxAttachments: 1 << 16, MaxBytes: math.MaxInt32}
	for {
		for _, p := range ps {
			if err := c.take(&d, p); err != nil {
				c.end(err)
				return
			}
		}
		var err error
		if ps, err = c.tr.read(); err != nil {
			c.end(err)
			return
		}
	}
}

// take handles an Engine.IO packet.
func (c *conn) take(d *parser.TextDecoder, p packet) error {
	var sp parser.Packet
	var done bool
	var err error
	switch {
	case p.binary:
		sp, done, err = d.Binary(p.data)
	case len(p.data) == 0:
		return errors.New("the server has sent an empty packet")
	case p.data[0] == '1':
		return io.EOF
	case p.data[0] == '2':
		c.pong(p.data[1:])
	case p.data[0] == '4':
		sp, done, err = d.Text(p.data[1:])
	case p.data[0] == '6':
	default:
		err = fmt.Errorf("Engine.IO packet of type %q", p.data[0])
	}
	if err != nil {
		return fmt.Errorf("the server has sent what is no packet: %w", err)
	}
	if done {
		return c.dispatch(sp)
	}
	return nil
}

func (c *conn) pong(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.muted && !c.closing {
		c.out = append(c.out, packet{data: append([]byte("3"), data...)})
		c.changedLocked()
	}
}

// dispatch hands a packet to its client. One for a client that has left is late,
// even if another has come: nothing is for that before the answer to its CONNECT.
func (c *conn) dispatch(p parser.Packet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.clients[p.Namespace]
	answers := p.Type == parser.TypeConnect || p.Type == parser.TypeConnectError
	switch {
	case x == nil, !answers && x.id == "":
		return nil
	case answers && x.id != "":
		return fmt.Errorf("the server has answered the CONNECT to %s twice", x.nsp)
	}
	defer c.changedLocked()
	body := args{p.Data, p.Attachments, 0}
	switch p.Type {
	case parser.TypeConnect:
		var answer struct{ SID, PID string }
		if err := json.Unmarshal(p.Data, &answer); err != nil || answer.SID == "" {
			return fmt.Errorf("the answer to CONNECT has no id: %s", p.Data)
		}
		x.id, x.offsets = answer.SID, answer.PID != ""
	case parser.TypeConnectError:
		x.refusal = new(Error)
		if err := json.Unmarshal(p.Data, x.refusal); err != nil {
			return fmt.Errorf("CONNECT_ERROR %s: %w", p.Data, err)
		}
		delete(c.clients, p.Namespace)
	case parser.TypeDisconnect:
		x.reason = ServerDisconnect
		delete(c.clients, p.Namespace)
	case parser.TypeEvent, parser.TypeBinaryEvent:
		if len(x.events) == maxEvents {
			return fmt.Errorf("%d events wait for the test", maxEvents)
		}
		name, err := parser.EventName(p.Data)
		if err != nil {
			return err
		}
		body.skip = 1
		x.events = append(x.events, &Event{c: x, name: string(name), args: body, id: p.ID, wantAck: p.HasID})
	case parser.TypeAck, parser.TypeBinaryAck:
		a := x.pending[p.ID]
		if a == nil || !p.HasID {
			return fmt.Errorf("the server has sent an answer to nothing: id %d, %v", p.ID, body)
		}
		delete(x.pending, p.ID)
		a.done, a.args = true, body
	}
	return nil
}

// write is the writer: it makes sending never wait for the server, which does
// not read while too much waits for its handlers.
func (c *conn) write() {
	for {
		c.mu.Lock()
		ps, closing, ended, changed := c.out, c.closing, c.ended, c.changed
		c.out = nil
		c.mu.Unlock()
		var err error
		switch {
		case ended:
			return
		case len(ps) > 0:
			err = c.tr.write(ps)
		case closing:
			if err = c.tr.bye(); err == nil {
				return
			}
		default:
			<-changed
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// end is that of the connection.
func (c *conn) end(err error) {
	c.tr.cut()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	if err != io.EOF && !c.closing {
		c.failure = err
	}
	c.allLeaveLocked(TransportClose)
	c.changedLocked()
}

func (c *conn) allLeaveLocked(reason string) {
	for _, x := range c.clients {
		x.reason = reason
	}
	clear(c.clients)
}

func (c *conn) changedLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// close sends what is queued, closes the connection, and waits for its
// goroutines.
func (c *conn) close() {
	c.mu.Lock()
	c.closing = true
	c.allLeaveLocked(ClientDisconnect)
	c.changedLocked()
	c.mu.Unlock()
	c.waitFor(c.timeout, func() bool { return c.ended }) // for the server to close its side
	c.tr.cut()
	c.wg.Wait()
	c.server.close()
}

// add sends the CONNECT of x. It reports false if the namespace is taken.
func (c *conn) add(x *Client, connect []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.clients[x.nsp] != nil:
		return false
	case c.closing:
		x.reason = ClientDisconnect
		return true
	case c.ended:
		x.reason = TransportClose
		return true
	}
	c.clients[x.nsp] = x
	c.sendLocked(connect, nil)
	return true
}

// send queues a packet of x, unless that is gone: then it says why.
func (c *conn) send(x *Client, text []byte, attachments [][]byte) (gone string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.reason != "" {
		return x.goneLocked()
	}
	c.sendLocked(text, attachments)
	return ""
}

func (c *conn) sendLocked(text []byte, attachments [][]byte) {
	c.out = append(c.out, packet{data: append([]byte("4"), text...)})
	for _, b := range attachments {
		c.out = append(c.out, packet{append([]byte(nil), b...), true})
	}
	c.changedLocked()
}

// leave sends the DISCONNECT of x.
func (c *conn) leave(x *Client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.reason != "" {
		return
	}
	x.reason = ClientDisconnect
	delete(c.clients, x.nsp)
	c.sendLocked(parser.EncodeDisconnect(nil, x.nsp), nil)
}

// wait waits until ready, which is called with c.mu held, reports true. It
// gives up after the timeout, and reports false.
func (c *conn) wait(ready func() bool) bool { return c.waitFor(c.timeout, ready) }

func (c *conn) waitFor(patience time.Duration, ready func() bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		c.mu.Lock()
		done, changed := ready(), c.changed
		c.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// waited says for how long wait has waited.
func (c *conn) waited() string { return fmt.Sprintf("within %v", c.timeout) }
