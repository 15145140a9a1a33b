//go:build unix

package engineio

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// rawConn returns what conn can be read and written by without blocking, or nil
// where that is not possible: TLS, pipes, and wrappers that may do something of
// their own.
func rawConn(conn net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch c := conn.(type) {
	case *net.TCPConn:
		sc = c
	case *net.UnixConn:
		sc = c
	default:
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// A tryWriter writes to a connection as much as the kernel takes at once.
type tryWriter struct {
	buf []byte
	n   int
	err error
	fn  func(fd uintptr) bool // made once: a closure for each write would be an allocation
}

var tryWriters = sync.Pool{New: func() any {
	t := new(tryWriter)
	t.fn = t.write
	return t
}}

// tryWrite returns how much it has written; less than all is no error.
func tryWrite(raw syscall.RawConn, p []byte) (int, error) {
	t := tryWriters.Get().(*tryWriter)
	t.buf, t.n, t.err = p, 0, nil
	err := raw.Write(t.fn)
	if t.err != nil {
		err = t.err
	}
	n := t.n
	t.buf = nil
	tryWriters.Put(t)
	return n, err
}

func (t *tryWriter) write(fd uintptr) bool {
	for len(t.buf) > 0 {
		n, err := send(fd, t.buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			t.err = err
			return true
		}
		t.n += n
		t.buf = t.buf[n:]
	}
	return true
}

// readNow reads once. It fails with EAGAIN if there is nothing to read.
func readNow(fd uintptr, buf []byte) (int, error) {
	for {
		n, err := receive(fd, buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// ready is called by RawConn.Read, first at once and then whenever there may be
// something to read.
func (r *byteReader) ready(fd uintptr) bool {
	buf := reads.Get().(*[]byte)
	n, err := readNow(fd, *buf)
	if err == syscall.EAGAIN {
		reads.Put(buf)
		return false
	}
	r.buf, r.n, r.err = buf, n, err
	return true
}
