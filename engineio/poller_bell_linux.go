//go:build !portable

package engineio

import (
	"encoding/binary"
	"os"
	"syscall"
)

// A bell wakes one goroutine. Other than a channel, or a go statement, it does so by the
// runtime's poller, and so without another thread: that one is woken for every goroutine
// that becomes ready while a core is idle, which takes several times as long as all else
// that a message takes. Here the thread of who rings finds it as soon as it has nothing
// else to do: when a handler blocks, say. If that is over before, nobody was woken for
// nothing.
type bell struct {
	file *os.File // an eventfd
	raw  syscall.RawConn
}

func newBell() (*bell, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		return nil, errno
	}
	file, raw, err := waitable(int(fd), "eventfd")
	return &bell{file, raw}, err
}

// wait waits until it has been rung. It reports false if it is closed.
func (b *bell) wait() bool { return b.raw.Read(hushed) == nil }

func (b *bell) ring()  { _ = b.raw.Control(rung) } // fails once it is closed
func (b *bell) hush()  { _ = b.raw.Control(hush) }
func (b *bell) close() { _ = b.file.Close() }

// oneRing is what is written to an eventfd to count one.
var oneRing = binary.NativeEndian.AppendUint64(nil, 1)

func rung(fd uintptr) { writeWord(fd, oneRing) }
func hush(fd uintptr) { hushed(fd) }

// hushed reports whether it has been rung, and has that done with.
func hushed(fd uintptr) bool {
	var count [8]byte
	n, _ := readWord(fd, count[:])
	return n > 0
}
