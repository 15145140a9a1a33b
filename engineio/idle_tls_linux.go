//go:build !portable

package engineio

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A connection over TLS can't be read without blocking, so the poller does not have it. But
// while it is idle it needs no goroutine either: what is unread is with the kernel, which can
// tell of it, or the TLS layer has read it already. That gives it away, and a timeout when
// there is no more, if it is asked with a deadline that is over; a timeout while it reads
// does it no harm, even in the middle of a record.

// A tlsConn is such a connection. When nothing has come for a while, its reader leaves it to
// Server.idleTLS, and ends.
type tlsConn struct {
	*tls.Conn
	tcp syscall.RawConn // below

	// Of the reader.
	timed bool // it has set a deadline
	brief bool // just ask for what has been read already: the peer is one that seldom says something
	empty bool // nothing is left of that

	// Protected by the mu of Server.idleTLS.
	fd   int32
	idle bool
}

// asTLS returns a connection over TLS as a tlsConn, and others as they are.
func asTLS(conn net.Conn) net.Conn {
	c, ok := conn.(*tls.Conn)
	if !ok {
		return conn
	}
	tcp, ok := c.NetConn().(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &tlsConn{Conn: c, tcp: raw}
}

// receive reads what comes, and blocks. Of a tlsConn it returns nothing if that takes long,
// unless part of a large message is there.
func (w *wsConn) receive(p []byte, partial bool) (int, error) {
	d, ok := w.conn.(*tlsConn)
	if !ok {
		return w.conn.Read(p)
	}
	d.limit(w, partial)
	n, err := d.Read(p)
	if d.timed && errors.Is(err, os.ErrDeadlineExceeded) {
		if n == 0 {
			d.empty = !w.draining.Load()
			return 0, nil
		}
		err = nil // only part of an alert is there behind what has been read
	}
	d.brief = time.Since(w.srv.born)-w.last > freshStack
	return n, err
}

// limit sets the deadline of the next read. It must not take the place of the one that a
// connection has which is being closed; who sets that has set draining before.
func (d *tlsConn) limit(w *wsConn, partial bool) {
	if !w.draining.Load() {
		switch {
		case partial: // the session's heartbeat bounds that
			if !d.timed {
				return
			}
			_ = d.SetReadDeadline(time.Time{})
		case d.brief:
			_ = d.SetReadDeadline(time.Unix(1, 0))
		default:
			_ = d.SetReadDeadline(time.Now().Add(freshStack))
		}
		d.timed = !partial
		if !w.draining.Load() {
			return
		}
		d.timed = true // in any case ours may have been the last
	}
	if d.timed {
		d.timed = false
		w.linger(d.SetReadDeadline)
	}
}

// canIdle tells whether a reader that has nothing to do ends.
func (w *wsConn) canIdle() bool {
	_, ok := w.conn.(*tlsConn)
	return ok
}

// idle ends the reader of an idle connection. It reports false if it has to go on.
func (w *wsConn) idle() bool {
	d, ok := w.conn.(*tlsConn)
	if !ok || !d.empty {
		return false
	}
	d.empty, d.brief = false, false
	return w.srv.idleTLS.add(w, d)
}

// wakeIdle has a goroutine read the connection, if it has none. It is called where unpark is.
func (w *wsConn) wakeIdle() {
	if d, ok := w.conn.(*tlsConn); ok {
		w.srv.idleTLS.wake(w, d)
	}
}

// An idleTLS has the connections over TLS that have no reader. One goroutine waits for all
// of them, while there are any; it reads none.
type idleTLS struct {
	mu    sync.Mutex // protects the following, and the kernel's list
	conns map[int32]*wsConn
	file  *os.File // an epoll descriptor; nil while there is nobody, but for a moment
	epoll int
}

func (y *idleTLS) add(w *wsConn, d *tlsConn) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	if w.draining.Load() || y.file == nil && !y.openLocked(&w.srv.wg) { // who calls wakeIdle sets draining before
		return false
	}
	_ = d.tcp.Control(func(fd uintptr) {
		const once = syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT
		if syscall.EpollCtl(y.epoll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: once, Fd: int32(fd)}) != nil {
			return
		}
		if other := y.conns[int32(fd)]; other != nil { // it has been closed behind our back
			y.wakeLocked(other, other.conn.(*tlsConn))
		}
		d.fd, d.idle = int32(fd), true
		y.conns[d.fd] = w
	})
	y.idleLocked()
	return d.idle
}

func (y *idleTLS) openLocked(wg *sync.WaitGroup) bool {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	file, raw, err := waitable(fd, "epoll")
	if err != nil {
		return false
	}
	y.file, y.epoll, y.conns = file, fd, make(map[int32]*wsConn)
	wg.Add(1)         // under the connection's own
	go y.run(raw, wg) // ends when there are none any more
	return true
}

func (y *idleTLS) wake(w *wsConn, d *tlsConn) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if d.idle {
		y.wakeLocked(w, d)
		y.idleLocked()
	}
}

func (y *idleTLS) wakeLocked(w *wsConn, d *tlsConn) {
	d.idle = false
	_ = d.tcp.Control(func(fd uintptr) { _ = syscall.EpollCtl(y.epoll, syscall.EPOLL_CTL_DEL, int(fd), nil) })
	if y.conns[d.fd] == w {
		delete(y.conns, d.fd)
	}
	go w.read(nil) // ends as the connection's reader does
}

// idleLocked has the goroutine end if there is nobody.
func (y *idleTLS) idleLocked() {
	if len(y.conns) == 0 {
		_ = y.file.SetReadDeadline(time.Unix(1, 0))
	}
}

// run is the goroutine.
func (y *idleTLS) run(raw syscall.RawConn, wg *sync.WaitGroup) {
	defer wg.Done()
	var events [pollBatch]syscall.EpollEvent
	for {
		err := raw.Read(func(fd uintptr) bool {
			for {
				n, err := syscall.EpollWait(int(fd), events[:], 0)
				switch {
				case err == syscall.EINTR:
				case err != nil:
					return true
				case n == 0:
					return false
				default:
					y.wakeAll(events[:n])
				}
			}
		})
		y.mu.Lock()
		if len(y.conns) == 0 {
			_ = y.file.Close()
			y.file = nil
			y.mu.Unlock()
			return
		}
		if err != nil {
			_ = y.file.SetReadDeadline(time.Time{}) // somebody has come since
		}
		y.mu.Unlock()
	}
}

func (y *idleTLS) wakeAll(events []syscall.EpollEvent) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, ev := range events {
		if w := y.conns[ev.Fd]; w != nil {
			y.wakeLocked(w, w.conn.(*tlsConn))
		}
	}
	y.idleLocked()
}
