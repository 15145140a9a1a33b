package load

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Stalled client has joined, and reads nothing any more.
type Stalled struct {
	crowd *Crowd
	conn  *conn
}

// stalledBuffer is the receive buffer asked for; the kernel makes of it the least
// it has.
const stalledBuffer = 1 << 10

// Stall connects a client that then stops reading. It takes no part in scenarios.
func (c *Crowd) Stall() (*Stalled, error) {
	c.calm()
	joined := false
	c.loop.onReady = func(*conn) { joined = true }
	conn, err := c.loop.dial(c.server.Addr, Source(0), UpgradeRequest(c.server, ""), c.server.Dialect, stalledBuffer)
	if err != nil {
		return nil, err
	}
	err = c.loop.until(time.Now().Add(patience), func() bool { return joined || conn.state == gone })
	if err != nil {
		return nil, err
	}
	if !joined {
		c.loop.hangUp(conn)
		return nil, errors.New("the client that is to stall could not connect")
	}
	return &Stalled{c, conn}, c.loop.ignore(conn)
}

// silence is how long nothing comes until nothing more is to be expected.
const silence = time.Second

// Resume reads what has been kept for the client, and hangs up. It returns how much
// that was, and whether the server had closed the connection.
func (s *Stalled) Resume() (received int, closed bool, err error) {
	l := s.crowd.loop
	s.crowd.calm()
	defer l.hangUp(s.conn)
	if err := unix.SetsockoptInt(s.conn.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, readBuffer); err != nil {
		return 0, false, os.NewSyscallError("setsockopt", err)
	}
	// A loop of its own, since the others have nothing to say.
	fds := []unix.PollFd{{Fd: int32(s.conn.fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline) && l.ctx.Err() == nil; {
		n, err := unix.Read(s.conn.fd, l.in)
		switch {
		case n > 0:
			received += n
		case n == 0 || errors.Is(err, unix.ECONNRESET):
			return received, true, nil
		case !errors.Is(err, unix.EAGAIN):
			return received, false, os.NewSyscallError("read", err)
		default:
			ready, err := unix.Poll(fds, int(silence.Milliseconds()))
			if err != nil && !errors.Is(err, unix.EINTR) {
				return received, false, os.NewSyscallError("poll", err)
			}
			if err == nil && ready == 0 {
				return received, false, nil
			}
		}
	}
	return received, false, l.ctx.Err()
}
