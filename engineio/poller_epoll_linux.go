//go:build !portable

package engineio

import (
	"os"
	"syscall"
	"time"
)

// An epoll is an epoll descriptor that the runtime's poller waits for.
type epoll struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	events [pollBatch]syscall.EpollEvent
}

func newEpoll() (*epoll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	_ = syscall.SetNonblock(fd, true) // what makes os.NewFile register it
	e := &epoll{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	e.raw, err = e.file.SyscallConn()
	if err == nil {
		err = e.file.SetReadDeadline(time.Time{}) // fails if the runtime could not register it
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

// serve calls read with those that can be read, and once more at once if that
// returns true, until wake is called. The runtime's poller tells only of what
// arrives: read must not leave anything, and return false.
func (e *epoll) serve(read func([]syscall.EpollEvent) (again bool)) error {
	return e.raw.Read(func(fd uintptr) bool {
		for again := false; ; {
			n, err := epollNow(fd, e.events[:])
			switch {
			case err == syscall.EINTR:
			case err != nil:
				return true
			case n == 0 && !again:
				return false
			default:
				if again = read(e.events[:n]); !again {
					return false
				}
			}
		}
	})
}

func (e *epoll) wake()  { _ = e.file.SetReadDeadline(time.Unix(1, 0)) }
func (e *epoll) rest()  { _ = e.file.SetReadDeadline(time.Time{}) }
func (e *epoll) close() { _ = e.file.Close() }

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
