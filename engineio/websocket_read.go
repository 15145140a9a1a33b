package engineio

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/websocket"
)

// A WebSocket is read by a goroutine of its own, or, on Linux, while nothing but
// bytes is waited for, by a poller that it shares with others. Either feeds what
// comes to the same parser.

// readSize is how much is read at once. What a message needs beyond it is
// collected by the parser.
const readSize = 32 << 10

var reads = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

// smallRead is the buffer of an idle connection that can't be waited for
// without one.
const smallRead = 512

// A byteReader reads a connection for a goroutine. While it waits it holds no
// buffer, or a small one where that is not possible.
type byteReader struct {
	w   *wsConn
	fn  func(fd uintptr) bool
	buf *[]byte // borrowed
	n   int
	err error

	small   []byte // without fn
	filled  bool   // the last read has filled its buffer; likewise
	partial bool   // part of a large message is there: w.held is lent
}

// read returns bytes that are valid until release.
func (r *byteReader) read() ([]byte, error) {
	if r.w.raw != nil {
		if r.fn == nil {
			r.fn = r.ready
		}
		r.n, r.err = 0, nil
		if err := r.w.raw.Read(r.fn); err != nil {
			return nil, err
		}
		if r.buf == nil {
			return nil, r.err
		}
		return (*r.buf)[:r.n], r.err
	}
	if r.small == nil {
		r.small = make([]byte, smallRead)
	}
	buf := r.small
	if r.filled { // more is likely to be there
		r.buf = reads.Get().(*[]byte)
		buf = *r.buf
	}
	n, err := r.w.receive(buf, r.partial)
	r.filled = n == len(buf)
	return buf[:n], err
}

func (r *byteReader) release() {
	if r.buf != nil {
		reads.Put(r.buf)
		r.buf = nil
	}
}

// freshStack is how long a connection must have been silent for its reader to
// start anew. Parsing lets the stack grow from 2 KB to 4 or 8, and it does not
// shrink far enough by itself.
const freshStack = time.Second

// read reads the connection until it is closed, by the peer or by shut, or the
// poller or another goroutine goes on with it. It begins with p, which has been
// read already. Whoever starts it has counted it in srv.wg.
func (w *wsConn) read(p []byte) {
	if !w.take(p) {
		w.finish()
		return
	}
	var r *byteReader
	for !w.park() && !w.idle() {
		if r == nil {
			r = &byteReader{w: w}
		}
		p, err := w.wait(r)
		goOn := len(p) == 0 || w.take(p)
		r.release()
		if goOn && err != nil {
			w.lost(err)
			goOn = false
		}
		if !goOn {
			w.finish()
			return
		}
		now := time.Since(w.srv.born)
		silent := now - w.last
		w.last = now
		if silent > freshStack && !w.canIdle() {
			go w.read(nil) // instead of us
			return
		}
	}
}

// wait reads on. Part of a large message is given up meanwhile if the session ends: its
// peer may say nothing more for as long as its close frame is waited for.
func (w *wsConn) wait(r *byteReader) ([]byte, error) {
	if r.partial = w.held > 0; !r.partial {
		return r.read()
	}
	w.lend(true)
	defer w.lend(false)
	return r.read()
}

func (w *wsConn) lend(lent bool) {
	w.lending.Lock()
	defer w.lending.Unlock()
	if w.lent = lent; lent && w.draining.Load() {
		w.dropPartial()
	}
}

// forgo drops what has come of a large message, if the reader just waits for the rest;
// else that does so itself. It is called when draining has been set.
func (w *wsConn) forgo() {
	w.lending.Lock()
	defer w.lending.Unlock()
	if w.lent {
		w.dropPartial()
	}
}

func (w *wsConn) dropPartial() {
	w.in.Drop()
	w.sess.Hold(-w.held)
	w.held = 0
}

// A progress tells how far parse has come.
type progress uint8

const (
	parsed progress = iota
	held            // it has stopped in front of a message, or for the next bytes: see Stopped
	over            // there is nothing to read any more
)

// take parses p, in turns, and waits while the session is paused. False ends the
// reader.
func (w *wsConn) take(p []byte) bool {
	for {
		w.srv.monitor.watch(time.Since(w.srv.born))
		rest, how := w.parse(p)
		w.srv.received()
		if how != held {
			return how == parsed
		}
		p = rest
		runtime.Gosched()
		w.sess.waitResumed(nil) // it may have been resumed by now
	}
}

// parse handles what has been read, a turn of it, and returns what it has not got to.
func (w *wsConn) parse(p []byte) ([]byte, progress) {
	if w.broken.Load() {
		return nil, parsed
	}
	if w.srv.opts.LenientHeartbeat && len(p) > 0 {
		w.sess.alive(lifeBytes)
	}
	w.in.Frames = 0
	n, err := w.in.Feed(p, w)
	w.sess.countWebSocketIn(int(w.packets), n)
	w.packets = 0
	if size := w.in.Partial(); size >= largeBytes {
		w.sess.alive(min(n, size))
	}
	if w.held > 0 && w.draining.Load() {
		w.dropPartial() // nobody wants it any more
	}
	if size := counted(w.in.Allocated()); size != w.held {
		w.sess.Hold(size - w.held)
		w.held = size
	}
	w.settle()
	switch {
	case err != nil && w.fail(err):
		return nil, parsed
	case err != nil:
		return nil, over
	case n < len(p) || w.in.Due() || w.paused() || w.polling && w.in.Compressed():
		return p[n:], held
	}
	return nil, parsed
}

