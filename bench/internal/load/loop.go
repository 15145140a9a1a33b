package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Opcodes and bits of RFC 6455, section 5.2.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10

	finBit  = 0x80
	opcode  = 0x0f // in the first byte
	maskBit = 0x80
)

// readBuffer holds the largest message, and what a socket has to give at once.
const readBuffer = 1 << 20

// A loop reads any number of connections on the goroutine that polls it. Handlers
// run within poll; they may send and hang up, but not poll.
type loop struct {
	ctx    context.Context // ends poll
	epoll  int
	events [512]unix.EpollEvent
	conns  []*conn // by descriptor; nil if there is none
	in     []byte  // of the connection being read
	pings  int     // of Engine.IO that have been answered

	inflate *inflater // nil if nobody compresses
	unpack  []byte    // the last packet of MessagePack

	onReady   func(*conn) // the handshake is done
	onMessage func(c *conn, op byte, message []byte)
	onGone    func(c *conn, err error) // not by hangUp
}

type state uint8

const (
	dialling  state = iota
	upgrading       // the request is out
	joining         // waits for what answers its hellos, in turn
	ready
	gone
)

// A conn is one WebSocket client.
type conn struct {
	fd      int
	state   state
	said    uint8 // hellos, while it is joining
	dialect Dialect
	nsp     string // "" for "/"
	rest    []byte // received, an incomplete frame
	begun   []byte // received, an incomplete message: its first byte, and what there is of it
	out     []byte // not yet sent; as long as there is something, epoll tells of room for it

	// What a scenario keeps.
	want    int              // the number of the message awaited, or of those received
	skipped map[int]struct{} // those before that have not come
	waiting bool             // a round trip is under way
	half    bool             // its first half has come
}

func newLoop(ctx context.Context) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// What is due is not to wait for the 50 µs by which the kernel joins timers.
	// This holds for the thread of the caller only, and so it should be locked.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	return &loop{ctx: ctx, epoll: fd, in: make([]byte, readBuffer)}, nil
}

func (l *loop) close() {
	for _, c := range l.conns {
		if c != nil {
			l.hangUp(c)
		}
	}
	unix.Close(l.epoll)
}

// maxWait is how long it may take until the end of the context is seen.
const maxWait = 100 * time.Millisecond

// poll handles what happens first, if anything happens before the timeout.
func (l *loop) poll(timeout time.Duration) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	n, err := wait(l.epoll, l.events[:], min(max(timeout, 0), maxWait))
	if err != nil {
		return os.NewSyscallError("epoll_pwait2", err)
	}
	for _, event := range l.events[:n] {
		c := l.conns[event.Fd]
		if c == nil {
			continue // hung up by a handler of an earlier event
		}
		if err := l.handle(c, event.Events); err != nil {
			l.lose(c, err)
		}
	}
	return nil
}

// until polls until done, or until the deadline.
func (l *loop) until(deadline time.Time, done func() bool) error {
	for !done() {
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		if err := l.poll(left); err != nil {
			return err
		}
	}
	return nil
}

func never() bool { return false }

func (l *loop) handle(c *conn, events uint32) error {
	if c.state == dialling {
		code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			return err
		}
		if code != 0 {
			return os.NewSyscallError("connect", unix.Errno(code))
		}
		if events&unix.EPOLLOUT == 0 {
			return nil
		}
		c.state = upgrading // out is the request
	}
	if events&unix.EPOLLOUT != 0 {
		if err := l.flush(c); err != nil {
			return err
		}
	}
	if events&^unix.EPOLLOUT != 0 {
		return l.read(c)
	}
	return nil
}

