package engineio

import (
	"errors"
	"io"

	"github.com/siokit/sio/internal/websocket"
)

// A Reason says why a session ended, in the words of the reference server. It is an
// error, so that it can be the cause of a context.
type Reason string

const (
	ReasonTransportError Reason = "transport error"      // the connection broke, or the peer broke the transport's rules
	ReasonTransportClose Reason = "transport close"      // the peer closed the connection
	ReasonForcedClose    Reason = "forced close"         // Session.Close, or the client broke the protocol above
	ReasonPingTimeout    Reason = "ping timeout"         // no pong came
	ReasonParseError     Reason = "parse error"          // the peer sent something that is no packet
	ReasonShutdown       Reason = "server shutting down" // Server.Shutdown
	ReasonSlowConsumer   Reason = "slow consumer"        // the send queue overflowed; not known to the reference server
)

func (r Reason) Error() string { return string(r) }

var (
	// ErrClosed is returned for what is sent to a session that has ended.
	ErrClosed = errors.New("engineio: session closed")
	// ErrQueueFull is returned when the session's send queue is full. Unless
	// Options.KeepSlow is set, the session has been closed.
	ErrQueueFull = errors.New("engineio: send queue full")
)

// A ProtocolError says which rule of the protocol the peer has broken. Its text never
// quotes what was sent, so that it is fit for a log.
type ProtocolError string

func (e ProtocolError) Error() string { return "engineio: " + string(e) }

const (
	errOverlap      ProtocolError = "overlapping requests"
	errRepeated     ProtocolError = "a request whose answer was lost"
	errBinaryBody   ProtocolError = "binary body"
	errBodyTooLarge ProtocolError = "body exceeds MaxPayload"
	errOverload     ProtocolError = "too much at once, for all clients together"
	errPing         ProtocolError = "heartbeat in the wrong direction"
)

// An ending is why a session ended. It does not change.
type ending struct {
	reason Reason
	cause  error // what the transport knows beyond that, or nil
}

// fault tells whether somebody has to know of the ending: the client has broken the
// protocol, or a limit was in its way, which then needs to be changed.
func (e *ending) fault() (needs string, faulty bool) {
	var rule ProtocolError
	switch {
	case e.reason == ReasonSlowConsumer:
		return "less that is emitted to it, or larger QueueBytes and QueuePackets", true
	case e.cause == errRepeated: // a server has gone
		return "", false
	case e.cause == errBodyTooLarge, e.cause == ProtocolError(websocket.TooBig):
		return "smaller messages, or a larger MaxPayload", true
	case e.cause == errOverload:
		return errBusy.needs, true
	case e.cause == errOverlap:
		return "one GET and one POST of a session at a time: a proxy that has not waited long enough may have sent one again", true
	}
	return "", errors.As(e.cause, &rule) || e.reason == ReasonForcedClose && e.cause != nil // see CloseWith
}

// The endings that are common are made once: they cost nothing then.
var (
	cutOff = &ending{ReasonTransportClose, io.EOF}
	plain  = make(map[Reason]*ending) // without a cause
)

func init() {
	for _, r := range []Reason{ReasonTransportClose, ReasonForcedClose, ReasonPingTimeout, ReasonShutdown, ReasonSlowConsumer} {
		plain[r] = &ending{reason: r}
	}
}

func endingOf(reason Reason, cause error) *ending {
	switch e := plain[reason]; {
	case cause == nil && e != nil:
		return e
	case reason == cutOff.reason && cause == io.EOF:
		return cutOff
	}
	return &ending{reason, cause}
}

// Cause returns the error behind the reason for which the session has ended: that of a
// read or write (io.EOF if a WebSocket was closed without a close frame), a
// [ProtocolError], or what CloseWith was given. It returns nil if there is none, and
// while the session is open. It is known when [Handler.Close] is called.
func (s *Session) Cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending == nil {
		return nil
	}
	return s.ending.cause
}
