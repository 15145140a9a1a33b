package relay

import (
	"io"
	"net"
	"net/http"
	"time"
)

// pipe hands the connection of w over to a WebSocket of the other server. It takes *l.
func (c *Client) pipe(w http.ResponseWriter, resp *http.Response, l **link) error {
	for _, name := range []string{"Sec-Websocket-Protocol", "Sec-Websocket-Extensions"} {
		if v := resp.Header[name]; len(v) > 0 {
			w.Header()[name] = v
		}
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered())
	answered, _ := (*l).in.Peek((*l).in.Buffered())
	p := &pipe{client: c, link: *l, conn: conn}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		_ = conn.Close()
		return nil
	}
	c.wg.Add(1)
	c.mu.Unlock()
	*l = nil
	p.start(append([]byte(nil), early...), append([]byte(nil), answered...))
	return nil
}

// A pipe is a WebSocket between a client and another server. A goroutine waits in each
// direction, with what it needs for small messages.
type pipe struct {
	client *Client
	link   *link
	conn   net.Conn // the client's
}

// start copies bytes until both directions have ended, beginning with those that have come
// already.
func (p *pipe) start(up, down []byte) {
	p.link.in = nil
	done := make(chan struct{})
	go func() { // ends with the direction
		defer close(done)
		p.copy(p.link.conn, p.conn, up)
	}()
	go func() { // ends with both
		defer p.client.wg.Done()
		p.copy(p.conn, p.link.conn, down)
		<-done
		_ = p.conn.Close()
		p.client.drop(p.link)
	}()
}

const (
	// smallSize is what a direction holds while it waits: most messages fit.
	smallSize = 512
	// lingerTime is how long one direction may go on when the other one has ended: a close
	// frame is answered by then.
	lingerTime = 5 * time.Second
)

// copy copies bytes in one direction until it ends.
func (p *pipe) copy(to, from net.Conn, first []byte) {
	out := deadlineWriter{to}
	_, err := out.Write(first)
	if err == nil {
		err = copyBytes(out, from)
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		_ = to.SetReadDeadline(time.Now().Add(lingerTime))
		return
	}
	_ = p.conn.Close()
	_ = p.link.conn.Close()
}

// copyBytes copies until from ends. It takes a large buffer only while as much comes.
func copyBytes(to io.Writer, from io.Reader) error {
	small := make([]byte, smallSize)
	for {
		n, err := from.Read(small)
		if n > 0 {
			if _, err := to.Write(small[:n]); err != nil {
				return err
			}
		}
		if n == len(small) && err == nil {
			err = copyLarge(to, from)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// copyLarge copies while as much comes as there is room for.
func copyLarge(to io.Writer, from io.Reader) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, err := from.Read(buf[:])
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil || n < len(buf) {
			return err
		}
	}
}

// A deadlineWriter has what is written taken in writeTimeout.
type deadlineWriter struct{ conn net.Conn }

func (w deadlineWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	_ = w.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.conn.Write(p)
}
