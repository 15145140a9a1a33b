package engineio

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/unread"
)

// A Handler is called with what happens on one session. Its methods must not block,
// since other sessions may be read by the same goroutine.
type Handler interface {
	// Message is called with each message, one at a time and in order. Data is
	// valid until Message returns, unless it is [Session.Owned]. A handler that can't keep
	// up calls [Session.Pause].
	Message(data []byte, binary bool)
	// Close is called once, when the session has ended or has begun to. It does
	// not wait for a Message that is under way.
	Close(reason Reason)
}

// A SettledHandler is a [Handler] that hears when messages that have come together have
// been handled; see [Session.WantSettled].
type SettledHandler interface {
	Handler
	// Settled is called as Message is, and not at the same time.
	Settled()
}

// An UpgradeHandler is a [Handler] that is told when its session has moved to
// WebSocket, which happens once at most.
type UpgradeHandler interface {
	Handler
	// Upgraded is called between two calls of Message. It must not block.
	Upgraded()
}

// A Server serves Engine.IO sessions over HTTP, on any path. Its methods may be called
// by any goroutine.
type Server struct {
	opts Options
	open func(*Session) Handler
	log  *logline.Logger
	born time.Time // what Session.due is counted from

	after    func()     // see AfterMessages; or nil
	only     func() Job // see AfterMessage; or nil
	sessions sessionMap
	pollers  pollers
	drain    drain
	idleTLS  idleTLS
	monitor  monitor
	queued   memory // of what waits to be sent
	intakes  intakes
	watch    observers               // of Options.Observers
	traffic  atomic.Pointer[traffic] // nil without
	number   uint8
	paths    paths         // with Options.Peers
	closing  atomic.Bool   // no new sessions
	over     chan struct{} // closed by Shutdown
	guests   guests        // with Options.Peers
	taken    taken         // with Options.HijackPolling

	noUpgrades sync.Once // the log says why
	keptOut    keptOut
	lobby      lobby
	pulses     pulses
	wg         sync.WaitGroup // sessions, and the goroutines of their connections
	jobs       sync.WaitGroup // goroutines that may do a Job; waited for behind wg

	mu    sync.Mutex
	conns map[*wsConn]struct{} // WebSockets that linger after their session's end
	cut   bool                 // no lingering any more
	away  chan struct{}        // made by the first Drain, which closes it when all are away, or it is over
}

// New returns a server that calls open with each new session, while the handshake is
// being answered. What open sends arrives behind the handshake. Nil options are the
// defaults. The error names each option that makes no sense.
func New(opts *Options, open func(*Session) Handler) (*Server, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:  o,
		open:  open,
		born:  time.Now(),
		log:   logline.New(o.Logger, "engineio"),
		over:  make(chan struct{}),
		conns: make(map[*wsConn]struct{}),
	}
	for _, watcher := range o.Observers {
		s.Observe(watcher)
	}
	s.queued.limit, s.intakes.limit = int64(o.TotalBytes), int64(o.TotalBytes)
	s.number = uint8(servers.Add(1)%255) + 1
	s.pollers = newPollers(&s.wg, &s.jobs)
	s.drain.init(cores())
	if p := s.opts.Peers; p != nil {
		p.Attach(http.HandlerFunc(s.serveRelayed))
	}
	return s, nil
}

// AfterMessages sets a function that is called by a goroutine that has called
// [Handler.Message], once or several times, for one session or several, when it is about
// to do something else. It is for handlers that start the work of several messages
// together. F must not block. AfterMessages must be called before the first request.
func (s *Server) AfterMessages(f func()) { s.after = f }

// A Job is something to do after messages. It may block.
type Job interface{ Do() }

// AfterMessage sets a function that may be called where the one of [Server.AfterMessages]
// would be, and then is called before it. If what is to be done is one job alone, f may
// return it, for the caller to do it by itself: that spares waking a goroutine, which of a
// single message is most of the cost. If it returns nil it has done nothing, and the other
// function is called. F must not block. AfterMessage must be called before the first
// request.
func (s *Server) AfterMessage(f func() Job) { s.only = f }

func (s *Server) received() {
	if s.after != nil {
		s.after()
	}
}

// Len returns the number of sessions.
func (s *Server) Len() int { return s.sessions.len() }

// ServeHTTP implements [http.Handler]. It serves handshakes, polls and WebSocket
// upgrades, on any path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = s.Serve(w, r, nil) // only a capture function fails
}

// Serve serves r as ServeHTTP does, and captures what is wanted of the request. If r
// opens a session, capture is called once, before the function given to New and while r
// is being served; [Session.Value] returns what it has returned. If capture fails, Serve
// returns its error and answers nothing: that is left to the caller. If the session can't
// be opened for another reason, and the captured value has a method Abandon(), that is
// called.
//
// Over WebSocket, Serve returns as soon as the connection has been taken over.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, capture func() (any, error)) error {
	q := s.query(r)
	upgrade := isUpgrade(r)
	if r.Method != http.MethodPost { // its body is wanted, if it is not refused
		unread.Bound(w, r)
	}
	if len(r.TransferEncoding) > 0 {
		// A Content-Length beside it, which net/http hides, may mean that someone
		// on the way counts differently. Nothing may follow (RFC 9112, section 6.3).
		closeBehind(w, r)
	}
	if s.setCORS(w, r) {
		return nil
	}
	sess, refusal := s.verify(w, r, q, upgrade)
	elsewhere := refusal == errUnknownSID && s.opts.Peers != nil && (r.Method == http.MethodGet || r.Method == http.MethodPost)
	if (refusal == nil || elsewhere) && r.Method == http.MethodGet && r.ContentLength != 0 {
		if body := s.dropBody(w, r, sess, upgrade); body != nil {
			refusal, elsewhere = body, false
		}
	}
	if elsewhere {
		refusal = s.relay(w, r, q, upgrade)
		if refusal == nil {
			return nil
		}
	}
	switch {
	case refusal != nil:
		s.refuse(w, r, upgrade, refusal)
	case upgrade:
		return s.serveWebSocket(w, r, q, sess, capture)
	case sess == nil:
		return s.openPolling(w, r, q, capture)
	case r.Method == http.MethodGet:
		if !sess.repeated(w, r, q, false) {
			sess.serveGet(w, r, s.taking(w, r))
		}
	case r.Method == http.MethodPost:
		sess.servePost(w, r, s.taking(w, r))
	default:
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		status := http.StatusMethodNotAllowed
		if r.Method == http.MethodOptions {
			status = http.StatusNoContent
		} else {
			s.watch.refused(r, RefusedMethod)
		}
		w.WriteHeader(status)
	}
	return nil
}

// Knows tells whether r belongs to a session that is open: its query names one that was
// opened at the same path. Any other request opens a session, or is refused, or is not
// for s at all.
//
// A session of one of [Options.Peers] is open, too. That server may be asked, which waits
// for its answer.
func (s *Server) Knows(r *http.Request) bool {
	id := s.query(r).get("sid")
	if sess := s.sessions.get(id); sess != nil {
		return sess.path == hashPath(r)
	}
	return s.knowsElsewhere(r, id)
}

// Options returns the options of the server, with the defaults filled in.
func (s *Server) Options() Options { return s.opts }
