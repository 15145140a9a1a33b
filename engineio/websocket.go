package engineio

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// Sizes of one read. An idle connection holds the small buffer; while messages
// fill it, a large one is borrowed.
const (
	smallRead = 512
	largeRead = 32 << 10
)

var reads = sync.Pool{New: func() any { b := make([]byte, largeRead); return &b }}

// A wsConn is a WebSocket: the transport of a session, or one that probes to
// become it. Its reader goroutine is the only one that reads; writes belong to
// whoever has set Session.writing, and to the reader while it probes.
type wsConn struct {
	srv  *Server
	sess *Session
	conn net.Conn
	try  *tryWriter // nil where conn has no way to write without blocking, and while it probes

	broken   atomic.Bool // the frames make no sense any more: wait for the end
	draining atomic.Bool // a close frame has been sent: wait for the peer's, and ignore the rest

	// Of the reader goroutine.
	in      frameReader
	probing bool

	ready    bool          // the handshake of a probing connection is done; protected by sess.mu
	answered bool          // the probe has been answered; protected by sess.mu
	timer    *time.Timer   // bounds the probe; set before the reader starts
	ended    bool          // the reader has ended; protected by srv.mu
	sent     chan struct{} // closed when a close frame has been written by a goroutine; protected by srv.mu
}

func (s *Server) serves(transport string) bool { return slices.Contains(s.opts.Transports, transport) }

// serveWebSocket makes the opening handshake of RFC 6455, section 4.2, and
// leaves the connection to a goroutine. Nothing of the request is kept. Sess
// is the session that the connection wants to take over, or nil.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, q url.Values, sess *Session, capture func() (any, error)) error {
	key := r.Header.Get("Sec-Websocket-Key")
	switch {
	case r.Method != http.MethodGet || !validKey(key) || !canHijack(w):
		s.refuse(w, r, true, errBadRequest)
		return nil
	case r.Header.Get("Sec-Websocket-Version") != "13":
		w.Header().Set("Sec-Websocket-Version", "13")
		s.refuse(w, r, true, errVersionRequired)
		return nil
	}
	probing := sess != nil
	if !probing {
		var err error
		if sess, err = s.newSession(r, capture); err != nil {
			return err
		}
		sess.out.base64 = q.Get("b64") == "1"
	}
	header := w.Header().Clone()
	conn, rw, err := hijack(w)
	if err != nil {
		s.log.Debug().Err(err).Msg("cannot take the connection over")
		if !probing {
			sess.abandon()
		}
		s.refuse(w, r, true, errBadRequest)
		return nil
	}
	_ = conn.SetDeadline(time.Time{})
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetKeepAlive(false) // the heartbeat does that, and keepalive loses connections by the thousands
	}
	var early []byte // frames that came with the handshake
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Reader.Peek(n)
		early = slices.Clone(early)
	}
	c := &wsConn{srv: s, sess: sess, conn: conn, probing: probing, in: frameReader{limit: s.opts.MaxPayload}}
	answer := appendSwitching(nil, key, r.Header.Get("Sec-Websocket-Protocol"), header)
	if probing {
		s.startProbe(c, answer, early, q.Get("b64") == "1")
		return nil
	}
	answer = append(answer, sess.out.frameOf(s.openPacket(sess.id, []string{}))...)
	if err := c.write(answer); err != nil {
		sess.abandon()
		_ = conn.Close()
		return nil
	}
	_ = conn.SetWriteDeadline(time.Time{})
	c.try = newTryWriter(conn)
	sess.ws = c
	if !s.start(sess, TransportWebSocket) {
		sess.abandon()
		_ = conn.Close()
		return nil
	}
	go c.read(early)
	return nil
}

var errVersionRequired = &refusal{http.StatusUpgradeRequired, 3, "Bad request"}

// validKey checks for 16 bytes in base64.
func validKey(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == 16 && len(key) == 24
}

// skipped are headers of earlier handlers that make no sense on a 101, or are
// written by us.
var skipped = []string{
	"Connection", "Upgrade", "Transfer-Encoding", "Te", "Trailer", "Keep-Alive", "Date",
	"Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Content-Range",
	"Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
}

// appendSwitching appends the 101, with the headers that handlers before us
// have set. It offers no extension, and takes the client's first subprotocol.
func appendSwitching(dst []byte, key, protocols string, header http.Header) []byte {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	dst = append(dst, "\r\n"...)
	protocol, _, _ := strings.Cut(protocols, ",")
	if protocol = strings.TrimSpace(protocol); protocol != "" {
		dst = append(dst, "Sec-WebSocket-Protocol: "+protocol+"\r\n"...)
	}
	for _, k := range skipped {
		header.Del(k)
	}
	w := sliceWriter{dst}
	_ = header.Write(&w) // sanitises values; cannot fail
	return append(w.b, "\r\n"...)
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}

