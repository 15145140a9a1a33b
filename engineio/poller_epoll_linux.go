//go:build !portable

package engineio

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// An epoll is an epoll descriptor that the runtime's poller waits for. Of its goroutines
// one leads at a time, or none, when it has left and the other has not come yet.
type epoll struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	events [pollBatch]syscall.EpollEvent // of who leads, like the following
	read   func([]syscall.EpollEvent) next
	fn     func(fd uintptr) bool // serve's, made once

	led   atomic.Bool // somebody leads; it stays when it is closed
	waits atomic.Bool // somebody stands by
	bell  *bell       // for whom
}

func newEpoll() (*epoll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	e := &epoll{fd: fd}
	e.fn = e.ready
	e.file, e.raw, err = waitable(fd, "epoll")
	if err != nil {
		return nil, err
	}
	if e.bell, err = newBell(); err != nil {
		_ = e.file.Close()
		return nil, err
	}
	return e, nil
}

// waitable has the runtime's poller wait for a descriptor, which it takes over.
func waitable(fd int, name string) (*os.File, syscall.RawConn, error) {
	_ = syscall.SetNonblock(fd, true) // what makes os.NewFile register it
	f := os.NewFile(uintptr(fd), name)
	raw, err := f.SyscallConn()
	if err == nil {
		err = f.SetReadDeadline(time.Time{}) // fails if the runtime could not register it
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, raw, nil
}

// A next is what follows when connections have been read.
type next uint8

const (
	nextWait  next = iota
	nextAgain      // at once
	nextLeave
)

// serve calls e.read with those that can be read, until that says to leave, or wake is
// called. The runtime's poller tells only of what arrives: e.read must not leave anything,
// and say to wait.
func (e *epoll) serve() error { return e.raw.Read(e.fn) }

func (e *epoll) ready(fd uintptr) (leave bool) {
	for last := nextWait; ; {
		n, err := epollNow(fd, e.events[:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return true
		case n == 0 && last == nextWait:
			return false
		default:
			if last = e.read(e.events[:n]); last != nextAgain {
				return last == nextLeave
			}
		}
	}
}

// standBy waits until the one who leads has left, and leads. It reports false if the
// epoll has been closed instead.
func (e *epoll) standBy() bool {
	e.waits.Store(true)
	for e.bell.wait() {
		e.waits.Store(false) // not behind that: the one who has left may stand by at once
		if e.led.CompareAndSwap(false, true) {
			return true
		}
		e.waits.Store(true)
	}
	return false
}

// leave is called by who leads, and has who stands by come.
func (e *epoll) leave() {
	e.led.Store(false)
	e.bell.ring()
}

// lead is called by who has left. It reports whether nobody has come, and then leads
// again.
func (e *epoll) lead() bool {
	again := e.led.CompareAndSwap(false, true)
	if again {
		e.bell.hush()
	}
	return again
}

func (e *epoll) wake() { _ = e.file.SetReadDeadline(time.Unix(1, 0)) }
func (e *epoll) rest() { _ = e.file.SetReadDeadline(time.Time{}) }
func (e *epoll) close() {
	_ = e.file.Close()
	e.bell.close()
}

// add has the epoll tell of what arrives, once, and of what is there already.
// Told of it as long as it is there, we would have to ask until there is none:
// not every kernel tells the runtime's poller about one that ours is still told of.
func (e *epoll) add(fd int) error { return e.control(syscall.EPOLL_CTL_ADD, fd) }

// remind has it told of again, if there is something.
func (e *epoll) remind(fd int) { _ = e.control(syscall.EPOLL_CTL_MOD, fd) }

func (e *epoll) control(op, fd int) error {
	const edge = 1 << 31 // syscall.EPOLLET is negative
	return syscall.EpollCtl(e.fd, op, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: int32(fd)})
}

// mute has it not told of what arrives.
func (e *epoll) mute(fd int) {
	_ = syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_MOD, fd, &syscall.EpollEvent{Fd: int32(fd)})
}

func (e *epoll) remove(fd int) { _ = syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_DEL, fd, nil) }
