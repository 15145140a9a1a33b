package engineio

import "errors"

// Reason says why a session ended. The strings are those of the reference
// server. It is an error, so that it can be the cause of a context.
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
