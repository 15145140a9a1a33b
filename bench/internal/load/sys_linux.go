package load

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epollPwait2 is missing from package unix. Linux has it since 5.11.
func epollPwait2(epoll int, events []unix.EpollEvent, timeout *unix.Timespec) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(timeout)), 0, 0)
	return int(n), errno
}

// read and write are read(2) and write(2) of sockets that never block, of which the
// scheduler need not hear.
func read(fd int, b []byte) (int, error)  { return raw(unix.SYS_READ, fd, b) }
func write(fd int, b []byte) (int, error) { return raw(unix.SYS_WRITE, fd, b) }

func raw(call uintptr, fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// cpuTime returns what a process has used, all threads, also those that have ended,
// to the nanosecond: the ticks in /proc/PID/stat are too coarse for short windows.
// The number of the clock is what clock_getcpuclockid(3) makes of pid; 0 is the caller.
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var spec unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &spec); err != nil {
		return 0, err
	}
	return time.Duration(spec.Nano()), nil
}