// read is the reader goroutine. It ends when the connection is closed, by the
// peer or by shut, and is counted in srv.wg by whoever starts it.
func (w *wsConn) read(early []byte) {
	defer w.srv.wg.Done()
	defer w.finish()
	if len(early) > 0 && !w.take(early) {
		return
	}
	small := make([]byte, smallRead)
	buf := small
	var large *[]byte
	defer func() {
		if large != nil {
			reads.Put(large)
		}
	}()
	for {
		n, err := w.conn.Read(buf)
		if n > 0 && !w.take(buf[:n]) {
			return
		}
		if err != nil {
			w.lost(err)
			return
		}
		switch {
		case large == nil && n == len(small):
			large = reads.Get().(*[]byte)
			buf = *large
		case large != nil && n <= len(small):
			reads.Put(large)
			large, buf = nil, small
		}
	}
}

// take parses what has been read. False ends the reader.
func (w *wsConn) take(p []byte) bool {
	if w.broken.Load() {
		return true
	}
	if w.srv.opts.LenientHeartbeat {
		w.sess.heard.Store(true)
	}
	for {
		n, err := w.in.feed(p, w)
		p = p[n:]
		if err != nil {
			return w.fail(err)
		}
		if len(p) == 0 && !w.in.due() && !w.stopped() {
			return true
		}
		w.sess.waitResumed(nil) // feed has stopped, and may find itself free to go on by now
	}
}

// fail ends the WebSocket after an error in what the peer sent.
func (w *wsConn) fail(err error) bool {
	var closed *closeError
	switch {
	case err == errPeerClosed:
		return false
	case !errors.As(err, &closed):
		w.lost(err)
		return false
	case w.draining.Load():
		return false
	}
	w.srv.log.Debug().Str("sid", w.sess.id).Str("why", closed.why).Msg("websocket refused")
	w.broken.Store(true)
	if w.probing {
		w.dropProbe(closeFrame(closed.code))
	} else {
		w.sess.end(ReasonTransportError, closeFrame(closed.code))
	}
	return true
}

// lost ends what depends on a connection that can't be read any more.
func (w *wsConn) lost(err error) {
	switch {
	case w.probing:
		w.dropProbe(nil)
	case errors.Is(err, io.EOF):
		w.sess.end(ReasonTransportClose, nil)
	default:
		w.sess.end(ReasonTransportError, nil)
	}
}

// errPeerClosed ends the parsing when a close frame has been answered.
var errPeerClosed = errors.New("closed by the peer")

func (w *wsConn) stopped() bool {
	return !w.probing && w.sess.paused.Load() > 0 && !w.draining.Load()
}

func (w *wsConn) onMessage(data []byte, binary bool) error {
	switch {
	case w.draining.Load():
		return nil
	case w.probing:
		return w.onProbe(data, binary)
	case binary:
		w.sess.receive(PacketMessage, data, true)
		return nil
	}
	t, data, binary, err := decodePacket(data)
	if err != nil {
		w.sess.end(ReasonParseError, emptyClose)
		return nil
	}
	w.sess.receive(t, data, binary)
	return nil
}

func (w *wsConn) onPing(data []byte) error {
	switch {
	case w.draining.Load():
		return nil
	case w.probing:
		return w.write(pongFrame(data).frame)
	}
	w.sess.sendControl(pongFrame(data))
	return nil
}

func (w *wsConn) onClose(code ws.StatusCode) error {
	switch {
	case w.draining.Load(): // the answer to ours
	case w.probing:
		w.dropProbe(closeFrame(code))
	default:
		w.sess.end(ReasonTransportClose, closeFrame(code))
	}
	return errPeerClosed
}

// write writes p, blocking with a deadline. Before the session has the
// connection, it is the reader's, or of the goroutine that will start it. The
// deadline stays: the goroutine of shut may have set one, and rely on it.
func (w *wsConn) write(p []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.srv.opts.WriteTimeout))
	_, err := w.conn.Write(p)
	return err
}

// shut sends a close frame and leaves the connection to its reader, which
// waits for the peer's; a nil frame cuts it. It does not block.
func (w *wsConn) shut(frame []byte) {
	again := w.draining.Swap(true)
	switch {
	case frame == nil:
		_ = w.conn.Close()
	case again:
	case w.try != nil:
		n, err := w.try.write(frame)
		w.shutSent(err != nil || n < len(frame))
	default:
		sent := w.sending()
		if sent == nil {
			return
		}
		go func() { // ends by the deadline; the reader waits for it
			defer close(sent)
			_ = w.conn.SetWriteDeadline(time.Now().Add(lingerTimeout))
			_, err := w.conn.Write(frame)
			w.shutSent(err != nil)
		}()
	}
}

// sending announces the writing of a close frame, unless the reader has ended.
func (w *wsConn) sending() chan struct{} {
	w.srv.mu.Lock()
	defer w.srv.mu.Unlock()
	if w.ended {
		return nil
	}
	w.sent = make(chan struct{})
	return w.sent
}

// finish is the end of the reader, and of the connection.
func (w *wsConn) finish() {
	w.srv.mu.Lock()
	w.ended = true
	delete(w.srv.conns, w)
	sent := w.sent
	w.srv.mu.Unlock()
	if sent != nil {
		<-sent
	}
	_ = w.conn.Close()
}

func (w *wsConn) shutSent(failed bool) {
	if failed {
		_ = w.conn.Close()
		return
	}
	w.srv.linger(w)
	if c, ok := w.conn.(*net.TCPConn); ok && w.broken.Load() {
		_ = c.CloseWrite() // its close frame can't be told from the rest: let it see the end at once
	}
}
