package socketio

import (
	"errors"

	"github.com/siokit/sio/engineio"
)

// A Reason says why a socket left, in the words of the reference server. It is an error,
// too: the cause of the socket's context.
type Reason = engineio.Reason

// The reasons of this layer; those of [engineio] reach sockets as well.
const (
	ReasonClientDisconnect Reason = "client namespace disconnect" // the client sent DISCONNECT
	ReasonServerDisconnect Reason = "server namespace disconnect" // Socket.Disconnect
)

var (
	// ErrClosed is returned by methods of a socket that has left. Those that wait
	// for an ack return it as soon as the socket leaves, wrapped together with the
	// [Reason].
	ErrClosed = errors.New("socketio: socket closed")
	// ErrTooManyRooms is returned by Join beyond Options.MaxRooms.
	ErrTooManyRooms = errors.New("socketio: too many rooms")
	// ErrRoomName is returned by Join for a name of more than 1,024 bytes.
	ErrRoomName = errors.New("socketio: name of a room too long")
	// ErrAckSent is returned by the second answer to one event.
	ErrAckSent = errors.New("socketio: ack already sent")
	// ErrTooManyAttachments is returned for an event or ack with more binary
	// attachments than Options.MaxAttachments: official clients refuse it.
	ErrTooManyAttachments = errors.New("socketio: too many attachments")
	// ErrDropped is returned where an ack was asked for by a volatile event that
	// could not be sent at once.
	ErrDropped = errors.New("socketio: volatile event dropped")
	// ErrNoHandler is returned by [Local.ServerEvent] if nobody handles the event.
	ErrNoHandler = errors.New("socketio: no handler for the server-side event")
	// ErrConnecting is returned where an ack was asked for while the connect handler
	// of the client runs: that hears nothing before it has returned.
	ErrConnecting = errors.New("socketio: who has not been accepted yet cannot answer: ask once it is connected (OnConnected)")
	// ErrAuthGone is returned by Socket.BindAuth when the connect handler has
	// returned: credentials are not kept.
	ErrAuthGone = errors.New("socketio: the auth payload is there only while the connect handler runs")
)

// A Refusal is the answer to a CONNECT that is not accepted. Its text reaches
// the client.
type Refusal struct {
	Message string
	Data    any // left out if nil
}
