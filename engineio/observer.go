package engineio

import (
	"net/http"
	"time"

	"github.com/siokit/sio/internal/growing"
)

// An Observer is told what happens to the sessions of a server: see [Options.Observers].
// Fields that are nil are passed over. What happens for each packet is only counted, and is
// in [Server.Stats].
//
// The functions are called by any goroutine, several at a time, and by goroutines that
// others wait for, some of them with locks of the server's. They must return at once and not
// panic, and may read what they are given, but neither send nor close anything, nor ask for
// Stats.
type Observer struct {
	// SessionOpened is called with each session, before its handler is there. SessionClosed is
	// called once for each of these, when its handler has been told that the session has ended
	// or has begun to.
	SessionOpened func(s *Session, transport string)
	SessionClosed func(s *Session, reason Reason)
	// RequestRefused is called when a request is about to be answered with an error: mostly
	// a handshake, but also one of a session that is not there. With RefusedShutdown, a
	// WebSocket may have been opened already, and is then cut.
	RequestRefused func(r *http.Request, why RefusedReason)
	// UpgradeEnded is called once for each WebSocket that was opened to take a session over.
	// Took is the time from when its handshake was checked. It may be called after
	// SessionClosed: a session that only waits for its queue still moves.
	UpgradeEnded func(s *Session, outcome UpgradeOutcome, took time.Duration)
	// PingAnswered is called when a client has answered a ping of the heartbeat. Took is the
	// time since that was sent, which over polling includes the next GET and a POST. In
	// revision 3 the client pings, and it is not called.
	PingAnswered func(s *Session, took time.Duration)
	// LimitReached is called when a limit has acted on a session.
	LimitReached func(s *Session, limit Limit)
}

// A RefusedReason says why a request was answered with an error.
type RefusedReason string

const (
	RefusedTransport RefusedReason = "unknown transport"    // none that is served
	RefusedSession   RefusedReason = "unknown session"      // one that has ended, or is another server's
	RefusedMethod    RefusedReason = "bad method"           // a handshake that is no GET, or something else than a GET or POST
	RefusedRequest   RefusedReason = "bad request"          // what no client sends
	RefusedOrigin    RefusedReason = "origin"               // see CORS
	RefusedRevision  RefusedReason = "unsupported revision" // of the protocol, without AllowEIO3
	RefusedHead      RefusedReason = "head too large"       // see MaxHeaderBytes
	RefusedBody      RefusedReason = "body too large"       // see MaxPayload
	RefusedSlow      RefusedReason = "timeout"              // its body did not come in time
	RefusedBusy      RefusedReason = "busy"                 // see TotalBytes
	RefusedShutdown  RefusedReason = "shutting down"        // see Drain and Shutdown
	RefusedByCapture RefusedReason = "application"          // the capture function has failed
)

// An UpgradeOutcome says how an attempt to move a session to WebSocket has ended.
type UpgradeOutcome string

const (
	UpgradeDone     UpgradeOutcome = "done"
	UpgradeTimeout  UpgradeOutcome = "timeout"        // it took longer than UpgradeTimeout
	UpgradeFailed   UpgradeOutcome = "failed"         // the connection broke, or the client sent something else
	UpgradeRefused  UpgradeOutcome = "refused"        // the session had a WebSocket, or another attempt
	UpgradeOutlived UpgradeOutcome = "session closed" // the session has ended meanwhile
)

// A Limit names a limit that has acted: the option that sets it, where there is one.
type Limit string

const (
	LimitPacketRate   Limit = "MaxPacketRate" // the session is not read for a while, or an attempt to upgrade it was ended
	LimitPayload      Limit = "MaxPayload"    // a message or a body was too large, and the session was ended, or an attempt to upgrade it
	LimitQueue        Limit = "QueueBytes"    // or QueuePackets: the session was ended, or with KeepSlow a message dropped
	LimitTotalBytes   Limit = "TotalBytes"    // the session held most, and was ended
	LimitWriteTimeout Limit = "WriteTimeout"  // the client did not take what it was sent, and the session was ended
	LimitUnpolled     Limit = "unpolled"      // of too many that had not polled since their handshake, the oldest was ended

	// Those of package socketio.

	LimitEventQueue        Limit = "EventQueue"           // the session is not read until handlers are done
	LimitRooms             Limit = "MaxRooms"             // a Join has failed
	LimitClientNamespaces  Limit = "MaxClientNamespaces"  // the client was refused
	LimitDynamicNamespaces Limit = "MaxDynamicNamespaces" // likewise
	LimitConnectTimeout    Limit = "ConnectTimeout"       // the client joined no namespace, and the session was ended
)

// Observe adds an observer, as Options.Observers does. It is to be called before the server
// serves anything, though other servers of a cluster may have it do something already.
func (s *Server) Observe(o *Observer) {
	s.watch.Add(o)
	s.traffic.CompareAndSwap(nil, new(traffic))
}

// observers are told one after the other.
type observers struct{ growing.List[*Observer] }

func (all *observers) opened(s *Session, transport string) {
	for _, o := range all.All() {
		if o.SessionOpened != nil {
			o.SessionOpened(s, transport)
		}
	}
}

func (all *observers) closed(s *Session, reason Reason) {
	for _, o := range all.All() {
		if o.SessionClosed != nil {
			o.SessionClosed(s, reason)
		}
	}
}

func (all *observers) refused(r *http.Request, why RefusedReason) {
	for _, o := range all.All() {
		if o.RequestRefused != nil {
			o.RequestRefused(r, why)
		}
	}
}

func (all *observers) upgraded(s *Session, outcome UpgradeOutcome, took time.Duration) {
	for _, o := range all.All() {
		if o.UpgradeEnded != nil {
			o.UpgradeEnded(s, outcome, took)
		}
	}
}

func (all *observers) answered(s *Session, took time.Duration) {
	for _, o := range all.All() {
		if o.PingAnswered != nil {
			o.PingAnswered(s, took)
		}
	}
}

func (all *observers) limited(s *Session, limit Limit) {
	for _, o := range all.All() {
		if o.LimitReached != nil {
			o.LimitReached(s, limit)
		}
	}
}