// read reads once: if there is more, epoll says so again.
func (l *loop) read(c *conn) error {
	kept := copy(l.in, c.rest)
	n, err := read(c.fd, l.in[kept:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return os.NewSyscallError("read", err)
	case n == 0:
		return io.EOF
	}
	data := l.in[:kept+n]
	used, err := l.feed(c, data)
	if c.state != gone {
		c.rest = append(c.rest[:0], data[used:]...)
	}
	return err
}

// feed handles what data holds in full, and returns how much that is.
func (l *loop) feed(c *conn, data []byte) (used int, err error) {
	if c.state == upgrading {
		end := bytes.Index(data, []byte("\r\n\r\n"))
		if end < 0 {
			return 0, nil
		}
		if err := checkUpgrade(data[:end]); err != nil {
			return 0, err
		}
		used = end + 4
		c.state = joining
		if err := l.join(c); err != nil {
			return used, err
		}
	}
	for c.state != gone {
		first, message, n, err := parseFrame(data[used:])
		if err != nil || n == 0 {
			return used, err
		}
		used += n
		if err := l.frame(c, first, message); err != nil {
			return used, err
		}
	}
	return used, nil
}

// frame handles a frame: a message, or a part of one.
func (l *loop) frame(c *conn, first byte, message []byte) error {
	if first&finBit == 0 || first&opcode == 0 {
		if first&opcode != 0 {
			c.begun = append(c.begun[:0], first)
		}
		if len(c.begun) == 0 || len(c.begun)+len(message) > readBuffer/2 {
			return fmt.Errorf("unexpected part of a message, % x", first)
		}
		c.begun = append(c.begun, message...)
		if first&finBit == 0 {
			return nil
		}
		first, message = c.begun[0], c.begun[1:]
		c.begun = nil
	}
	switch {
	case first&compressed == 0 && l.inflate != nil && len(message) > pageSize/2:
		return fmt.Errorf("not compressed: %.100q", message) // which would be cheaper
	case first&compressed != 0 && l.inflate == nil:
		return errors.New("compressed, which was not offered")
	case first&compressed != 0:
		var err error
		if message, err = l.inflate.message(message); err != nil {
			return err
		}
	}
	op := first & opcode
	if c.dialect != Centrifuge || op != opText {
		return l.message(c, op, message)
	}
	for line := range bytes.SplitSeq(message, []byte("\n")) { // it sends many at once
		if len(line) == 0 || c.state == gone {
			continue
		}
		if err := l.message(c, op, line); err != nil {
			return err
		}
	}
	return nil
}

// join says the next hello, or finds that all has been said.
func (l *loop) join(c *conn) error {
	all := hellos[c.dialect]
	if int(c.said) == len(all) {
		c.state = ready
		l.onReady(c)
		return nil
	}
	frame := all[c.said].say
	switch {
	case frame == nil:
		return nil
	case c.nsp != "":
		frame = AppendFrame(nil, opText, []byte("40"+c.nsp+","))
	}
	return l.send(c, frame)
}

// inRoot returns a message as it would be in "/". It changes it.
func (c *conn) inRoot(message []byte) []byte {
	const digits = 2 // message and its type
	if n := len(c.nsp); n > 0 && len(message) > digits+n && string(message[digits:digits+n]) == c.nsp && message[digits+n] == ',' {
		copy(message[n+1:], message[:digits])
		return message[n+1:]
	}
	return message
}

func (l *loop) message(c *conn, op byte, message []byte) error {
	switch {
	case op == opClose:
		return fmt.Errorf("closed by the server: % x", message)
	case op == opPing:
		return l.send(c, AppendFrame(nil, opPong, message))
	case op == opPong:
		return nil
	}
	if frame, pinged := c.dialect.pong(op, message); pinged && c.said > 0 { // some ping at once
		l.pings++
		return l.send(c, frame)
	}
	if c.dialect == Msgpack && op == opBinary {
		var err error
		if l.unpack, err = unpack(l.unpack, message); err != nil {
			return fmt.Errorf("%w: %.100q", err, message)
		}
		op, message = opText, l.unpack
	}
	message = c.inRoot(message)
	if c.state == joining {
		if err := hellos[c.dialect][c.said].check(message); err != nil {
			return err
		}
		c.said++
		return l.join(c)
	}
	l.onMessage(c, op, message)
	return nil
}

// send takes a copy of what can't be written at once.
func (l *loop) send(c *conn, frames []byte) error {
	if c.state == gone {
		return net.ErrClosed
	}
	if len(c.out) > 0 {
		c.out = append(c.out, frames...)
		return nil
	}
	n, err := write(c.fd, frames)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return os.NewSyscallError("write", err)
	}
	if n = max(n, 0); n < len(frames) {
		c.out = append(c.out, frames[n:]...)
		return l.watch(c, unix.EPOLL_CTL_MOD)
	}
	return nil
}

func (l *loop) flush(c *conn) error {
	n, err := write(c.fd, c.out)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		return os.NewSyscallError("write", err)
	}
	if c.out = c.out[max(n, 0):]; len(c.out) > 0 {
		return nil
	}
	c.out = nil
	return l.watch(c, unix.EPOLL_CTL_MOD)
}

func (l *loop) watch(c *conn, how int) error {
	event := unix.EpollEvent{Fd: int32(c.fd), Events: unix.EPOLLIN}
	if len(c.out) > 0 {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, how, c.fd, &event))
}

// ignore stops reading c, for good unless the caller watches it again.
func (l *loop) ignore(c *conn) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, c.fd, nil))
}

// lose is for connections that end otherwise than by hangUp.
func (l *loop) lose(c *conn, err error) {
	if c.state == gone {
		return
	}
	l.hangUp(c)
	if l.onGone != nil {
		l.onGone(c, err)
	}
}

func (l *loop) hangUp(c *conn) {
	if c.state == gone {
		return
	}
	c.state = gone
	l.conns[c.fd] = nil
	unix.Close(c.fd)
}

// wait is epoll_wait(2) with a timeout finer than milliseconds.
func wait(epoll int, events []unix.EpollEvent, timeout time.Duration) (int, error) {
	spec := unix.NsecToTimespec(int64(timeout))
	n, errno := epollPwait2(epoll, events, &spec)
	if errno == unix.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}

// parseFrame returns the frame that data begins with, and its first byte; n is 0 if it is
// incomplete.
func parseFrame(data []byte) (first byte, payload []byte, n int, err error) {
	if len(data) < 2 {
		return 0, nil, 0, nil
	}
	if data[0]&0x30 != 0 || data[1]&maskBit != 0 {
		return 0, nil, 0, fmt.Errorf("unexpected frame header: % x", data[:2])
	}
	header, size := 2, uint64(data[1])
	switch size {
	case 126:
		if header += 2; len(data) < header {
			return 0, nil, 0, nil
		}
		size = uint64(binary.BigEndian.Uint16(data[2:]))
	case 127:
		if header += 8; len(data) < header {
			return 0, nil, 0, nil
		}
		size = binary.BigEndian.Uint64(data[2:])
	}
	if size > readBuffer/2 {
		return 0, nil, 0, fmt.Errorf("frame of %d bytes", size)
	}
	n = header + int(size)
	if len(data) < n {
		return 0, nil, 0, nil
	}
	return data[0], data[header:n], n, nil
}
