package wire

// An Entry is a [Message] as a journal keeps it. Its first four fields are those of an entry
// in a stream of @socket.io/redis-streams-adapter, which ignores the others.
type Entry struct {
	UID  string // of the server that has appended it
	Nsp  string
	Type string // the number
	Data string // JSON, or msgpack in base64; "" if there is none

	Number uint64 // which of the entries of that server it is, from 1 on; 0 if it does not count
	Early  bool   // the clients of that server have been sent it before it was appended
}

// Kept tells whether a message goes into the journal, if there is one: events without an
// answer, unless they are volatile, and what is done to sockets. All else is told to the
// servers that are there.
func (m *Message) Kept() bool {
	switch m.Type {
	case TypeBroadcast:
		return m.Request == "" && !m.Flags.Volatile
	case TypeJoin, TypeLeave, TypeDisconnect:
		return m.Request == ""
	}
	return false
}
