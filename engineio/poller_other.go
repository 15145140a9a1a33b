//go:build !linux || portable

package engineio

import (
	"net"
	"sync"
	"syscall"
)

// There is no poller here: every connection has a goroutine that reads it.

const hasPoller = false

type pollers struct{}

func newPollers(_, _ *sync.WaitGroup) pollers { return pollers{} }

func (pollers) turns() []uint64 { return nil }

type parking struct{}

func (*wsConn) park() bool { return false }

func (*wsConn) unpark() {}

func (*wsConn) unmute() {}

// own returns conn as it is, and how it is read and written without blocking.
func own(conn net.Conn) (net.Conn, syscall.RawConn) { return conn, rawConn(conn) }

func disown(conn net.Conn) (net.Conn, error) { return conn, nil }

func (*webConn) park() bool { return false }

func (*webConn) unpark() {}

func (*webConn) unmute() {}
