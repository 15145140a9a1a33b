package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// The key is of the example in RFC 6455, section 1.3, and so is what answers it.
const (
	key    = "dGhlIHNhbXBsZSBub25jZQ=="
	accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// headers are about as many as a browser sends, for servers that keep them.
const headers = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"Cache-Control: no-cache\r\n" +
	"Pragma: no-cache\r\n"

// UpgradeRequest is for a new session if sid is empty, otherwise to move there.
func UpgradeRequest(s Server, sid string) []byte {
	path, extensions := s.Dialect.path(), ""
	if sid != "" {
		path += "&sid=" + sid
	}
	if s.Deflate {
		extensions = offer
	}
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s%s\r\n", path, s.Addr, key, extensions, headers)
}

// checkUpgrade takes the head of a response, without the empty line.
func checkUpgrade(head []byte) error {
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) || !bytes.Contains(head, []byte(accept)) {
		return fmt.Errorf("not upgraded: %.300q", head)
	}
	return nil
}

// inFlight is how many handshakes are under way at a time: below every server's
// backlog.
const inFlight = 32

// Connect connects until n are connected, by WebSocket, and have joined as
// their dialect has it: with the CONNECT of Socket.IO. Those that fail are not tried again. It gives up after
// the limit.
func (c *Crowd) Connect(n int, limit time.Duration) (*Sample, error) {
	c.calm()
	c.sample = new(Sample)
	missing := n - c.Size()
	hello := slices.Clip(UpgradeRequest(c.server, ""))
	pending := make(map[*conn]struct{}, inFlight)

	c.loop.onReady = func(conn *conn) {
		delete(pending, conn)
		c.conns = append(c.conns, conn)
		c.sample.Ops++
	}
	c.lostOne = func(conn *conn) { delete(pending, conn) }

	begin, err := c.server.read()
	if err != nil {
		return nil, err
	}
	deadline := begin.at.Add(limit)
	for missing > 0 || len(pending) > 0 {
		for missing > 0 && len(pending) < inFlight {
			missing--
			conn, err := c.loop.dial(c.server.Addr, Source(missing), hello, c.server.Dialect, 0)
			if err != nil {
				c.sample.fail(&c.sample.Closed, err)
				continue
			}
			conn.nsp = c.server.namespace(missing)
			pending[conn] = struct{}{}
		}
		left := time.Until(deadline)
		if left <= 0 {
			break
		}
		if err := c.loop.poll(left); err != nil {
			return nil, err
		}
	}
	end, err := c.server.read()
	if err != nil {
		return nil, err
	}
	c.sample.since(begin, end)
	for conn := range pending {
		c.loop.hangUp(conn)
	}
	sample := c.sample
	c.calm()
	return sample, nil
}

// ConnectBeside connects n others, who then hang up.
func (c *Crowd) ConnectBeside(n int, limit time.Duration) (*Sample, error) {
	others, err := NewCrowd(c.loop.ctx, c.server)
	if err != nil {
		return nil, err
	}
	defer others.Close()
	return others.Connect(n, limit)
}

// SendFrom has a client of another server ask for broadcasts from now on, by an event of
// that name instead of blast.
func (c *Crowd) SendFrom(s Server, event string, limit time.Duration) error {
	c.calm()
	c.blasts = event
	c.loop.onReady = func(*conn) {}
	var err error
	if c.from, err = c.loop.dial(s.Addr, Source(0), UpgradeRequest(s, ""), s.Dialect, 0); err != nil {
		return err
	}
	if err := c.loop.until(time.Now().Add(limit), func() bool { return c.from.state >= ready }); err != nil {
		return err
	}
	if c.from.state != ready {
		return errNobody
	}
	return nil
}

// sender returns who asks for broadcasts; nil is nobody.
func (c *Crowd) sender() *conn {
	if c.from != nil {
		return c.from
	}
	for _, conn := range c.conns {
		if conn.state == ready {
			return conn
		}
	}
	return nil
}

// Source spreads the clients over some addresses of the loopback interface, so that
// ports do not run out, and are found quickly: eight for each 100,000.
func Source(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 0, byte(i / 100_000), byte(2 + i%8)})
}

// dial begins to connect. A small receiveBuffer makes for a client that soon takes
// nothing any more; 0 is the default.
func (l *loop) dial(to netip.AddrPort, from netip.Addr, hello []byte, d Dialect, receiveBuffer int) (_ *conn, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	type option struct{ level, name, value int }
	options := []option{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1},
	}
	if receiveBuffer > 0 {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer})
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(from, 0))); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return nil, os.NewSyscallError("connect", err)
	}
	c := &conn{fd: fd, dialect: d, out: hello}
	if err := l.watch(c, unix.EPOLL_CTL_ADD); err != nil {
		return nil, err
	}
	for len(l.conns) <= fd {
		l.conns = append(l.conns, nil)
	}
	l.conns[fd] = c
	return c, nil
}
