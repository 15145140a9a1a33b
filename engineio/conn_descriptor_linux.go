//go:build !portable

package engineio

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A descriptor is a TCP connection that the runtime's poller does not know:
// ours reads it, and that both are told of everything costs a tenth of the time
// of a message. The net.Conn of the HTTP server costs 500 bytes more, too. As a
// net.Conn, which can wait, it makes one that the runtime knows when it is first
// used; as a rawDescriptor it reads and writes without blocking.
type descriptor struct {
	mu   sync.RWMutex // held for reading while fd is in use, so that it stays what it is
	fd   int          // -1: closed
	slow *net.TCPConn // of the same socket, or nil
}

// own takes the descriptor of a TCP connection over. It returns what the
// connection is from now on.
func own(conn net.Conn) (net.Conn, syscall.RawConn) {
	raw := rawConn(conn)
	if _, ok := conn.(*net.TCPConn); !ok {
		return conn, raw
	}
	fd := -1
	_ = raw.Control(func(old uintptr) { fd = dup(int(old)) })
	if fd < 0 { // too many open files, say
		return conn, raw
	}
	_ = conn.Close() // the socket stays open
	d := &descriptor{fd: fd}
	return d, (*rawDescriptor)(d)
}

// dup returns -1 if it fails.
func dup(fd int) int {
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return -1
	}
	return int(n)
}

// conn returns the connection that can wait.
func (d *descriptor) conn() (*net.TCPConn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.fd < 0:
		return nil, net.ErrClosed
	case d.slow != nil:
		return d.slow, nil
	}
	fd := dup(d.fd)
	if fd < 0 {
		return nil, syscall.EMFILE
	}
	kept, _ := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
	f := os.NewFile(uintptr(fd), "")
	c, err := net.FileConn(f) // which copies the descriptor
	_ = f.Close()
	if err != nil {
		return nil, err
	}
	d.slow = c.(*net.TCPConn)
	if kept == 0 {
		_ = d.slow.SetKeepAlive(false) // FileConn turns it on
	}
	return d.slow, nil
}

// disown takes back what own has done. A wrapper stays as it is.
func disown(conn net.Conn) (net.Conn, error) {
	d, ok := conn.(*descriptor)
	if !ok {
		return conn, nil
	}
	c, err := d.conn()
	if err != nil {
		return nil, err
	}
	if c.RemoteAddr() == nil { // the peer has reset it; others must not see requests of nobody
		return nil, net.ErrClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fd < 0 {
		return nil, net.ErrClosed
	}
	_ = syscall.Close(d.fd) // the socket stays open
	d.fd, d.slow = -1, nil
	return c, nil
}

func (d *descriptor) Read(p []byte) (int, error) {
	c, err := d.conn()
	if err != nil {
		return 0, err
	}
	return c.Read(p)
}

func (d *descriptor) Write(p []byte) (int, error) {
	c, err := d.conn()
	if err != nil {
		return 0, err
	}
	return c.Write(p)
}

// Close wakes whoever waits for the connection.
func (d *descriptor) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fd < 0 {
		return net.ErrClosed
	}
	if d.slow != nil {
		_ = d.slow.Close()
	}
	err := syscall.Close(d.fd)
	d.fd = -1
	return err
}

// closeWrite is CloseWrite of a net.TCPConn.
func (d *descriptor) closeWrite() error {
	var err error
	if closed := (*rawDescriptor)(d).Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); closed != nil {
		return closed
	}
	return err
}

func (d *descriptor) LocalAddr() net.Addr {
	if c, err := d.conn(); err == nil {
		return c.LocalAddr()
	}
	return nil
}

func (d *descriptor) RemoteAddr() net.Addr {
	if c, err := d.conn(); err == nil {
		return c.RemoteAddr()
	}
	return nil
}

func (d *descriptor) SetDeadline(t time.Time) error {
	c, err := d.conn()
	if err != nil {
		return err
	}
	return c.SetDeadline(t)
}

func (d *descriptor) SetReadDeadline(t time.Time) error {
	c, err := d.conn()
	if err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

func (d *descriptor) SetWriteDeadline(t time.Time) error {
	c, err := d.conn()
	if err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// A rawDescriptor is a descriptor as a syscall.RawConn.
type rawDescriptor descriptor

func (r *rawDescriptor) Control(f func(fd uintptr)) error {
	_, err := r.try(func(fd uintptr) bool {
		f(fd)
		return true
	})
	return err
}

// Read calls f, and if that reports false, whenever there may be something to
// read.
func (r *rawDescriptor) Read(f func(fd uintptr) bool) error {
	if done, err := r.try(f); done || err != nil {
		return err
	}
	raw, err := r.wait()
	if err != nil {
		return err
	}
	return raw.Read(f)
}

// Write calls f, and if that reports false, whenever there may be room.
func (r *rawDescriptor) Write(f func(fd uintptr) bool) error {
	if done, err := r.try(f); done || err != nil {
		return err
	}
	raw, err := r.wait()
	if err != nil {
		return err
	}
	return raw.Write(f)
}

func (r *rawDescriptor) try(f func(fd uintptr) bool) (done bool, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.fd < 0 {
		return false, net.ErrClosed
	}
	return f(uintptr(r.fd)), nil
}

func (r *rawDescriptor) wait() (syscall.RawConn, error) {
	c, err := (*descriptor)(r).conn()
	if err != nil {
		return nil, err
	}
	return c.SyscallConn()
}