// settle counts what has been handled, and has the answers written. They go ahead of
// what else may follow from it.
func (w *wsConn) settle() {
	s := w.sess
	s.settled()
	s.uncork()
	if w.draining.Load() { // nothing follows a close frame
		return
	}
	if w.probing {
		w.answerPending()
	}
	frames, cheap := uint32(w.unpaid)+w.in.Frames, s.cheap.Load() > 0
	if frames < turnPackets && !cheap {
		w.unpaid = uint8(frames) // the time is not asked for each message
		return
	}
	w.unpaid = 0
	wait := s.pay(frames)
	w.hasty = cheap || s.ahead() > burst/10
	switch {
	case wait <= 0:
	case w.probing:
		w.srv.watch.limited(s, LimitPacketRate)
		w.dropProbe(websocket.CloseFrame(ws.StatusPolicyViolation), UpgradeFailed)
	default:
		s.rest(wait)
	}
}

// polled handles what the poller has read, or could not read. It does not
// block. Unless it returns nil, the poller has done with the connection, and a
// goroutine has to go on.
func (w *wsConn) polled(p []byte, err error) func() {
	w.polling = true
	rest, how := w.parse(p)
	w.polling = false
	switch {
	case how == over:
		return w.finish
	case err != nil:
		return func() {
			w.lost(err)
			w.finish()
		}
	case how == held && len(rest) == 0 && !w.in.Due() && !w.in.Compressed() && !w.draining.Load():
		return nil // it is muted until the session is resumed
	case how == held || w.draining.Load():
		rest = bytes.Clone(rest)
		return func() { w.read(rest) }
	}
	return nil
}

// fail ends the WebSocket after an error in what the peer sent.
func (w *wsConn) fail(err error) bool {
	var closed *websocket.Error
	switch {
	case err == errPeerClosed:
		return false
	case !errors.As(err, &closed):
		w.lost(err)
		return false
	case w.draining.Load():
		return false
	}
	w.sess.logged(w.srv.log.Debug()).Str("why", closed.Why).Msg("websocket refused")
	w.broken.Store(true)
	if closed.Code == ws.StatusMessageTooBig {
		w.srv.watch.limited(w.sess, LimitPayload)
	}
	if w.probing {
		w.dropProbe(websocket.CloseFrame(closed.Code), UpgradeFailed)
	} else {
		w.sess.fail(ReasonTransportError, ProtocolError(closed.Why), websocket.CloseFrame(closed.Code))
	}
	return true
}

// lost ends what depends on a connection that can't be read any more.
func (w *wsConn) lost(err error) {
	switch {
	case w.probing:
		w.dropProbe(nil, UpgradeFailed)
	case errors.Is(err, io.EOF):
		w.sess.fail(ReasonTransportClose, err, nil)
	default:
		w.sess.fail(ReasonTransportError, err, nil)
	}
}

// errPeerClosed ends the parsing when a close frame has been answered.
var errPeerClosed = errors.New("closed by the peer")

// Stopped stops the parsing at the end of a turn, while the session is paused, and on
// the poller at a compressed message: what it takes to inflate one is up to the peer.
func (w *wsConn) Stopped() bool {
	return w.in.Frames >= turnPackets && !w.in.InFrame() || w.paused() || w.polling && w.in.Compressed()
}

// stillHasty tells whether the peer has sent something cheap in the last second, or much
// at once: others are read first.
func (w *wsConn) stillHasty() bool {
	w.hasty = w.hasty && w.sess.ahead() > -time.Second
	return w.hasty
}

func (w *wsConn) paused() bool {
	return !w.probing && w.sess.paused.Load() > 0 && !w.draining.Load()
}

func (w *wsConn) OnMessage(data []byte, binary bool) error {
	w.packets++
	switch {
	case w.draining.Load():
		return nil
	case w.probing:
		return w.onProbe(data, binary)
	}
	var p parser.Packet
	var err error
	if w.sess.out.v3 {
		p, err = parser.DecodeV3(data, binary)
	} else {
		p, err = parser.Decode(data, binary)
	}
	if err != nil {
		w.sess.malformed(err)
		return nil
	}
	w.sess.receive(p, w.in.Collected())
	return nil
}

func (w *wsConn) OnPing(data []byte) error {
	w.sess.CountCheap()
	w.packets++
	switch {
	case w.draining.Load():
	case w.probing:
		w.try.pong = pongFrame(data)
	default:
		w.sess.sendControl(pongFrame(data), cork)
	}
	return nil
}

func (w *wsConn) OnClose(code ws.StatusCode) error {
	w.peerClosed.Store(true)
	switch {
	case w.draining.Load(): // the answer to ours
	case w.probing:
		w.dropProbe(websocket.CloseFrame(code), UpgradeFailed)
	default:
		w.sess.end(ReasonTransportClose, websocket.CloseFrame(code))
	}
	return errPeerClosed
}
