package engineio

import (
	"net"
	"syscall"
)

// unsentBytes is how much the kernel takes of what it cannot send yet. Without a
// bound it takes megabytes, behind which a ping comes too late on a slow link, and
// says that there is room again when a third of them is gone.
const unsentBytes = 128 << 10

const tcpNotSentLowat = 25 // TCP_NOTSENT_LOWAT

// boundUnsent bounds what conn holds, which may be TLS over TCP.
func boundUnsent(conn net.Conn) {
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = c.NetConn()
	}
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, unsentBytes)
		})
	}
}
