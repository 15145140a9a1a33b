//go:build !unix

package engineio

import (
	"net"
	"syscall"
)

// There is no writing without blocking on this system: writes go through a
// goroutine.

func rawConn(net.Conn) syscall.RawConn { return nil }

type tryWriter struct{}

func newTryWriter(syscall.RawConn) *tryWriter { return nil }

func (*tryWriter) write([]byte) (int, error) { panic("unreachable") }

func (*byteReader) ready(uintptr) bool { panic("unreachable") }
