package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/httpread"
	"github.com/siokit/sio/internal/negotiate"
)

// With Options.HijackPolling, the connection of a polling client is taken over with the first
// request that has come through net/http, and everything before us has let pass. What comes
// over it then is read by the poller, as long as there is no doubt about it, and goes back to
// net/http with the connection otherwise. So only that refuses requests.

const (
	// maxTries is how often a connection is taken over that goes back each time before it
	// has earned it. Then it stays with net/http, which is cheaper.
	maxTries = 4
	// earned is after how many answers the tries begin anew.
	earned = 16
	// maxRules is for how many kinds of requests a connection remembers what has been
	// decided: two of a browser, more where a proxy sends several clients' over it.
	maxRules = 8
)

// webRules are what has been decided about requests that are alike in all that matters: by the
// origin policy, and by what stands in front of us, which may set headers.
type webRules struct {
	key   uint64 // see kindOf
	lines []byte // of the head of an answer
	large []byte // likewise, of one so large that it would be compressed
	gzip  bool   // the client takes that
}

// A kind is what the answer to a request may depend on beside its session.
type kind struct {
	path, host, origin, site, mode, encoding []byte
	cookie, authorization                    bool
}

func (k *kind) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	for _, v := range [...][]byte{k.path, k.host, k.origin, k.site, k.mode, k.encoding} {
		_, _ = h.Write(v)
		_ = h.WriteByte(0) // which is in none of them
	}
	flags := byte(0)
	if k.cookie {
		flags |= 1
	}
	if k.authorization {
		flags |= 2
	}
	_ = h.WriteByte(flags)
	return h.Sum64()
}

// kindOf returns the kind of a request that net/http has read, or false if it is none of
// those that we would read.
func kindOf(r *http.Request) (key uint64, ok bool) {
	one := func(name string) []byte {
		values := r.Header[name]
		ok = ok && len(values) <= 1
		return []byte(only(values))
	}
	ok = true
	path, _, _ := strings.Cut(r.RequestURI, "?") // see hashPath
	k := kind{
		path: []byte(path), host: []byte(r.Host), origin: one("Origin"), site: one("Sec-Fetch-Site"), mode: one("Sec-Fetch-Mode"),
		encoding: one("Accept-Encoding"), cookie: len(one("Cookie")) > 0, authorization: len(one("Authorization")) > 0,
	}
	return k.hash(), ok
}

func kindOfHead(h *httpread.Head) uint64 {
	k := kind{h.Path, h.Host, h.Origin, h.FetchSite, h.FetchMode, h.AcceptEncoding, h.Cookie, h.Authorization}
	return k.hash()
}

// A taking is a connection that can be taken over with the answer to a request.
type taking struct {
	srv    *Server
	web    *http.Server
	rules  webRules
	header http.Header // of the answer, as others have left it
}

