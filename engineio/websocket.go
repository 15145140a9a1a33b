package engineio

import (
	"crypto/sha1"
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/websocket"
)

// A wsConn is a WebSocket: the transport of a session, or one that probes to
// become it. Its reader, see read, is the only one that reads; writes belong to
// whoever has set Session.writing, and to the reader while it probes.
type wsConn struct {
	srv  *Server
	sess *Session
	conn net.Conn
	raw  syscall.RawConn // nil where it can't be read and written without blocking, and while it probes

	broken     atomic.Bool // the frames make no sense any more: wait for the end
	draining   atomic.Bool // a close frame has been sent, or will be: wait for the peer's, and ignore the rest
	peerClosed atomic.Bool // the peer's close frame has come
	ended      bool        // the reader has ended; protected by srv.mu
	ready      bool        // the handshake of a probing connection is done; protected by sess.mu
	answered   bool        // the probe has been answered; protected by sess.mu

	// Of the reader.
	in      websocket.Reader
	probing bool
	polling bool          // the poller reads
	hasty   bool          // see stillHasty
	unpaid  uint8         // frames that Session.pay has not been told of
	packets uint16        // that have not been counted
	lent    bool          // protected by lending
	held    int           // of a large message that is not complete, as counted
	last    time.Duration // when something was read last, since srv.born
	try     *attempt      // while it probes

	lending sync.Mutex // the reader takes it only with part of a large message: see lend
	parked  parking    // protected by the poller's mu

	timer *time.Timer   // bounds the probe; set before the reader starts
	sent  chan struct{} // closed when a close frame has been written by a goroutine; protected by srv.mu
}

// serveWebSocket makes the opening handshake of RFC 6455, section 4.2, and
// leaves the connection to a goroutine. Nothing of the request is kept. Sess
// is the session that the connection wants to take over, or nil.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, q query, sess *Session, capture func() (any, error)) error {
	key := only(r.Header["Sec-Websocket-Key"])
	protocol, ok := websocket.FirstProtocol(r.Header["Sec-Websocket-Protocol"])
	switch {
	case r.Method != http.MethodGet || !ok || !validKey(key):
		s.refuse(w, r, true, errBadRequest)
		return nil
	case !canHijack(w):
		s.refuse(w, r, true, errNoHijack)
		return nil
	case only(r.Header["Sec-Websocket-Version"]) != "13":
		w.Header().Set("Sec-Websocket-Version", "13")
		s.refuse(w, r, true, errVersionRequired)
		return nil
	}
	probing := sess != nil
	if !probing {
		var err error
		if sess, err = s.newSession(r, q, capture); err != nil {
			s.watch.refused(r, RefusedByCapture)
			return err
		}
	}
	header := w.Header()
	conn, rw, err := hijack(w)
	if err != nil {
		s.log.Sparse(zerolog.WarnLevel, r.RemoteAddr, "hijack").Str("addr", logline.Text(r.RemoteAddr, logline.AddrLimit)).Err(err).Msg("cannot take the connection over")
		if !probing {
			sess.abandon()
		}
		s.refuse(w, r, true, errBadRequest)
		return nil
	}
	conn = unwrap(conn)
	_ = conn.SetDeadline(time.Time{})
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetKeepAlive(false) // the heartbeat does that, and keepalive loses connections by the thousands
	}
	boundUnsent(conn)
	var early []byte // frames that came with the handshake
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ = rw.Reader.Peek(n)
		early = slices.Clone(early)
	}
	c := &wsConn{srv: s, sess: sess, conn: conn, probing: probing, in: websocket.Reader{Limit: int32(s.opts.MaxPayload)}}
	var extension string
	if s.opts.Compression != nil {
		extension = websocket.AcceptDeflate(r.Header["Sec-Websocket-Extensions"])
		c.in.Deflate = extension != ""
	}
	answer := appendSwitching(make([]byte, 0, 384), key, protocol, extension, header) // the open packet has room behind it
	if probing {
		s.startProbe(c, answer, early, q.get("b64") == "1")
		return nil
	}
	sess.out.deflate = c.compression()
	open := sess.out.frameOf(s.openPacket(sess.id))
	answer = append(answer, open...)
	c.own()
	if err := c.begin(answer); err != nil {
		sess.abandon()
		_ = c.conn.Close()
		return nil
	}
	sess.countWebSocketOut(1, len(open))
	sess.ws = c
	if !s.start(sess, TransportWebSocket) {
		s.watch.refused(r, RefusedShutdown)
		sess.abandon()
		_ = c.conn.Close()
		return nil
	}
	if len(early) > 0 || !c.park() {
		go c.read(early)
	}
	return nil
}

// compression returns how messages to the peer are compressed, or nil.
func (w *wsConn) compression() *Deflate {
	if !w.in.Deflate {
		return nil
	}
	return w.srv.opts.Compression
}

// begin writes the first bytes: at once, as a rule, since nothing is on its way
// yet.
func (w *wsConn) begin(p []byte) error {
	if w.raw != nil {
		n, err := tryWrite(w.raw, p)
		if err != nil || n == len(p) {
			return err
		}
		p = p[n:]
	}
	err := w.write(p)
	_ = w.conn.SetWriteDeadline(time.Time{})
	return err
}

// own makes the connection ready to be a transport, which nobody waits for.
func (w *wsConn) own() {
	w.conn, w.raw = own(w.conn)
	if w.raw == nil {
		w.conn = asTLS(w.conn)
	}
}

// write writes p, blocking with a deadline. Before the session has the
// connection, it is the reader's, or of the goroutine that will start it. The
// deadline stays: the goroutine of shut may have set one, and rely on it.
func (w *wsConn) write(p []byte) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.srv.opts.WriteTimeout))
	_, err := w.conn.Write(p)
	return err
}

var errVersionRequired = &refusal{http.StatusUpgradeRequired, 3, "Bad request", RefusedRequest, "version 13 of WebSocket"}

// only returns the value of a header that must not appear twice.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

// validKey checks for 16 bytes in base64.
func validKey(key string) bool {
	if len(key) != 24 {
		return false
	}
	var b [18]byte // what a key without padding would take
	n, err := base64.StdEncoding.Decode(b[:], []byte(key))
	return err == nil && n == 16
}

// skipped are headers of earlier handlers that make no sense on a 101, or are
// written by us.
var skipped = map[string]bool{
	"Connection": true, "Upgrade": true, "Transfer-Encoding": true, "Te": true, "Trailer": true,
	"Keep-Alive": true, "Date": true, "Content-Length": true, "Content-Type": true,
	"Content-Encoding": true, "Content-Language": true, "Content-Range": true,
	"Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true,
	"Sec-Websocket-Protocol": true, "Sec-Websocket-Version": true,
}

// appendSwitching appends the 101, with the headers that handlers before us
// have set.
func appendSwitching(dst []byte, key, protocol, extension string, header http.Header) []byte {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	dst = append(dst, "\r\n"...)
	if protocol != "" {
		dst = append(dst, "Sec-WebSocket-Protocol: "+protocol+"\r\n"...)
	}
	if extension != "" {
		dst = append(dst, "Sec-WebSocket-Extensions: "+extension+"\r\n"...)
	}
	if len(header) > 0 {
		w := sliceWriter{dst}
		_ = header.WriteSubset(&w, skipped) // sanitises values; cannot fail
		dst = w.b
	}
	return append(dst, "\r\n"...)
}

type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	return len(p), nil
}
