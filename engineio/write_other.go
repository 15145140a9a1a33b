//go:build !unix

package engineio

import "net"

// A tryWriter would write without blocking; there is none on this system, so
// that writes go through a goroutine.
type tryWriter struct{}

func newTryWriter(net.Conn) *tryWriter { return nil }

func (*tryWriter) write([]byte) (int, error) { panic("unreachable") }