// taking returns nil unless the connection of r can be taken over. Of the headers of w it
// keeps those that are there.
func (s *Server) taking(w http.ResponseWriter, r *http.Request) *taking {
	if !s.opts.HijackPolling || !hasPoller || r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Close ||
		len(r.TransferEncoding) > 0 || !strings.HasPrefix(r.RequestURI, "/") || r.Header.Get("Expect") != "" {
		return nil
	}
	connection := r.Header["Connection"]
	if len(connection) > 0 && !strings.EqualFold(only(connection), "keep-alive") || w.Header().Get("Connection") != "" {
		return nil
	}
	web, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || !canHijack(w) {
		return nil
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !s.taken.may(web, local) {
		return nil
	}
	key, ok := kindOf(r)
	if !ok {
		return nil
	}
	t := &taking{srv: s, web: web, header: w.Header().Clone()}
	large := w.Header().Clone()
	if large == nil {
		large = make(http.Header)
	}
	t.rules = webRules{key: key, gzip: negotiate.Gzip(large, r), lines: keptLines(t.header), large: keptLines(large)}
	if bytes.Equal(t.rules.lines, t.rules.large) {
		t.rules.large = t.rules.lines
	}
	return t
}

// keptLines returns the headers that further answers have, too: those that tell a browser
// who may have the answer, and how it is to be treated. Others are for one answer, such as
// cookies, or for somebody's log.
func keptLines(h http.Header) []byte {
	var out sliceWriter
	_ = h.WriteSubset(&out, unkept(h))
	return out.b
}

func unkept(h http.Header) map[string]bool {
	drop := make(map[string]bool)
	for name := range h {
		switch {
		case strings.HasPrefix(name, "Access-Control-"), strings.HasPrefix(name, "Cross-Origin-"),
			name == "Vary", name == "Timing-Allow-Origin", name == "X-Content-Type-Options", name == "Strict-Transport-Security":
		default:
			drop[name] = true
		}
	}
	return drop
}

// take takes the connection over, of which sess has the first request. It is that one's to
// answer. Take returns nil if w still is.
func (t *taking) take(w http.ResponseWriter, sess *Session) *webConn {
	if t == nil || sess.out.v3 {
		return nil
	}
	s := t.srv
	// What has been added since taking is for this answer, a cookie for one.
	header := w.Header().Clone()
	conn, rw, err := hijack(w)
	if err != nil {
		s.taken.unfit(t.web)
		return nil
	}
	_ = conn.SetDeadline(time.Time{})
	c := &webConn{srv: s, web: t.web, tries: maxTries, shard: uint8(shardOf(sess.id)), state: webServing}
	if n := rw.Reader.Buffered(); n > 0 {
		c.in, _ = rw.Reader.Peek(n)
		c.in = slices.Clone(c.in)
		c.piped.Store(true)
	}
	if back, ok := conn.(*returnedConn); ok {
		c.tries = back.tries
		if back.srv == s { // what another server lets pass is for its own sessions
			c.rules = back.rules
		}
		c.in = append(c.in, back.early...)
		back.srv.taken.forget(back)
		conn = back.Conn
	}
	c.rules = append([]webRules{t.rules}, slices.DeleteFunc(slices.Clone(c.rules), func(r webRules) bool { return r.key == t.rules.key })...)
	c.rules = c.rules[:min(len(c.rules), maxRules)]
	header.Del("Cache-Control")
	var lines sliceWriter
	_ = header.WriteSubset(&lines, skipped) // sanitises values; cannot fail
	c.first = &webRules{lines: lines.b, large: lines.b, gzip: t.rules.gzip}
	if !bytes.Equal(t.rules.lines, t.rules.large) {
		c.first.large = append(slices.Clone(lines.b), "Vary: Accept-Encoding\r\n"...)
	}
	c.conn, c.raw = own(conn)
	switch {
	case c.raw == nil: // a wrapper, with something of its own to do
		s.taken.unfit(t.web)
		c.tries = 0
		c.loose = true
	case !s.taken.add(c):
		c.loose = true
	default:
		c.tries--
		if !c.park() {
			c.mu.Lock()
			c.loose = true
			c.mu.Unlock()
		}
	}
	return c
}

// taken are the connections that have been taken over.
type taken struct {
	mu    sync.Mutex // protects the following
	conns map[*webConn]struct{}
	webs  map[*http.Server]bool      // whose connections can be taken over, and of whose end we hear
	back  map[net.Addr]*returnedConn // by their own addresses, which are theirs alone
	shut  bool
	timer *time.Timer   // of the sweep; nil before there is something to look for
	due   time.Duration // of the timer, since Server.born

	looking atomic.Bool // part of a request has come since the last sweep
}

// may tells whether a connection may be taken over, of which net/http has that local address.
func (t *taken) may(web *http.Server, local net.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	fit, known := t.webs[web]
	back := t.back[local]
	return !t.shut && (fit || !known) && (back == nil || back.tries > 0)
}

// unfit has connections of web not be taken over.
func (t *taken) unfit(web *http.Server) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.webs == nil {
		t.webs = make(map[*http.Server]bool)
	}
	t.webs[web] = false
}

