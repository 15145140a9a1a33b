package socketio

import (
	"errors"

	"github.com/siokit/sio/engineio"
)

// Reason says why a socket left. The strings are those of the reference
// server. It is an error, being the cause of the socket's context.
type Reason = engineio.Reason

// The reasons of this layer; those of [engineio] reach sockets as well.
const (
	ReasonClientDisconnect Reason = "client namespace disconnect" // the client sent DISCONNECT
	ReasonServerDisconnect Reason = "server namespace disconnect" // Socket.Disconnect
)

var (
	// ErrClosed is returned by what needs a socket that has left. What waits
	// for an ack fails with it as soon as the socket leaves, wrapped together
	// with the [Reason].
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
	// ErrDropped is what comes of an ack that was asked for with a volatile
	// event, if that could not be sent at once.
	ErrDropped = errors.New("socketio: volatile event dropped")
	// ErrNoHandler is the answer of [Local.ServerEvent] if nobody handles it.
	ErrNoHandler = errors.New("socketio: no handler for the server-side event")
	// ErrConnecting is returned by what would wait for an answer of a client whose
	// connect handler has not returned yet: it hears nothing before.
	ErrConnecting = errors.New("socketio: who has not been accepted yet cannot answer: ask once it is connected (OnConnected)")
	// ErrAuthGone is returned by Socket.BindAuth once the connection is
	// decided: credentials are not kept.
	ErrAuthGone = errors.New("socketio: the auth payload is there only while the connect handler runs")
)

// A Refusal is the answer to a CONNECT that is not accepted. Its text reaches
// the client.
type Refusal struct {
	Message string
	Data    any // left out if nil
}
