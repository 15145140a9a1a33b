//go:build unix

package engineio

import (
	"net"
	"syscall"
)

// A tryWriter writes to a connection as much as the kernel takes at once.
type tryWriter struct {
	raw syscall.RawConn
	buf []byte
	n   int
	err error
	fn  func(fd uintptr) bool // made once: a closure for each write would be an allocation
}

// newTryWriter returns nil where a connection cannot be written to without
// blocking: TLS, pipes, and wrappers that may do something of their own.
func newTryWriter(conn net.Conn) *tryWriter {
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
	t := &tryWriter{raw: raw}
	t.fn = func(fd uintptr) bool {
		for len(t.buf) > 0 {
			n, err := syscall.Write(int(fd), t.buf)
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
	return t
}

// write returns how much it has written; less than all is no error. One
// goroutine at a time.
func (t *tryWriter) write(p []byte) (int, error) {
	t.buf, t.n, t.err = p, 0, nil
	if err := t.raw.Write(t.fn); err != nil && t.err == nil {
		t.err = err
	}
	t.buf = nil
	return t.n, t.err
}