// add reports false if there are to be no more connections. Otherwise Server.wg counts c.
func (t *taken) add(c *webConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shut {
		return false
	}
	if t.webs == nil {
		t.webs = make(map[*http.Server]bool)
	}
	fit, known := t.webs[c.web]
	if known && !fit { // shut down meanwhile
		return false
	}
	if !known {
		web := c.web
		t.webs[web] = true
		web.RegisterOnShutdown(func() { t.end(web) })
	}
	if t.conns == nil {
		t.conns = make(map[*webConn]struct{})
	}
	t.conns[c] = struct{}{}
	c.counted = true
	c.srv.wg.Add(1) // under t.mu, so that none is added behind a Wait
	if idleLimit(c.web) > 0 {
		t.sweepInLocked(c.srv, idleLimit(c.web))
	}
	return true
}

func (t *taken) remove(c *webConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// end gives connections back: those of web, or all, if it is nil; and takes no more.
func (t *taken) end(web *http.Server) {
	var all []*webConn
	t.mu.Lock()
	if web == nil {
		t.shut = true
	} else {
		t.webs[web] = false
	}
	for c := range t.conns {
		if web == nil || c.web == web {
			all = append(all, c)
		}
	}
	if t.timer != nil && web == nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	for _, c := range all {
		c.retire()
	}
}

// cut ends writes that block, at the end of Shutdown's patience.
func (t *taken) cut() {
	t.mu.Lock()
	all := slices.Collect(maps.Keys(t.conns))
	t.mu.Unlock()
	for _, c := range all {
		c.mu.Lock()
		c.cut = true
		c.mu.Unlock()
		_ = c.writeBy(time.Time{})
	}
}

// forget is called when a connection is net/http's no more.
func (t *taken) forget(c *returnedConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.back[c.local] == c {
		delete(t.back, c.local)
	}
}

// unwrap returns a connection that has been taken over as it was before we had it.
func unwrap(conn net.Conn) net.Conn {
	back, ok := conn.(*returnedConn)
	if !ok || len(back.early) > 0 {
		return conn
	}
	back.srv.taken.forget(back)
	return back.Conn
}

// A returnedConn is a connection that net/http has again, and what had been read of it.
type returnedConn struct {
	net.Conn
	srv   *Server
	local net.Addr
	early []byte
	tries uint8
	rules []webRules
}

func (c *returnedConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *returnedConn) LocalAddr() net.Addr { return c.local }

// Close implements [net.Conn].
func (c *returnedConn) Close() error {
	c.srv.taken.forget(c)
	return c.Conn.Close()
}

// giveBack gives a connection to its HTTP server, which serves it as a new one. If that has
// been shut down, it is closed. Hooks of the server, such as ConnContext, may panic, who expect
// a connection of another type: then no more are taken from it.
func (t *taken) giveBack(web *http.Server, c *returnedConn) {
	defer func() {
		if v := recover(); v != nil {
			t.unfit(web)
			c.srv.log.Sparse(zerolog.ErrorLevel, c.RemoteAddr().String(), "give back").
				Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).Msg("a hook of the HTTP server can't do with a connection that HijackPolling gives back")
			_ = c.Close()
		}
	}()
	t.mu.Lock()
	if t.back == nil {
		t.back = make(map[net.Addr]*returnedConn)
	}
	t.back[c.local] = c
	t.mu.Unlock()
	l := &oneListener{conn: c}
	_ = web.Serve(l) // which ends at once, since there is one connection only
	if l.conn != nil {
		_ = c.Close()
	}
}

// A oneListener has one connection.
type oneListener struct {
	conn *returnedConn // nil once it has been accepted
}

var errOneOnly = errors.New("engineio: no more connections")

func (l *oneListener) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, errOneOnly
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *oneListener) Close() error { return nil }

func (l *oneListener) Addr() net.Addr {
	if l.conn == nil {
		return &net.TCPAddr{}
	}
	return l.conn.local
}
