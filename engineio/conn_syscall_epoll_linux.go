//go:build ((!amd64 && !arm64) || race) && !portable

package engineio

import "syscall"

func epollNow(fd uintptr, events []syscall.EpollEvent) (int, error) {
	return syscall.EpollWait(int(fd), events, 0)
}

func readWord(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

func writeWord(fd uintptr, p []byte) { _, _ = syscall.Write(int(fd), p) }
