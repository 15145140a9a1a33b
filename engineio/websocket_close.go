package engineio

import (
	"net"
	"time"
)

// shut sends a close frame and leaves the connection to its reader, which
// waits for the peer's; a nil frame cuts it. It does not block.
func (w *wsConn) shut(frame []byte) {
	again := w.draining.Swap(true)
	w.forgo()
	w.unpark()
	w.wakeIdle()
	switch {
	case frame == nil:
		_ = w.conn.Close()
	case again:
	case w.raw != nil:
		n, err := tryWrite(w.raw, frame)
		w.shutSent(err != nil || n < len(frame))
	default:
		if last := w.lastly(frame); last != nil {
			go w.writeLast(last)
		}
	}
}

// lastly prepares a close frame for a write that blocks, unless the reader has
// ended. Whoever writes now, and then the frame, has lingerTimeout.
func (w *wsConn) lastly(frame []byte) *lastFrame {
	w.draining.Store(true)
	w.forgo()
	w.linger(w.conn.SetWriteDeadline) // first: nobody may wait for a write without
	if sent := w.sending(); sent != nil {
		return &lastFrame{frame, sent}
	}
	return nil
}

// writeLast writes a close frame, by the deadline; the reader waits for it.
func (w *wsConn) writeLast(last *lastFrame) {
	defer close(last.sent)
	_, err := w.conn.Write(last.frame)
	w.shutSent(err != nil)
}

// sending announces the writing of a close frame, unless the reader has ended.
func (w *wsConn) sending() chan struct{} {
	w.srv.mu.Lock()
	defer w.srv.mu.Unlock()
	if w.ended {
		return nil
	}
	w.sent = make(chan struct{})
	return w.sent
}

// finish is the end of the reader, and of the connection.
func (w *wsConn) finish() {
	defer w.srv.wg.Done()
	w.dropPartial() // the session may be kept
	w.srv.mu.Lock()
	w.ended = true
	sent := w.sent
	w.srv.mu.Unlock()
	if sent != nil {
		<-sent // until then, Shutdown may have to cut it
	}
	w.srv.mu.Lock()
	delete(w.srv.conns, w)
	w.srv.mu.Unlock()
	_ = w.conn.Close()
}

// linger lists the connection, whose session is gone, until its reader ends, and
// sets a deadline. Where it takes none, as when there is no descriptor for it, it is
// closed at once: nothing else would end it.
func (w *wsConn) linger(setDeadline func(time.Time) error) {
	var err error
	w.srv.mu.Lock()
	if !w.ended {
		deadline := time.Now().Add(lingerTimeout)
		if w.srv.cut {
			deadline = time.Unix(1, 0)
		}
		w.srv.conns[w] = struct{}{}
		err = setDeadline(deadline)
	}
	w.srv.mu.Unlock()
	if err != nil {
		_ = w.conn.Close()
	}
}

func (w *wsConn) shutSent(failed bool) {
	if failed {
		_ = w.conn.Close()
		return
	}
	if w.peerClosed.Load() { // the reader ends by itself
		return
	}
	w.linger(w.conn.SetReadDeadline)
	if !w.broken.Load() {
		return
	}
	// Its close frame can't be told from the rest: let it see the end at once.
	switch c := w.conn.(type) {
	case *net.TCPConn:
		_ = c.CloseWrite()
	case interface{ closeWrite() error }:
		_ = c.closeWrite()
	}
}
