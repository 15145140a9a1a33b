//go:build !unix

package engineio

import (
	"net"
	"syscall"
)

// There is no writing without blocking on this system: writes go through a
// goroutine.

func rawConn(net.Conn) syscall.RawConn { return nil }

func tryWrite(syscall.RawConn, []byte) (int, error) { panic("unreachable") }

func (*byteReader) ready(uintptr) bool { panic("unreachable") }
