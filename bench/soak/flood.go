package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/bench/internal/load"
)

// Variables that tell the flooder what to do.
const (
	kindVar   = "SOAK_KIND"
	sizeVar   = "SOAK_SIZE" // an index
	serverVar = "SOAK_SERVER"
	sinkVar   = "SOAK_SINK"
)

// flood is the flooder. Told "connect", it connects, to both. Told "server" or
// "sink" and a time, it floods one of them for so long, and tells its effort.
func flood() error {
	k := kindNamed(os.Getenv(kindVar))
	index, err := strconv.Atoi(os.Getenv(sizeVar))
	if k == nil || err != nil || index >= len(k.sizes) {
		return errors.New("no such flood")
	}
	f := &flooder{kind: k, size: k.sizes[index]}
	for i, name := range []string{serverVar, sinkVar} {
		to, err := netip.ParseAddrPort(os.Getenv(name))
		if err != nil {
			return err
		}
		for n := range f.conns {
			f.callers[i] = append(f.callers[i], &caller{flooder: f, n: n, to: to, mute: i == 1})
		}
	}
	fmt.Println("ready")
	return lines(f.obey)
}

type flooder struct {
	*kind
	size
	callers [2][]*caller // of the server, and of the sink
	effort
}

// An effort is what was done in a turn.
type effort struct {
	Bytes  atomic.Int64 // written
	Beats  atomic.Int64
	Dials  atomic.Int64
	Closed atomic.Int64 // connections that the other side ended, or did not take
}

type done struct{ Bytes, Beats, Dials, Closed int64 }

func (f *flooder) obey(line string) (string, error) {
	what, long, _ := strings.Cut(line, " ")
	f.Bytes.Store(0)
	f.Beats.Store(0)
	f.Dials.Store(0)
	f.Closed.Store(0)
	var all sync.WaitGroup
	switch what {
	case "connect":
		slots := make(chan struct{}, 32) // below the backlog
		for _, c := range append(f.callers[0], f.callers[1]...) {
			slots <- struct{}{}
			all.Go(func() {
				c.connect(time.Now().Add(5 * time.Second))
				<-slots
			})
		}
	case "server", "sink":
		d, err := time.ParseDuration(long)
		if err != nil {
			return "", err
		}
		callers := f.callers[0]
		if what == "sink" {
			callers = f.callers[1]
		}
		begin := time.Now()
		for _, c := range callers {
			all.Go(func() { c.run(begin, begin.Add(d)) })
		}
	default:
		return "", fmt.Errorf("told %q", line)
	}
	all.Wait()
	b, err := json.Marshal(done{f.Bytes.Load(), f.Beats.Load(), f.Dials.Load(), f.Closed.Load()})
	return string(b), err
}

// A caller is one connection after the other.
type caller struct {
	*flooder
	n    int
	to   netip.AddrPort
	mute bool // answers nothing: a sink

	conn   net.Conn
	gone   *atomic.Bool // the other side has ended conn
	reader sync.WaitGroup
	sid    string
	seq    int
	rest   []byte // of what is to be written first
	buf    []byte
	dialed time.Time
	thrown bool // out, or not let in
}

// late is how much a caller that could not keep up makes good.
const late = 20 * time.Millisecond

// leisure is how long answers lie at most: who floods does not look at them, and on
// a machine that all share, to read each at once would be what hurts.
const leisure = 100 * time.Millisecond

// pause is how long a caller is away at least that has been thrown out.
const pause = 50 * time.Millisecond

// run says something as often as it is due.
func (c *caller) run(begin, end time.Time) {
	interval := time.Duration(float64(c.conns) / c.beats * float64(time.Second))
	due := begin.Add(time.Duration(c.n) * interval / time.Duration(c.conns))
	for ; due.Before(end); due = due.Add(interval) {
		now := time.Now()
		if wait := due.Sub(now); wait > 0 {
			time.Sleep(wait)
		} else if -wait > late {
			due = now.Add(-late)
		}
		if !c.ready(end) {
			continue
		}
		c.beat(end)
		c.Beats.Add(1)
	}
	if len(c.rest) > 0 { // what waits in the kernel is of this turn, not of the next
		if tcp, ok := c.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.close()
	}
}

// ready makes a connection, if there is none, or a new one is wanted.
func (c *caller) ready(end time.Time) bool {
	switch {
	case c.conn == nil:
	case c.gone.Load():
		c.Closed.Add(1)
		c.close()
		c.thrown = true
	case c.fresh && c.seq > 0:
		c.close()
	default:
		return true
	}
	if c.thrown && !c.fresh && time.Since(c.dialed) < pause {
		return false
	}
	return c.connect(end)
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.reader.Wait()
	}
	c.conn, c.rest, c.seq = nil, nil, 0
}

// connect reports whether it has come as far as to flood.
func (c *caller) connect(deadline time.Time) bool {
	c.dialed = time.Now()
	err := c.tryConnect(deadline)
	c.thrown = err != nil
	if c.thrown {
		c.close()
		c.Closed.Add(1)
	}
	return !c.thrown
}

func (c *caller) tryConnect(deadline time.Time) (err error) {
	c.Dials.Add(1)
	// Addresses of their own, as strangers have.
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(load.Source(c.n), 0)), Deadline: deadline}
	if c.conn, err = d.Dial("tcp", c.to.String()); err != nil {
		c.conn = nil
		return err
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return err
	}
	tcp := c.conn.(*net.TCPConn)
	if c.over == encrypted {
		c.conn = tls.Client(tcp, &tls.Config{InsecureSkipVerify: true})
	}
	r := bufio.NewReaderSize(c.conn, 1<<10)
	if c.over == polling || c.over == probe {
		if err := c.handshake(r); err != nil {
			return err
		}
	}
	c.gone = new(atomic.Bool)
	if c.deaf {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return err
		}
	} else {
		if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		conn, gone, rest := c.conn, c.gone, leisure
		if c.fresh {
			rest = 0
		}
		c.reader.Go(func() { // until either side closes
			buf := make([]byte, 16<<10)
			for {
				if n, err := conn.Read(buf); err != nil {
					gone.Store(true)
					return
				} else if n < len(buf) {
					time.Sleep(rest)
				}
			}
		})
	}
	return c.write(c.hello(c.sid))
}

// handshake gets a session by polling.
func (c *caller) handshake(r *bufio.Reader) error {
	request := load.GetRequest(host, "")
	if err := c.write(request); err != nil {
		return err
	}
	if c.mute {
		c.sid = "AAAAAAAAAAAAAAAAAAAA"
		return nil
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	_, rest, ok := strings.Cut(string(body), `"sid":"`)
	if !ok {
		return fmt.Errorf("handshake answered %q", body)
	}
	c.sid, _, _ = strings.Cut(rest, `"`)
	return nil
}

// beat writes what is said at a time, or as much as is taken until the end.
func (c *caller) beat(end time.Time) {
	c.buf = c.appendBeat(c.buf[:0], c.sid, c.n<<20+c.seq, c.bytes)
	c.seq++
	if err := c.conn.SetWriteDeadline(end); err != nil {
		c.gone.Store(true)
		return
	}
	if len(c.rest) > 0 {
		rest := c.rest
		c.rest = nil
		if c.write(rest) != nil {
			return
		}
	}
	_ = c.write(c.buf) // it has seen to it
}

// write keeps what is not taken in time.
func (c *caller) write(b []byte) error {
	n, err := c.conn.Write(b)
	c.Bytes.Add(int64(n))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.rest = append([]byte(nil), b[n:]...)
	case err != nil && c.gone != nil:
		c.gone.Store(true)
	}
	return err
}
