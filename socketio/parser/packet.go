package parser

import "strconv"

// A PacketType says what a packet is for. In the text format it is the first
// character, less '0'.
type PacketType uint8

// The packet types of the Socket.IO protocol, revision 5.
const (
	TypeConnect PacketType = iota
	TypeDisconnect
	TypeEvent
	TypeAck
	TypeConnectError
	TypeBinaryEvent
	TypeBinaryAck
)

var typeNames = [...]string{
	TypeConnect:      "CONNECT",
	TypeDisconnect:   "DISCONNECT",
	TypeEvent:        "EVENT",
	TypeAck:          "ACK",
	TypeConnectError: "CONNECT_ERROR",
	TypeBinaryEvent:  "BINARY_EVENT",
	TypeBinaryAck:    "BINARY_ACK",
}

// String returns the name that the protocol gives to the type.
func (t PacketType) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "PacketType(" + strconv.Itoa(int(t)) + ")"
}

// binary reports whether packets of the type are followed by attachments.
func (t PacketType) binary() bool { return t == TypeBinaryEvent || t == TypeBinaryAck }

// A Packet is one packet of the protocol, whatever its format.
//
// Data of a packet that has been decoded may alias the message that it came in if
// Attachments is nil: to keep it beyond that message, copy it. If Attachments is not
// nil, Data and Attachments are the packet's own.
type Packet struct {
	Type        PacketType
	Namespace   string   // such as "/" or "/chat"; a query is part of the name
	ID          uint64   // links an event and its ack, if HasID
	HasID       bool     // an event with an id asks for an ack; an ack without one answers nothing
	Data        []byte   // JSON: the array of an event or ack, the object of a CONNECT (or nothing) or CONNECT_ERROR
	Attachments [][]byte // what the placeholders in Data stand for, by their numbers; none of them nil
}

// An Error says why a packet was refused. Its text names the rule that was broken and
// quotes nothing of the packet: it may be logged.
type Error string

func (e Error) Error() string { return "socketio: " + string(e) }

const (
	errEmpty              Error = "empty packet"
	errType               Error = "unknown packet type"
	errAttachmentCount    Error = "malformed number of attachments"
	errTooManyAttachments Error = "too many attachments"
	errTooLarge           Error = "packet with attachments too large"
	errNamespace          Error = "namespace too long, or with control characters"
	errID                 Error = "ack id out of range"
	errConnectPayload     Error = "CONNECT payload is not an object"
	errDisconnectPayload  Error = "DISCONNECT with a payload"
	errConnectError       Error = "CONNECT_ERROR from a client"
	errErrorPayload       Error = "CONNECT_ERROR payload is not an object"
	errNoArray            Error = "payload is not an array"
	errEventName          Error = "event name is neither a string nor a number"
	errReservedName       Error = "reserved event name"
	errTrailing           Error = "data after the payload"
	errTextPending        Error = "text packet where an attachment is due"
	errBinary             Error = "binary data where no attachment is due"
	errPlaceholder        Error = "placeholder of no attachment"
	errJSON               Error = "malformed JSON"
	errTruncated          Error = "truncated JSON"
	errDepth              Error = "JSON nested too deeply"
)

// IsReserved reports whether name is one of those that no event may have, since the
// official clients use them for events of their own: "connect", "connect_error",
// "disconnect", "disconnecting", "newListener" and "removeListener".
func IsReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
