package relay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// bufferSize is that of the buffers for bodies: the batches in which the answers to
	// polls are written.
	bufferSize = 32 << 10
	// headSize is that of those for heads, with bodies that are short: clients may take
	// their time to send these.
	headSize = 4 << 10
)

var (
	buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}
	heads   = sync.Pool{New: func() any { return new([headSize]byte) }}
)

// ErrRequest is wrapped by errors that the client has caused.
var ErrRequest = errors.New("relay: the request can't be sent to another server")

var errTarget = fmt.Errorf("%w: its target has spaces, or there is none", ErrRequest)

// Forward has a server answer r, and copies the answer to w, as [engineio.Peers] has it. If
// it fails, nothing has been written. A request is never sent twice: the answer to a
// poll may have left the server.
func (c *Client) Forward(w http.ResponseWriter, r *http.Request, to string) error {
	l, stream, err := c.send(r, to)
	if err != nil {
		return err
	}
	reuse := false
	defer func() {
		if l != nil && reuse {
			c.put(l)
		} else if l != nil {
			c.drop(l)
		}
	}()
	stop := context.AfterFunc(r.Context(), func() { _ = l.conn.Close() }) // the other side sees the client leave
	defer stop()
	var body *upload
	if stream {
		body = startUpload(w, r, l)
		defer body.end()
	}
	resp, err := http.ReadResponse(l.in, r)
	if err != nil {
		return body.blame(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if !stop() {
			return context.Cause(r.Context())
		}
		return c.pipe(w, resp, &l)
	}
	buf := buffers.Get().(*[bufferSize]byte) // not before: a poll waits
	defer buffers.Put(buf)
	whole, err := answer(w, resp, buf[:], !body.sent())
	if err != nil && r.Context().Err() == nil {
		if a, ok := w.(interface{ Abort() }); ok {
			a.Abort()
		}
	}
	reuse = whole && !resp.Close && body.sent() && l.in.Buffered() == 0 && stop()
	return nil
}

// send sends the head of r, and what compose has put behind it, on a connection that it takes.
func (c *Client) send(r *http.Request, to string) (l *link, stream bool, err error) {
	buf := heads.Get().(*[headSize]byte)
	defer heads.Put(buf)
	out, stream, err := compose(buf[:0], r) // before a connection is taken: a body may take its time
	if err != nil {
		return nil, false, err
	}
	if l, err = c.take(r.Context(), to); err != nil {
		return nil, false, err
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err = l.conn.Write(out); err != nil {
		c.drop(l)
		return nil, false, err
	}
	return l, stream, nil
}

// compose appends the head of r to dst, and its body if that is short. It reports whether
// there is a body to be sent still.
func compose(dst []byte, r *http.Request) (head []byte, stream bool, err error) {
	if strings.ContainsFunc(r.RequestURI, func(c rune) bool { return c <= ' ' || c == 0x7f }) || r.RequestURI == "" {
		return dst, false, errTarget
	}
	b := bytes.NewBuffer(dst)
	b.WriteString(r.Method + " " + r.RequestURI + " HTTP/1.1\r\nHost: sio\r\n")
	_ = r.Header.Write(b) // without line feeds in values; a Buffer does not fail
	switch n := r.ContentLength; {
	case r.Method != http.MethodPost:
		b.WriteString("\r\n")
		return b.Bytes(), false, nil
	case n < 0:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		return b.Bytes(), true, nil
	default:
		b.WriteString("Content-Length: " + strconv.FormatInt(n, 10) + "\r\n\r\n")
		if head = b.Bytes(); int64(cap(head)-len(head)) < n {
			return head, true, nil
		}
		at := len(head)
		head = head[:at+int(n)]
		if _, err = io.ReadFull(r.Body, head[at:]); err != nil {
			err = fmt.Errorf("%w: %w", ErrRequest, err)
		}
		return head, false, err
	}
}

// answer copies an answer, and reports whether that was all of it; the error is that of the
// server that answers. If rest is set, some of the request's body may follow, and nothing
// may follow that.
func answer(w http.ResponseWriter, resp *http.Response, buf []byte, rest bool) (whole bool, err error) {
	h := w.Header()
	for name, values := range resp.Header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Date": // are those of a connection
		case "Vary":
			h[name] = append(h[name], values...)
		default:
			h[name] = values
		}
	}
	if resp.Close || rest {
		h.Set("Connection", "close")
	}
	w.WriteHeader(resp.StatusCode)
	from := bodyReader{Reader: resp.Body}
	_, failed := io.CopyBuffer(onlyWriter{w}, &from, buf)
	if rest {
		_ = http.NewResponseController(w).Flush()
	}
	return failed == nil, from.err
}

// A bodyReader remembers why it could not be read.
type bodyReader struct {
	io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// An onlyWriter has no other methods: buffers are those that one is told to use.
type onlyWriter struct{ io.Writer }

// An upload is a body on its way.
type upload struct {
	rc   *http.ResponseController
	body bodyReader
	done chan struct{} // closed when nothing is sent any more
	err  error         // then
}

// startUpload sends the body of r behind its head.
func startUpload(w http.ResponseWriter, r *http.Request, l *link) *upload {
	u := &upload{rc: http.NewResponseController(w), body: bodyReader{Reader: r.Body}, done: make(chan struct{})}
	_ = u.rc.EnableFullDuplex() // or an answer that comes early would have to wait
	go func() {                 // until the body ends, or can't be sent
		buf := buffers.Get().(*[bufferSize]byte)
		defer buffers.Put(buf)
		to := io.Writer(deadlineWriter{l.conn})
		if r.ContentLength >= 0 {
			_, u.err = io.CopyBuffer(to, &u.body, buf[:])
		} else {
			out := bufio.NewWriterSize(to, len(buf)/4)
			chunks := httputil.NewChunkedWriter(out)
			_, u.err = io.CopyBuffer(onlyWriter{chunks}, &u.body, buf[:])
			if u.err == nil {
				_ = chunks.Close()
				_, _ = out.WriteString("\r\n")
				u.err = out.Flush()
			}
		}
		close(u.done) // before: who sees the connection closed looks why
		if u.err != nil {
			_ = l.conn.Close() // the other side is not to wait for the rest, nor this one for an answer
		}
	}()
	return u
}

// sent reports whether all of it has been sent.
func (u *upload) sent() bool {
	if u == nil {
		return true
	}
	select {
	case <-u.done:
		return u.err == nil
	default:
		return false
	}
}

// blame returns err, or why the body could not be read: then the connection was closed.
func (u *upload) blame(err error) error {
	if u == nil {
		return err
	}
	select {
	case <-u.done:
		if u.body.err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, u.body.err)
		}
	default:
	}
	return err
}

// restTime is how long the rest of a body is taken that has been answered already, so that
// its sender reads the answer instead of seeing the connection reset.
const restTime = 5 * time.Second

// end waits until nobody reads the body any more.
func (u *upload) end() {
	wait := restTime
	for {
		timer := time.NewTimer(wait)
		select {
		case <-u.done:
			timer.Stop()
			return
		case <-timer.C:
			_ = u.rc.SetReadDeadline(time.Unix(1, 0)) // again, if the reader has just set another one
			wait = time.Second / 10
		}
	}
}
