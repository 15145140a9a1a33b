package parser

import "strconv"

// PacketType is the first character of a packet, less '0'.
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

// Packet is one decoded packet.
//
// Data aliases the message that the packet came in as long as Attachments is nil:
// who keeps it beyond that message copies it. Data and Attachments of any other
// packet belong to the packet.
type Packet struct {
	Type        PacketType
	Namespace   string   // "/" or "/chat"; a query is part of the name
	ID          uint64   // of the ack, if HasID
	HasID       bool     // an ack without one answers nothing
	Data        []byte   // valid JSON: an array for events and acks, an object or nothing for CONNECT
	Attachments [][]byte // what placeholders in Data stand for, each non-nil
}

// An Error says why a packet was refused. Its text describes the rule that
// was broken and never quotes the packet, so that it is fit for a log.
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

// IsReserved reports whether an event may not have this name, since the
// official clients give it a meaning of their own.
func IsReserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
