//go:build (amd64 || arm64) && !race

package engineio

import (
	"syscall"
	"unsafe"
)

// System calls on descriptors that don't block. They are over in microseconds, so
// the scheduler is not told of them: that it watches every thread that might be
// waiting, and wakes others meanwhile, costs more than it is worth, a sixth of an
// echo. The race detector has to know of them.

// longSend is so much that the scheduler should know.
const longSend = 64 << 10

func receive(fd uintptr, p []byte) (int, error) {
	return result(syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0))
}

func send(fd uintptr, p []byte) (int, error) {
	if len(p) > longSend {
		return syscall.Write(int(fd), p)
	}
	return result(syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0))
}

func epollNow(fd uintptr, events []syscall.EpollEvent) (int, error) {
	return result(syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0))
}

func readWord(fd uintptr, p []byte) (int, error) {
	return result(syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))))
}

func writeWord(fd uintptr, p []byte) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
}

func result(n, _ uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno // allocates nothing
	}
	return int(n), nil
}
