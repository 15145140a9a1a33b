package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// patience bounds every wait.
const patience = 30 * time.Second

// A command is what a point tells the process of its clients to do.
type command struct {
	Do        string // "connect", "echo", "expect", "close"; and "settle", "return": see storm
	Addr      string // to connect to
	Namespace string // to join, and to send to
	N         int    // clients to connect, echoes to make, or messages to expect
	Flight    int    // of them at the same time
	Every     int    // messages expected make an answer, besides the first
	Size      int    // of the string that a message carries
	Rate      int    // clients that connect a second; 0: as fast as they can
	Missed    int    // messages that each gets that comes back
}

type answer struct{ Err string }

// serveClients carries commands out, one after the other, until in ends.
func serveClients(in io.Reader, out io.Writer) error {
	var s swarm
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var c command
		switch err := dec.Decode(&c); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		answers := func(yield func(error) bool) { yield(s.do(c)) }
		if c.Do == "expect" {
			answers = s.expected(c)
		}
		for err := range answers {
			var a answer
			if err != nil {
				a.Err = err.Error()
			}
			if err := enc.Encode(a); err != nil {
				return err
			}
		}
	}
}

// A swarm is many clients over WebSocket. A goroutine each reads what comes,
// and checks it.
type swarm struct {
	conns   []*clientConn
	readers sync.WaitGroup
	want    atomic.Pointer[expectation]
	tickets []ticket // of those that may come back
}

// An expectation is the one message that is to come, so many times.
type expectation struct {
	payload []byte
	left    atomic.Int64
	every   int64        // of them make a signal
	next    func() error // called with each
	signal  chan error   // has room for one
}

func (e *expectation) got(payload []byte) error {
	if e == nil || !bytes.Equal(payload, e.payload) {
		return fmt.Errorf("packet %.100q is not expected", payload)
	}
	if e.next != nil {
		if err := e.next(); err != nil {
			return err
		}
	}
	switch left := e.left.Add(-1); {
	case left >= 0 && left%e.every == 0:
		e.tell(nil)
	case left < 0:
		return fmt.Errorf("packet %.100q has come once too often", payload)
	}
	return nil
}

// tell signals, unless nobody has taken the signal before.
func (e *expectation) tell(err error) {
	if e == nil {
		return
	}
	select {
	case e.signal <- err:
	default:
	}
}

func (s *swarm) do(c command) error {
	switch c.Do {
	case "connect":
		return s.connect(c)
	case "echo":
		return s.echo(c)
	case "close":
		s.close()
		return nil
	case "settle":
		return s.settle(c)
	case "return":
		return s.comeBack(c)
	}
	return fmt.Errorf("unknown command %q", c.Do)
}

// prefixed builds a packet that ends with a string of size bytes.
func prefixed(head, nsp, id, open string, size int) []byte {
	if nsp != "/" {
		head += nsp + ","
	}
	return []byte(head + id + open + `"` + strings.Repeat("x", size) + `"]`)
}

func (s *swarm) expect(payload []byte, n, every int, next func() error) {
	e := &expectation{payload: payload, every: int64(every), next: next, signal: make(chan error, 1)}
	e.left.Store(int64(n))
	s.want.Store(e)
}

func (s *swarm) await() error {
	e := s.want.Load()
	select {
	case err := <-e.signal:
		return err
	case <-time.After(patience):
		return fmt.Errorf("%d messages have not come", e.left.Load())
	}
}

// expected answers when the clients are ready, and then as often as so many
// broadcast messages have come to them. Until then no more may be sent.
func (s *swarm) expected(c command) iter.Seq[error] {
	return func(yield func(error) bool) {
		s.expect(prefixed("42", c.Namespace, "", `["msg",`, c.Size), c.N, c.Every, nil)
		var err error
		for n := 0; yield(err) && err == nil && n < c.N; n += c.Every {
			err = s.await()
		}
	}
}

// echo has the clients send in turn, each as soon as an answer has come to any
// of them.
func (s *swarm) echo(c command) error {
	frame := clientFrame(prefixed("42", c.Namespace, "7", `["echo",`, c.Size))
	var sent atomic.Int64
	next := func() error {
		i := int(sent.Add(1)) - 1
		if i >= c.N {
			return nil
		}
		_, err := s.conns[i%len(s.conns)].Write(frame)
		return err
	}
	s.expect(prefixed("43", c.Namespace, "7", `[`, c.Size), c.N, c.N, next)
	for range min(c.Flight, c.N) {
		if err := next(); err != nil {
			return err
		}
	}
	return s.await()
}

