package wire

import "time"

// A Type says what a [Message] is. Up to TypeClose the numbers are those of the cluster
// messages of socket.io-adapter; servers written in JavaScript ignore the others.
type Type uint8

// The types of messages. Of a pair, the second answers the first.
const (
	TypeHello        Type = 1  // a server is new: UID, Name, Addr. The others answer with a heartbeat
	TypeHeartbeat    Type = 2  // a server is there: UID, Name, Addr
	TypeBroadcast    Type = 3  // an event: Data, Attachments, Rooms, Except, Flags. With a Request, its answers are wanted
	TypeJoin         Type = 4  // sockets enter rooms: Rooms, Except, Names
	TypeLeave        Type = 5  // sockets leave rooms: Rooms, Except, Names
	TypeDisconnect   Type = 6  // sockets leave the namespace: Rooms, Except, Close
	TypeFetch        Type = 7  // asks for sockets: Rooms, Except, Request
	TypeFetched      Type = 8  // Data is an array of objects id, handshake, rooms, data
	TypeServerEvent  Type = 9  // an event for servers: Data, Attachments. With a Request, an answer is wanted
	TypeServerAnswer Type = 10 // Data is one value; Err
	TypeClientCount  Type = 11 // how many sockets have been asked: Count
	TypeClientAnswer Type = 12 // of one of them: Data is one value; SID, Err
	TypeClose        Type = 13 // a server leaves: UID

	TypeCount   Type = 64 // asks how many sockets there are: Rooms, Except, Request
	TypeCounted Type = 65 // Count
	TypeStop    Type = 66 // who has sent the Request waits no longer

	TypeIDs     Type = 70 // asks for the ids of sockets: Rooms, Request
	TypeIDList  Type = 71 // Names
	TypeRooms   Type = 72 // asks for all rooms: Request
	TypeRoomSet Type = 73 // Names
)

// EmitterUID is the UID of messages of programs that only send.
const EmitterUID = "emitter"

// A Message is what one server of a cluster tells others. Which of the fields matter, and
// what they mean, depends on the type.
type Message struct {
	Type    Type
	UID     string // of the server that sends it, or EmitterUID, or "" where a format has none
	To      string // the UID of the only server that it is for; "" is all
	Nsp     string // the namespace
	Request string // an id that its sender has chosen; the same in the answers

	// Data is JSON, with a placeholder for each of the Attachments, as a
	// [parser.Codec] makes it: of an event the array of its name and its arguments.
	Data        []byte
	Attachments [][]byte

	Rooms  []string // the sockets in any of them; none is all
	Except []string // but for those in any of these
	Flags  Flags
	All    bool // to be published to all servers even if it is for one room

	Names []string // rooms to enter or leave; what an answer lists
	Close bool     // disconnect the connection, too
	More  bool     // the next answer of the same server goes on where this one ends
	Count int
	SID   string // of the socket that has answered; "" where a format has none
	Err   string // why there is no Data; "" where a format has none
	Name  string // what people call the server
	Addr  string // where it takes requests that others relay; "" if nowhere
}

// Flags say how an event is to be delivered.
type Flags struct {
	Volatile bool
	Plain    bool          // not to be compressed
	Timeout  time.Duration // how long answers are waited for; 0: not known
}

// A Format says by which channels messages go, and how they are written. It is used from
// many goroutines.
type Format interface {
	// Channels returns what a server subscribes to for a namespace, apart from rooms. One
	// that ends in '*', as no other channel does, is a pattern of Redis.
	Channels(nsp, uid string) []string
	// Room returns the channel of a room, which servers subscribe to that have members of
	// it. It is "" if what is for the room goes to all.
	Room(nsp, room string) string
	// Counted returns the one of Channels whose subscribers are counted to know how many
	// servers have the namespace.
	Counted(nsp string) string
	// Servers returns the channel by which servers tell all others that they are there.
	Servers() string
	// Direct returns the channel of one server, for what has no format.
	Direct(uid string) string
	// Channel returns the channel that a message is published to.
	Channel(m *Message) string
	// Append appends the encoded message to dst. It fails if the format has no
	// such message, Data is not valid, or the name of a room is not UTF-8.
	Append(dst []byte, m *Message) ([]byte, error)
	// Decode decodes a message that came by a channel into m, which is zero. The
	// message may alias data, which nobody else changes then, and which Decode does
	// not. What it allocates is in proportion to data. Nsp and To stay as they are where the message does not
	// tell them.
	Decode(channel string, data []byte, m *Message) error
}
