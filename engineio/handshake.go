package engineio

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio/engineio/parser"
	"github.com/siokit/sio/internal/sid"
)

// newSession captures what is wanted of the request and makes a session that
// nobody knows yet.
func (s *Server) newSession(r *http.Request, q query, capture func() (any, error)) (*Session, error) {
	sess := &Session{srv: s, id: s.newID(), remote: strings.Clone(r.RemoteAddr), path: hashPath(r)}
	sess.out.v3 = q.get("EIO") != "4" // clients of before it said nothing, or anything
	sess.out.base64 = q.get("b64") == "1" && (sess.out.v3 || q.get("transport") == TransportWebSocket)
	sess.opened, sess.secure, sess.cross = time.Since(s.born), r.TLS != nil, r.Header.Get("Origin") != ""
	var err error
	if capture != nil {
		sess.value, err = capture()
	}
	return sess, err
}

func (s *Server) newID() string {
	if p := s.opts.Peers; p != nil {
		return p.NewID()
	}
	return sid.New()
}

// abandon tells the captured value of a session that does not come to be.
func (s *Session) abandon() {
	if v, ok := s.value.(interface{ Abandon() }); ok {
		v.Abandon()
	}
}

// start makes the session known. False means that the server is shutting down.
func (s *Server) start(sess *Session, transport string) bool {
	if !s.sessions.add(sess, &s.wg) {
		return false
	}
	defer s.wg.Done()
	if sess.ws != nil {
		s.wg.Add(1) // for its reader
	}
	if s.opts.Peers != nil {
		s.paths.add(sess.path)
	}
	sess.logged(s.log.Info()).Str("transport", transport).Msg("session opened")
	s.watch.opened(sess, transport)
	sess.start(s.open(sess))
	sess.uncork()
	return true
}

// start gives the session its handler and its heartbeat.
func (s *Session) start(h Handler) {
	s.mu.Lock()
	s.handler = h
	e := s.ending
	switch {
	case e == nil:
		s.armLocked(s.srv.opts.PingInterval)
	case s.state == stateClosing:
		s.armLocked(s.patienceLocked())
	}
	s.mu.Unlock()
	if e != nil {
		h.Close(e.reason)
		s.srv.watch.closed(s, e.reason)
	}
}

// openPacket tells a client about its session. Ids and transports need no escapes.
func (s *Server) openPacket(id string, upgrades ...string) *Message {
	o := &s.opts
	var buf [192]byte
	b := append(buf[:0], `{"sid":"`...)
	b = append(b, id...)
	b = append(b, `","upgrades":[`...)
	for i, u := range upgrades {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), u...), '"')
	}
	b = append(b, `],"pingInterval":`...)
	b = strconv.AppendInt(b, o.PingInterval.Milliseconds(), 10)
	b = append(b, `,"pingTimeout":`...)
	b = strconv.AppendInt(b, o.PingTimeout.Milliseconds(), 10)
	b = append(b, `,"maxPayload":`...)
	b = strconv.AppendInt(b, int64(o.MaxPayload), 10)
	return newPacket(parser.TypeOpen, append(b, '}'))
}

// cookieTemplate fills in the defaults.
func cookieTemplate(c http.Cookie) *http.Cookie {
	if c.Name == "" {
		c.Name = "io"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	c.HttpOnly = true
	return &c
}

// setCookie sends the cookie of a session, if there is to be one.
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, id string) {
	if s.opts.Cookie == nil {
		return
	}
	c := *s.opts.Cookie
	c.Value = id
	// Who lies about the proxy gets a cookie that his browser does not send back.
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",") // the first is the client's
	c.Secure = c.Secure || r.TLS != nil || strings.EqualFold(proto, "https")
	http.SetCookie(w, &c)
}

// lobbySize is how many may wait for the first poll behind a handshake: seconds of
// what a machine can serve, and some ten megabytes. A client polls at once.
const lobbySize = 10_000

// A lobby remembers the sessions that have begun over polling of late. One costs its
// client a small request and holds no connection, but would be kept until its ping
// timeout.
type lobby struct {
	mu   sync.Mutex
	ids  []string
	next int // the oldest, once all places are taken
}

// enter adds id, and returns the one whose place it takes: "" while there are free ones.
func (l *lobby) enter(id string) (before string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ids) < lobbySize {
		l.ids = append(l.ids, id)
		return ""
	}
	before, l.ids[l.next] = l.ids[l.next], id
	l.next = (l.next + 1) % lobbySize
	return before
}

// enterLobby makes room for a session that has just begun: of so many that have not
// been heard of since, the oldest goes.
func (s *Server) enterLobby(sess *Session) {
	old := s.sessions.get(s.lobby.enter(sess.id))
	if old == nil {
		return
	}
	old.mu.Lock()
	heard := old.polled || old.posting || old.ws != nil || old.probe != nil
	old.mu.Unlock()
	if !heard {
		s.watch.limited(old, LimitUnpolled)
		old.Abort(ReasonPingTimeout)
	}
}