// connect opens the connections, so many at a time.
func (s *swarm) connect(c command) error {
	return s.open(c, func(int) (*clientConn, error) { return dial(c.Addr, c.Namespace) })
}

// open opens the connections, so many at a time, and no more in a second than may be.
func (s *swarm) open(c command, dial func(i int) (*clientConn, error)) error {
	conns := make([]*clientConn, c.N)
	errs := make(chan error, c.Flight)
	var started atomic.Int64
	begin := time.Now()
	for range c.Flight {
		go func() { // ends when all have been started, or one fails
			for {
				i := int(started.Add(1)) - 1
				if i >= len(conns) {
					errs <- nil
					return
				}
				if c.Rate > 0 {
					time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(c.Rate))))
				}
				var err error
				if conns[i], err = dial(i); err != nil {
					started.Add(int64(len(conns)))
					errs <- err
					return
				}
			}
		}()
	}
	var err error
	for range c.Flight {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return err
	}
	s.conns = append(s.conns, conns...)
	for _, conn := range conns {
		s.readers.Go(func() { conn.read(&s.want) })
	}
	return nil
}

// close cuts all connections.
func (s *swarm) close() {
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.readers.Wait()
	s.conns = nil
}

// clientFrame builds a text frame, masked as a client's must be.
func clientFrame(payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame(payload), [4]byte{0x37, 0xfa, 0x21, 0x3d}))
}

// A clientConn is a WebSocket whose frames are text and in one piece.
type clientConn struct {
	net.Conn
	in  *bufio.Reader
	buf []byte
}

// dial connects, and joins a namespace.
func dial(addr, nsp string) (*clientConn, error) {
	return dialAnd(addr, func(c *clientConn) error {
		packet := "40"
		if nsp != "/" {
			packet += nsp + ","
		}
		if _, err := c.Write(clientFrame([]byte(packet))); err != nil {
			return err
		}
		return c.want([]byte(packet + `{"sid":`))
	})
}

// dialAnd connects, and has join do the rest.
func dialAnd(addr string, join func(*clientConn) error) (*clientConn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // or ports are used up, waiting for what may come late
	c := &clientConn{Conn: conn, in: bufio.NewReaderSize(conn, 512)}
	_ = c.SetDeadline(time.Now().Add(patience))
	if err = c.handshake(addr); err == nil {
		err = join(c)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, c.SetDeadline(time.Time{})
}

func (c *clientConn) handshake(addr string) error {
	if _, err := io.WriteString(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: "+addr+
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"); err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := c.in.ReadString('\n')
		switch {
		case err != nil:
			return err
		case first && !strings.HasPrefix(line, "HTTP/1.1 101 "):
			return errors.New(strings.TrimSpace(line))
		}
		if line == "\r\n" {
			return c.want([]byte(`0{"sid":`))
		}
	}
}

func (c *clientConn) want(prefix []byte) error {
	payload, err := c.next()
	if err == nil && !bytes.HasPrefix(payload, prefix) {
		err = fmt.Errorf("packet %.100q, want %s…", payload, prefix)
	}
	return err
}

// next reads a frame. Its payload is good until the next call.
func (c *clientConn) next() ([]byte, error) {
	head, err := c.in.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0] != 0x81 {
		return nil, fmt.Errorf("a frame that begins with %#x", head[0])
	}
	n, skip := int(head[1]), 2
	switch n {
	case 126:
		skip = 4
	case 127:
		skip = 10
	}
	if head, err = c.in.Peek(skip); err != nil {
		return nil, err
	}
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(head[2:]))
	case 127:
		n = int(binary.BigEndian.Uint64(head[2:]))
	}
	_, _ = c.in.Discard(skip)
	if n <= c.in.Size() {
		payload, err := c.in.Peek(n)
		_, _ = c.in.Discard(len(payload))
		return payload, err
	}
	if n > len(c.buf) {
		c.buf = make([]byte, n)
	}
	_, err = io.ReadFull(c.in, c.buf[:n])
	return c.buf[:n], err
}

// read compares what comes with what is expected, until the connection ends. It
// ends it if something else comes.
func (c *clientConn) read(want *atomic.Pointer[expectation]) {
	for {
		payload, err := c.next()
		e := want.Load()
		if err == nil {
			err = e.got(payload)
		}
		if err != nil {
			e.tell(err)
			_ = c.Close()
			return
		}
	}
}
