//go:build !linux || portable

package engineio

import "net"

// Here a connection over TLS is read by a goroutine all the time.

type idleTLS struct{}

func asTLS(conn net.Conn) net.Conn { return conn }

func (w *wsConn) receive(p []byte, _ bool) (int, error) { return w.conn.Read(p) }

func (*wsConn) canIdle() bool { return false }

func (*wsConn) idle() bool { return false }

func (*wsConn) wakeIdle() {}
